package propose

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
	"metastorebench/core/recycle"
	"metastorebench/core/trace"
)

// Limits bound the Proposer.
type Limits struct {
	// MaxRequestBytes bounds one encoded command, or all those of a batch.
	MaxRequestBytes int
	// MaxPendingOps and MaxPendingBytes bound the commands that have been
	// admitted and not answered, wherever they are on the path.
	MaxPendingOps   int
	MaxPendingBytes int64
	// MaxEntryOps and MaxEntryBytes bound one log entry, in requests (a command,
	// or a batch of them) and in bytes. A single request may exceed
	// MaxEntryBytes.
	MaxEntryOps   int
	MaxEntryBytes int
}

// Policy decides how waiting requests become log entries: the seam of the axis
// --propose. A request is a command, or a batch that shares its fate.
type Policy interface {
	// Name is the value's name on the axis.
	Name() string
	// Take returns how many of the waiting requests, counted from the oldest, the
	// next entry carries: from 1 to len(sizes). sizes holds their encoded lengths
	// in bytes, is not empty, and must not be retained.
	Take(sizes []int, limits Limits) int
}

// Proposer is the bounded queue in front of the Raft loop and the table of
// proposals in flight. It is safe for concurrent use, but Next, FailInFlight, Expire
// and Close belong to one goroutine, the Raft loop's.
type Proposer struct {
	codec  codec.Codec
	policy Policy
	limits Limits
	origin uint64
	tracer *trace.Tracer // nil without a stage trace
	wake   chan struct{}
	passer codec.Passer // the codec, if it is one
	copied func(Copy, int)

	requests  recycle.Pool[request]
	proposals recycle.Pool[proposal]
	chunks    recycle.Pool[chunk]
	pieces    [][]byte // of the entry that Next makes

	mu           sync.Mutex
	waiting      []*request // FIFO from head on
	sizes        []int      // sizes[i] = waiting[i].bytes
	head         int
	waitingOps   int                      // commands in the waiting requests
	spans        map[*request]*trace.Span // of the waiting requests that are traced
	inFlight     map[uint64]*proposal
	sequence     uint64
	pendingOps   int
	pendingBytes int64
	closed       error // set by Close
}

// New returns a Proposer. origin must differ from that of every other start of
// any node of the cluster: draw it at random. tracer is nil if no stages are
// traced.
func New(c codec.Codec, p Policy, l Limits, origin uint64, tracer *trace.Tracer, options ...Option) *Proposer {
	proposer := &Proposer{
		codec: c, policy: p, limits: l, origin: origin, tracer: tracer,
		wake:     make(chan struct{}, 1),
		copied:   func(Copy, int) {},
		spans:    make(map[*request]*trace.Span),
		inFlight: make(map[uint64]*proposal),
	}
	proposer.passer, _ = c.(codec.Passer)
	for _, set := range options {
		set(proposer)
	}
	return proposer
}

// admit lets r wait for its turn.
func (p *Proposer) admit(r *request, span *trace.Span) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.waitingOps
	if err := p.queue(r); err != nil {
		return err
	}
	if span != nil {
		p.spans[r] = span
	}
	p.wakeLoop(before)
	return nil
}

// queue puts r into the queue if the bounds allow it. p.mu is held.
func (p *Proposer) queue(r *request) error {
	ops := r.ops
	switch {
	case p.closed != nil:
		return p.closed
	case p.pendingOps+ops > p.limits.MaxPendingOps:
		return fmt.Errorf("%w: %d operations are pending, the bound is %d, and %d were to be added", kv.ErrTooManyRequests, p.pendingOps, p.limits.MaxPendingOps, ops)
	case p.pendingBytes+int64(r.bytes) > p.limits.MaxPendingBytes:
		return fmt.Errorf("%w: %d bytes are pending, the bound is %d", kv.ErrTooManyRequests, p.pendingBytes, p.limits.MaxPendingBytes)
	}
	p.pendingOps += ops
	p.pendingBytes += int64(r.bytes)
	p.waiting = append(p.waiting, r)
	p.sizes = append(p.sizes, r.bytes)
	p.waitingOps += ops
	return nil
}

// wakeLoop wakes the Raft loop if the commands that wait since there were as many
// as before are reason to. p.mu is held.
func (p *Proposer) wakeLoop(before int) {
	if before == 0 && p.waitingOps > 0 || before < Crowd && p.waitingOps >= Crowd {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
}

// withdraw takes r out of the queue and reports whether it still waited there.
func (p *Proposer) withdraw(r *request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.waiting[p.head:], r)
	if i < 0 {
		return false
	}
	p.waiting = slices.Delete(p.waiting, p.head+i, p.head+i+1)
	p.sizes = slices.Delete(p.sizes, p.head+i, p.head+i+1)
	p.waitingOps -= r.ops
	delete(p.spans, r)
	r.letGo()
	p.settle(r)
	return true
}

