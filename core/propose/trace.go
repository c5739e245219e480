package propose

import (
	"iter"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
	"metastorebench/core/trace"
)

// tracedRequest is a list of the requests of an entry that are traced. Neither
// it nor the table of those that wait costs a store without a trace anything.
type tracedRequest struct {
	position int // in the entry
	span     *trace.Span
	next     *tracedRequest
}

// takeSpans ends the wait of the traced ones among the requests that are being
// proposed. p.mu is held.
func (p *Proposer) takeSpans(requests []*request) (traced *tracedRequest) {
	if len(p.spans) == 0 {
		return nil
	}
	for i, r := range requests {
		if s := p.spans[r]; s != nil {
			delete(p.spans, r)
			s.Stamp(trace.Queue)
			traced = &tracedRequest{position: i, span: s, next: traced}
		}
	}
	return traced
}

// sinkTrace has the spans of the requests of a sink. The zero value has none.
type sinkTrace struct {
	carrier trace.Carrier
	spans   []*trace.Span
}

// tracesOf returns a sinkTrace that is empty, and stays so if nothing is traced.
func (p *Proposer) tracesOf(sink kv.Sink) (t sinkTrace) {
	if p.tracer != nil {
		t.carrier, _ = sink.(trace.Carrier)
	}
	return t
}

// began adds the span of the next request, which has been encoded.
func (t *sinkTrace) began(token uint64) {
	if t.carrier == nil {
		return
	}
	span := t.carrier.Span(token)
	span.Stamp(trace.Encode)
	t.spans = append(t.spans, span)
}

// Stamp says that a stage has ended, at the given time, for the requests of
// these entries that are traced and not answered yet.
func (p *Proposer) Stamp(stage trace.Stage, at trace.Time, entries iter.Seq[codec.ProposalID]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range entries {
		e := p.inFlight[id.Sequence]
		if e != nil && id.Origin == p.origin {
			e.stamp(stage, at, e.answered, len(e.requests))
		}
	}
}

// stamp stamps the traced requests that stand in [from, to).
func (e *proposal) stamp(stage trace.Stage, at trace.Time, from, to int) {
	for c := e.traced; c != nil; c = c.next {
		if c.position >= from && c.position < to {
			c.span.StampAt(stage, at)
		}
	}
}
