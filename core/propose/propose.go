package propose

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
	"metastorebench/core/trace"
)

// Limits bound the Proposer.
type Limits struct {
	// MaxRequestBytes bounds one encoded command.
	MaxRequestBytes int
	// MaxPendingOps and MaxPendingBytes bound the commands that have been
	// admitted and not answered, wherever they are on the path.
	MaxPendingOps   int
	MaxPendingBytes int64
	// MaxEntryOps and MaxEntryBytes bound one log entry; a single command may
	// exceed MaxEntryBytes.
	MaxEntryOps   int
	MaxEntryBytes int
}

// Policy decides how waiting commands become log entries: the seam of the axis
// --propose.
type Policy interface {
	// Name is the value's name on the axis.
	Name() string
	// Take returns how many of the waiting commands, counted from the oldest,
	// the next entry carries: from 1 to len(sizes). sizes holds their encoded
	// lengths in bytes, is not empty, and must not be retained.
	Take(sizes []int, limits Limits) int
}

// Proposer is the bounded queue in front of the Raft loop and the table of
// proposals in flight. It is safe for concurrent use.
type Proposer struct {
	codec  codec.Codec
	policy Policy
	limits Limits
	origin uint64
	tracer *trace.Tracer // nil without a stage trace
	wake   chan struct{}

	mu           sync.Mutex
	waiting      []*request // FIFO from head on
	sizes        []int      // sizes[i] = len(waiting[i].encoded)
	head         int
	spans        map[*request]*trace.Span // of the waiting commands that are traced
	inFlight     map[uint64]*proposal
	sequence     uint64
	pendingOps   int
	pendingBytes int64
	closed       error // set by Close
}

type request struct {
	encoded []byte
	answer  chan outcome // buffered: an answer never blocks
}

type outcome struct {
	result kv.Result
	err    error
}

// proposal is an entry in flight. Its commands are answered in order.
type proposal struct {
	requests []*request
	answered int
	born     time.Time
	traced   *tracedCommand
}

// New returns a Proposer. origin must differ from that of every other start of
// any node of the cluster: draw it at random. tracer is nil if no stages are
// traced.
func New(c codec.Codec, p Policy, l Limits, origin uint64, tracer *trace.Tracer) *Proposer {
	return &Proposer{
		codec: c, policy: p, limits: l, origin: origin, tracer: tracer,
		wake:     make(chan struct{}, 1),
		spans:    make(map[*request]*trace.Span),
		inFlight: make(map[uint64]*proposal),
	}
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
	encoded, err := p.codec.AppendCommand(nil, cmd)
	if err != nil {
		return kv.Result{}, err
	}
	if len(encoded) > p.limits.MaxRequestBytes {
		return kv.Result{}, fmt.Errorf("%w: %d bytes encoded, at most %d are accepted", kv.ErrTooLarge, len(encoded), p.limits.MaxRequestBytes)
	}
	span.Stamp(trace.Encode)
	r := &request{encoded: encoded, answer: make(chan outcome, 1)}
	if err := p.admit(r, span); err != nil {
		return kv.Result{}, err
	}
	select {
	case o := <-r.answer:
		if o.err == nil && o.result.Err == nil {
			span.Done()
		}
		return o.result, o.err
	case <-ctx.Done():
		return kv.Result{}, ctx.Err()
	}
}

func (p *Proposer) admit(r *request, span *trace.Span) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed != nil:
		return p.closed
	case p.pendingOps >= p.limits.MaxPendingOps:
		return fmt.Errorf("%w: %d operations are pending, the bound is %d", kv.ErrTooManyRequests, p.pendingOps, p.limits.MaxPendingOps)
	case p.pendingBytes+int64(len(r.encoded)) > p.limits.MaxPendingBytes:
		return fmt.Errorf("%w: %d bytes are pending, the bound is %d", kv.ErrTooManyRequests, p.pendingBytes, p.limits.MaxPendingBytes)
	}
	p.pendingOps++
	p.pendingBytes += int64(len(r.encoded))
	if span != nil {
		p.spans[r] = span
	}
	p.waiting = append(p.waiting, r)
	p.sizes = append(p.sizes, len(r.encoded))
	if n := len(p.waiting) - p.head; n == 1 || n == Crowd {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

// Crowd is how many waiting commands are worth an entry of their own although
// an earlier one is still being written: by then a Ready's own cost is small
// beside theirs.
const Crowd = 64

// Wake delivers a value when commands begin to wait, and again when they have
// become a Crowd. The receiver then calls Next until it reports false, or not
// before it has reason to.
func (p *Proposer) Wake() <-chan struct{} { return p.wake }

// Crowded tells whether a Crowd waits.
func (p *Proposer) Crowded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)-p.head >= Crowd
}

