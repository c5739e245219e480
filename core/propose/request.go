package propose

import (
	"context"
	"fmt"
	"time"

	"metastorebench/core/kv"
	"metastorebench/core/trace"
)

// request is what one caller waits for: a command, or a batch of commands that
// go into one log entry and are answered together.
type request struct {
	encoded [][]byte    // the commands in order, not empty
	bytes   int         // sum of their lengths
	results []kv.Result // of the first commands; the caller's once it is answered
	answer  chan error  // nil: results is complete; buffered, so an answer never blocks
	sink    kv.Sink     // takes the answer of a command of DoEach instead, under token
	token   uint64

	// Room for a request of one command.
	oneEncoded [1][]byte
	oneResult  [1]kv.Result
}

// proposal is an entry in flight. Its requests are answered in order.
type proposal struct {
	requests []*request
	answered int
	born     time.Time
	traced   *tracedRequest
}

// unanswered are the requests that still wait.
func (e *proposal) unanswered() []*request { return e.requests[e.answered:] }

// take hands out the results of the entry's next commands, in order, and returns
// the requests that are complete with them. It panics if there are more results
// than commands: the entry is not the one that was proposed.
func (e *proposal) take(results []kv.Result) (complete []*request) {
	first := e.answered
	for len(results) > 0 {
		r := e.requests[e.answered]
		k := min(len(results), len(r.encoded)-len(r.results))
		r.results = append(r.results, results[:k]...)
		results = results[k:]
		if len(r.results) == len(r.encoded) {
			e.answered++
		}
	}
	return e.requests[first:e.answered]
}

// Do proposes cmd and waits until it has been applied, has failed, or ctx ends.
// When ctx ends first the outcome is unknown. cmd must not be changed during
// the call.
//
// Errors: kv.ErrTooLarge, kv.ErrTooManyRequests and kv.ErrDropped (did not
// happen); kv.ErrStopped, kv.ErrLeaderLost and ctx's error (unknown). A command
// that was carried out but found nothing to do right has its error in
// Result.Err.
func (p *Proposer) Do(ctx context.Context, cmd *kv.Command) (kv.Result, error) {
	span := p.tracer.Span(ctx)
	span.Stamp(trace.Decode)
	r := &request{answer: make(chan error, 1)}
	r.encoded, r.results = r.oneEncoded[:], r.oneResult[:0]
	var err error
	if r.encoded[0], err = p.codec.AppendCommand(nil, cmd); err != nil {
		return kv.Result{}, err
	}
	r.bytes = len(r.encoded[0])
	if err := p.enqueue(r, span); err != nil {
		return kv.Result{}, err
	}
	select {
	case err := <-r.answer:
		if err != nil {
			return kv.Result{}, err
		}
		if r.results[0].Err == nil {
			span.Done()
		}
		return r.results[0], nil
	case <-ctx.Done():
		return kv.Result{}, ctx.Err()
	}
}

// DoBatch proposes all commands in one log entry and waits as Do does: all of
// them are committed, in order and with nothing between them, or none is. The
// results are in the commands' order; each may have an error of its own in
// Result.Err, and changed nothing then. cmds and what they hold must not be
// changed during the call. There must be at least one.
//
// Errors are those of Do and mean the whole batch. If ctx ends before the batch
// is proposed it is withdrawn: kv.ErrNotProposed (did not happen), and ctx's
// error in the same chain.
func (p *Proposer) DoBatch(ctx context.Context, cmds []*kv.Command) ([]kv.Result, error) {
	span := p.tracer.Span(ctx)
	span.Stamp(trace.Decode)
	r := &request{
		encoded: make([][]byte, len(cmds)), results: make([]kv.Result, 0, len(cmds)), answer: make(chan error, 1),
	}
	if err := p.encodeAll(r, cmds); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, notProposed(ctx)
	}
	if err := p.enqueue(r, span); err != nil {
		return nil, err
	}
	select {
	case err := <-r.answer:
		if err != nil {
			return nil, err
		}
		span.Done()
		return r.results, nil
	case <-ctx.Done():
		if p.withdraw(r) {
			return nil, notProposed(ctx)
		}
		return nil, ctx.Err()
	}
}

func notProposed(ctx context.Context) error {
	return fmt.Errorf("%w: %w", kv.ErrNotProposed, ctx.Err())
}

// encodeAll fills r.encoded with slices of one buffer.
func (p *Proposer) encodeAll(r *request, cmds []*kv.Command) (err error) {
	var all []byte
	ends := make([]int, len(cmds))
	for i, cmd := range cmds {
		if all, err = p.codec.AppendCommand(all, cmd); err != nil {
			return err
		}
		ends[i] = len(all)
	}
	start := 0
	for i, end := range ends {
		r.encoded[i] = all[start:end:end]
		start = end
	}
	r.bytes = len(all)
	return nil
}

// enqueue admits an encoded request.
func (p *Proposer) enqueue(r *request, span *trace.Span) error {
	if r.bytes > p.limits.MaxRequestBytes {
		return fmt.Errorf("%w: %d bytes encoded, at most %d are accepted", kv.ErrTooLarge, r.bytes, p.limits.MaxRequestBytes)
	}
	span.Stamp(trace.Encode)
	return p.admit(r, span)
}
