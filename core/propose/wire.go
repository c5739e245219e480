package propose

import (
	"context"
	"fmt"

	"metastorebench/core/kv"
	"metastorebench/core/recycle"
	"metastorebench/core/trace"
)

// Option sets what a Proposer can do without.
type Option func(*Proposer)

// WithPool makes the Proposer use its objects again (--pool=on). Package recycle
// says who owns them until when.
func WithPool() Option {
	return func(p *Proposer) {
		p.requests = recycle.Pool[request]{On: true, Clear: clearRequest}
		p.proposals = recycle.Pool[proposal]{On: true, Clear: clearProposal}
		p.chunks = recycle.Pool[chunk]{On: true, Clear: clearChunk}
	}
}

// Copy is a place on the way to the log where bytes of requests are copied.
type Copy string

// The places.
const (
	// CopyEncode is the encoding of a command.
	CopyEncode Copy = "encode"
	// CopyEntry is the making of a log entry.
	CopyEntry Copy = "entry"
)

// WithCopies has fn told of the bytes that were copied, or written by an encoder.
// It is called concurrently and must not block.
func WithCopies(fn func(at Copy, bytes int)) Option {
	return func(p *Proposer) { p.copied = fn }
}

func (p *Proposer) counted(at Copy, bytes int) {
	if bytes > 0 {
		p.copied(at, bytes)
	}
}

// TakesWire reports whether DoWire, DoWireBatch and submissions with a Wire are
// accepted: whether the codec is a codec.Passer.
func (p *Proposer) TakesWire() bool { return p.passer != nil }

// DoWire is Do for a request of one command as it was received. It panics unless
// TakesWire.
func (p *Proposer) DoWire(ctx context.Context, w kv.Wire) (kv.Result, error) {
	span := p.tracer.Span(ctx)
	span.Stamp(trace.Decode)
	r := p.newRequest()
	p.pass(r, w)
	return p.wait(ctx, r, span)
}

// DoWireBatch is DoBatch for a request of many commands as it was received. It
// panics unless TakesWire.
func (p *Proposer) DoWireBatch(ctx context.Context, w kv.Wire) ([]kv.Result, error) {
	span := p.tracer.Span(ctx)
	span.Stamp(trace.Decode)
	r := &request{results: make([]kv.Result, 0, w.Ops), answer: make(chan error, 1)}
	p.pass(r, w)
	return p.waitAll(ctx, r, span)
}

// pass fills r with the request's own bytes behind the codec's head.
func (p *Proposer) pass(r *request, w kv.Wire) {
	if p.passer == nil {
		panic(fmt.Sprintf("propose: codec %s takes no requests as they were received", p.codec.Name()))
	}
	head := p.passer.AppendHead(r.oneHead[:0], w)
	r.onePiece = [2][]byte{head, w.Bytes}
	r.pieces = r.onePiece[:]
	r.ops, r.bytes, r.memory = w.Ops, len(head)+len(w.Bytes), w.Memory
}

// clearRequest keeps the channel, which is empty: its answer has been taken.
func clearRequest(r *request) { *r = request{answer: r.answer} }

func clearProposal(e *proposal) {
	clear(e.requests)
	*e = proposal{requests: e.requests[:0]}
}