// Next forms the next log entry and registers it as in flight. ok is false if
// no command waits. ops is the number of commands in the entry.
func (p *Proposer) Next() (entry []byte, sequence uint64, ops int, ok bool) {
	p.mu.Lock()
	if p.head == len(p.waiting) {
		p.mu.Unlock()
		return nil, 0, 0, false
	}
	sizes := p.sizes[p.head:]
	ops = p.policy.Take(sizes, p.limits)
	if ops < 1 || ops > len(sizes) {
		p.mu.Unlock()
		panic(fmt.Sprintf("propose: policy %s took %d of %d commands", p.policy.Name(), ops, len(sizes)))
	}
	batch := slices.Clone(p.waiting[p.head : p.head+ops])
	p.dropOldest(ops)
	p.sequence++
	sequence = p.sequence
	p.inFlight[sequence] = &proposal{requests: batch, born: time.Now(), traced: p.takeSpans(batch)}
	p.mu.Unlock()

	encoded := make([][]byte, ops)
	size := codec.HeaderBytes + 2
	for i, r := range batch {
		encoded[i] = r.encoded
		size += len(r.encoded) + 8
	}
	id := codec.ProposalID{Origin: p.origin, Sequence: sequence}
	return codec.AppendEntry(make([]byte, 0, size), p.codec, id, encoded), sequence, ops, true
}

// dropOldest removes the n oldest waiting commands. The arrays are compacted
// when half of them is used up, so that each command is moved at most once.
func (p *Proposer) dropOldest(n int) {
	clear(p.waiting[p.head : p.head+n])
	p.head += n
	if 2*p.head < len(p.waiting) {
		return
	}
	rest := copy(p.waiting, p.waiting[p.head:])
	clear(p.waiting[rest:])
	copy(p.sizes, p.sizes[p.head:])
	p.waiting, p.sizes, p.head = p.waiting[:rest], p.sizes[:rest], 0
}

// Resolve answers the next len(results) commands of the entry id, in order.
// Entries of another origin, and those that failed before, are ignored. applied
// is when the engine had them, for the stage trace; 0 if none is kept.
func (p *Proposer) Resolve(id codec.ProposalID, results []kv.Result, applied trace.Time) {
	if id.Origin != p.origin || len(results) == 0 {
		return
	}
	p.mu.Lock()
	e := p.inFlight[id.Sequence]
	if e == nil {
		p.mu.Unlock()
		return
	}
	e.stamp(trace.Apply, applied, e.answered+len(results))
	answered := e.requests[e.answered : e.answered+len(results)]
	e.answered += len(results)
	if e.answered == len(e.requests) {
		delete(p.inFlight, id.Sequence)
	}
	p.settle(answered)
	p.mu.Unlock()
	for i, r := range answered {
		r.answer <- outcome{result: results[i]}
	}
}

// Fail answers the entry's commands with err, those that have been answered
// excepted.
func (p *Proposer) Fail(sequence uint64, err error) {
	p.mu.Lock()
	var failed []*request
	if e := p.inFlight[sequence]; e != nil {
		failed = e.requests[e.answered:]
		delete(p.inFlight, sequence)
		p.settle(failed)
	}
	p.mu.Unlock()
	answerAll(failed, err)
}

// FailInFlight answers every command that has been proposed, and not applied,
// with err: kv.ErrLeaderLost after this node lost the leadership.
func (p *Proposer) FailInFlight(err error) {
	p.failWhere(err, func(*proposal) bool { return true })
}

// Expire answers the commands proposed before the given time with
// kv.ErrTimeout.
func (p *Proposer) Expire(before time.Time) {
	p.failWhere(kv.ErrTimeout, func(e *proposal) bool { return e.born.Before(before) })
}

func (p *Proposer) failWhere(err error, match func(*proposal) bool) {
	p.mu.Lock()
	var failed []*request
	for sequence, e := range p.inFlight {
		if match(e) {
			failed = append(failed, e.requests[e.answered:]...)
			delete(p.inFlight, sequence)
		}
	}
	p.settle(failed)
	p.mu.Unlock()
	answerAll(failed, err)
}

// Close answers everything that is pending, and everything that comes later,
// with err. The first call's err stays.
func (p *Proposer) Close(err error) {
	p.mu.Lock()
	if p.closed == nil {
		p.closed = err
	}
	waiting := p.waiting[p.head:]
	p.waiting, p.sizes, p.head = nil, nil, 0
	clear(p.spans)
	p.settle(waiting)
	p.mu.Unlock()
	answerAll(waiting, err)
	p.FailInFlight(err)
}

// settle takes requests out of the pending bounds. p.mu is held.
func (p *Proposer) settle(requests []*request) {
	p.pendingOps -= len(requests)
	for _, r := range requests {
		p.pendingBytes -= int64(len(r.encoded))
	}
}

func answerAll(requests []*request, err error) {
	for _, r := range requests {
		r.answer <- outcome{err: err}
	}
}
