package propose

import (
	"iter"

	"metastorebench/core/codec"
	"metastorebench/core/trace"
)

// tracedCommand is a list of the commands of an entry that are traced. Neither
// it nor the table of those that wait costs a store without a trace anything.
type tracedCommand struct {
	position int // in the entry
	span     *trace.Span
	next     *tracedCommand
}

// takeSpans ends the wait of the batch's traced commands. p.mu is held.
func (p *Proposer) takeSpans(batch []*request) (traced *tracedCommand) {
	if len(p.spans) == 0 {
		return nil
	}
	for i, r := range batch {
		if s := p.spans[r]; s != nil {
			delete(p.spans, r)
			s.Stamp(trace.Queue)
			traced = &tracedCommand{position: i, span: s, next: traced}
		}
	}
	return traced
}

// Stamp says that a stage has ended, at the given time, for the commands of
// these entries that are traced and not answered yet.
func (p *Proposer) Stamp(stage trace.Stage, at trace.Time, entries iter.Seq[codec.ProposalID]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range entries {
		e := p.inFlight[id.Sequence]
		if e != nil && id.Origin == p.origin {
			e.stamp(stage, at, len(e.requests))
		}
	}
}

// stamp stamps the traced commands that are not answered and stand before end.
func (e *proposal) stamp(stage trace.Stage, at trace.Time, end int) {
	for c := e.traced; c != nil; c = c.next {
		if c.position >= e.answered && c.position < end {
			c.span.StampAt(stage, at)
		}
	}
}