// Crowd is how many waiting commands are worth an entry of their own although
// an earlier one is still being written: by then a Ready's own cost is small
// beside theirs.
const Crowd = 256

// Wake delivers a value when commands begin to wait, and again when they have
// become a Crowd. The receiver then calls Next until it reports false, or not
// before it has reason to.
func (p *Proposer) Wake() <-chan struct{} { return p.wake }

// Waiting returns the number of commands that wait for Next.
func (p *Proposer) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waitingOps
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
	n := p.policy.Take(sizes, p.limits)
	if n < 1 || n > len(sizes) {
		p.mu.Unlock()
		panic(fmt.Sprintf("propose: policy %s took %d of %d requests", p.policy.Name(), n, len(sizes)))
	}
	e := p.proposals.Get()
	e.requests = append(e.requests, p.waiting[p.head:p.head+n]...)
	for _, r := range e.requests {
		ops += r.ops
	}
	p.waitingOps -= ops
	p.dropOldest(n)
	p.sequence++
	sequence = p.sequence
	e.born, e.traced = time.Now(), p.takeSpans(e.requests)
	p.inFlight[sequence] = e
	p.mu.Unlock()
	return p.entry(sequence, e.requests), sequence, ops, true
}

// entry makes the log entry of requests that are in flight, which cannot be
// answered before it is proposed, and lets go of the memory that they lay in.
func (p *Proposer) entry(sequence uint64, requests []*request) []byte {
	size, pieces := codec.HeaderBytes+2, p.pieces[:0]
	for _, r := range requests {
		pieces = append(pieces, r.pieces...)
		size += r.bytes + 8*r.ops
	}
	id := codec.ProposalID{Origin: p.origin, Sequence: sequence}
	entry := codec.AppendEntry(make([]byte, 0, size), p.codec, id, pieces)
	p.counted(CopyEntry, len(entry))
	for _, r := range requests {
		r.letGo()
	}
	if p.requests.On {
		clear(pieces)
		p.pieces = pieces[:0]
	}
	return entry
}

// dropOldest removes the n oldest waiting requests. The arrays are compacted
// when half of them is used up, so that each request is moved at most once.
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

// Resolve gives the next len(results) commands of the entry id their results, in
// order, and answers the requests that are complete with them. Entries of
// another origin, and those that failed before, are ignored. applied is when the
// engine had the commands, for the stage trace; 0 if none is kept.
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
	first := e.answered
	complete := e.take(results)
	e.stamp(trace.Apply, applied, first, e.answered)
	done := e.answered == len(e.requests)
	if done {
		delete(p.inFlight, id.Sequence)
	}
	p.settle(complete...)
	p.mu.Unlock()
	p.answerAll(complete, nil)
	if done {
		p.proposals.Put(e)
	}
}

// Fail answers the entry's requests with err, those that have been answered
// excepted.
func (p *Proposer) Fail(sequence uint64, err error) {
	p.mu.Lock()
	var failed []*request
	if e := p.inFlight[sequence]; e != nil {
		failed = e.unanswered()
		delete(p.inFlight, sequence)
		p.settle(failed...)
	}
	p.mu.Unlock()
	p.answerAll(failed, err)
}

// FailInFlight answers every command that has been proposed, and not applied,
// with err: kv.ErrLeaderLost after this node lost the leadership.
func (p *Proposer) FailInFlight(err error) {
	p.failWhere(err, func(*proposal) bool { return true })
}

// FailBefore answers the commands proposed before the given time with err:
// kv.ErrTimeout if they have waited for too long, kv.ErrOvertaken if they may be
// in a state that this node has taken over.
func (p *Proposer) FailBefore(before time.Time, err error) {
	p.failWhere(err, func(e *proposal) bool { return e.born.Before(before) })
}

func (p *Proposer) failWhere(err error, match func(*proposal) bool) {
	p.mu.Lock()
	var failed []*request
	for sequence, e := range p.inFlight {
		if match(e) {
			failed = append(failed, e.unanswered()...)
			delete(p.inFlight, sequence)
		}
	}
	p.settle(failed...)
	p.mu.Unlock()
	p.answerAll(failed, err)
}

// Close answers everything that is pending, and everything that comes later,
// with err. The first call's err stays.
func (p *Proposer) Close(err error) {
	p.mu.Lock()
	if p.closed == nil {
		p.closed = err
	}
	waiting := p.waiting[p.head:]
	p.waiting, p.sizes, p.head, p.waitingOps = nil, nil, 0, 0
	clear(p.spans)
	p.settle(waiting...)
	p.mu.Unlock()
	for _, r := range waiting {
		r.letGo()
	}
	p.answerAll(waiting, err)
	p.FailInFlight(err)
}

// settle takes requests out of the pending bounds. p.mu is held.
func (p *Proposer) settle(requests ...*request) {
	for _, r := range requests {
		p.pendingOps -= r.ops
		p.pendingBytes -= int64(r.bytes)
	}
}
