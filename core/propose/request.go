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
	pieces  [][]byte    // the commands' encoding, in order, until it is in an entry
	memory  kv.Memory   // what a piece lies in, held as long; nil: nothing to hold
	ops     int         // commands, 1 or more
	bytes   int         // sum of the pieces' lengths
	results []kv.Result // of the first commands; the caller's once it is answered
	answer  chan error  // nil: results is complete; buffered, so an answer never blocks
	sink    kv.Sink     // takes the answer if nobody waits for it
	token   uint64
	chunk   *chunk // that the request is one of, nil: it is none's

	// Room for a request of one command.
	onePiece  [2][]byte
	oneHead   [8]byte
	oneResult [1]kv.Result
}

// hold keeps the pieces as they are until letGo.
func (r *request) hold() {
	if r.memory != nil {
		r.memory.Ref()
	}
}

// letGo forgets the pieces. It does nothing when it is called again.
func (r *request) letGo() {
	if r.memory != nil {
		r.memory.Free()
	}
	r.pieces, r.memory, r.onePiece = nil, nil, [2][]byte{}
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
		k := min(len(results), r.ops-len(r.results))
		r.results = append(r.results, results[:k]...)
		results = results[k:]
		if len(r.results) == r.ops {
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
// happen); kv.ErrStopped, kv.ErrLeaderLost, kv.ErrOvertaken, kv.ErrTimeout and ctx's
// error (unknown). A command that was carried out but found nothing to do right has
// its error in Result.Err.
func (p *Proposer) Do(ctx context.Context, cmd *kv.Command) (kv.Result, error) {
	span := p.tracer.Span(ctx)
	span.Stamp(trace.Decode)
	r := p.newRequest()
	encoded, err := p.codec.AppendCommand(nil, cmd)
	if err != nil {
		p.requests.Put(r)
		return kv.Result{}, err
	}
	p.counted(CopyEncode, len(encoded))
	r.onePiece[0] = encoded
	r.pieces, r.ops, r.bytes = r.onePiece[:1], 1, len(encoded)
	return p.wait(ctx, r, span)
}

// newRequest returns a request with room for one command, for one that waits.
func (p *Proposer) newRequest() *request {
	r := p.requests.Get()
	if r.answer == nil {
		r.answer = make(chan error, 1)
	}
	r.results = r.oneResult[:0]
	return r
}

// wait admits a request of one command and waits for its result. The request is
// the proposer's again.
func (p *Proposer) wait(ctx context.Context, r *request, span *trace.Span) (kv.Result, error) {
	if err := p.enqueue(r, span); err != nil {
		p.requests.Put(r)
		return kv.Result{}, err
	}
	select {
	case err := <-r.answer:
		var result kv.Result
		if err == nil {
			result = r.results[0]
		}
		p.requests.Put(r)
		if err == nil && result.Err == nil {
			span.Done()
		}
		return result, err
	case <-ctx.Done():
		return kv.Result{}, ctx.Err() // what is under way still has the request
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
		pieces: make([][]byte, len(cmds)), ops: len(cmds), results: make([]kv.Result, 0, len(cmds)), answer: make(chan error, 1),
	}
	if err := p.encodeAll(r, cmds); err != nil {
		return nil, err
	}
	return p.waitAll(ctx, r, span)
}

// waitAll admits a batch and waits for its results.
func (p *Proposer) waitAll(ctx context.Context, r *request, span *trace.Span) ([]kv.Result, error) {
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

// encodeAll fills r.pieces with slices of one buffer.
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
		r.pieces[i] = all[start:end:end]
		start = end
	}
	r.bytes = len(all)
	p.counted(CopyEncode, r.bytes)
	return nil
}

// enqueue admits an encoded request.
func (p *Proposer) enqueue(r *request, span *trace.Span) error {
	if r.bytes > p.limits.MaxRequestBytes {
		return fmt.Errorf("%w: %d bytes encoded, at most %d are accepted", kv.ErrTooLarge, r.bytes, p.limits.MaxRequestBytes)
	}
	span.Stamp(trace.Encode)
	r.hold()
	err := p.admit(r, span)
	if err != nil {
		r.letGo()
	}
	return err
}
