package trace

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"
)

// Stage is a part of a write's way through the store.
type Stage int

// The stages in their order.
const (
	Decode Stage = iota
	Encode
	Queue
	Append
	Commit
	Apply
	Reply
	stages // their number
)

var names = [stages]string{"decode", "encode", "queue", "append", "commit", "apply", "reply"}

// String is the stage's name in metrics and records.
func (s Stage) String() string { return names[s] }

// Stages lists all stages in their order.
func Stages() []Stage {
	all := make([]Stage, stages)
	for i := range all {
		all[i] = Stage(i)
	}
	return all
}

// MaxEvery is the largest accepted sampling interval.
const MaxEvery = 1_000_000

// ErrEvery says that a sampling interval is out of range.
var ErrEvery = errors.New("trace: sampling interval out of range")

// Times are one write's stage times, by Stage.
type Times [stages]time.Duration

// Observer is told of every traced write that was carried out. Its methods are
// called concurrently and must not block.
type Observer interface {
	// Traced reports a write's stages and its total time, measured apart.
	Traced(stages Times, total time.Duration)
	// Incomplete reports a write that was carried out with a stage missing or
	// out of order: a defect of the store.
	Incomplete()
}

// Tracer chooses the writes that are traced. A nil Tracer chooses none. It is
// safe for concurrent use.
type Tracer struct {
	observer Observer
	// threshold is what 2^64/every comes to.
	threshold uint64
	seen      atomic.Uint64
}

// New returns a Tracer that traces one write in every. The error wraps ErrEvery.
func New(every int, o Observer) (*Tracer, error) {
	if every < 1 || every > MaxEvery {
		return nil, fmt.Errorf("%w: %d, accepted: 1 to %d", ErrEvery, every, MaxEvery)
	}
	return &Tracer{observer: o, threshold: math.MaxUint64 / uint64(every)}, nil
}

// goldenRatio is 2^64 divided by the golden ratio. Its multiples modulo 2^64 are
// spread evenly (Knuth, The Art of Computer Programming, volume 3, section 6.4),
// without a period that a load could share: with every 16th write traced, 16
// clients would have one of them watched and 15 never.
const goldenRatio = 0x9E3779B97F4A7C15

type contextKey struct{}

// Start is called when a write arrives. For one in so many it returns a context
// that carries a new Span, for the others ctx itself.
func (t *Tracer) Start(ctx context.Context) context.Context {
	if !t.choose() {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, t.newSpan(time.Now()))
}

// Begin is Start for a write without a context of its own, which arrived at the
// given time: one in so many gets a new Span, the others nil.
func (t *Tracer) Begin(arrived time.Time) *Span {
	if !t.choose() {
		return nil
	}
	return t.newSpan(arrived)
}

// choose counts a write, and tells whether it is one that is traced.
func (t *Tracer) choose() bool {
	return t != nil && t.seen.Add(1)*goldenRatio <= t.threshold
}

func (t *Tracer) newSpan(arrived time.Time) *Span {
	s := &Span{observer: t.observer, began: arrived}
	s.stamps[0] = int64(arrived.Sub(epoch))
	return s
}

// Carrier has the Spans of writes that have no context, by a token of its own for
// each.
type Carrier interface {
	// Span returns the Span of a write, nil if it is not traced. It is called on
	// the goroutine that hands the write over, before anybody else has it.
	Span(token uint64) *Span
}

// Span returns the Span that ctx carries, or nil.
func (t *Tracer) Span(ctx context.Context) *Span {
	if t == nil {
		return nil
	}
	s, _ := ctx.Value(contextKey{}).(*Span)
	return s
}

// Span is one write's trace. A nil Span ignores every call. See the package
// comment for who may use it when.
type Span struct {
	observer Observer
	began    time.Time
	// stamps[0] is the arrival, stamps[s+1] the end of stage s; 0 is not
	// stamped.
	stamps [stages + 1]int64
	// done is set by the request's own goroutine once the command was carried
	// out: no stage has the Span any more.
	done bool
}

// epoch makes times small and monotonic; a stamp is never 0.
var epoch = time.Now().Add(-time.Second)

// now is the time since epoch in nanoseconds.
func now() int64 { return int64(time.Since(epoch)) }

// Time is a moment for StampAt.
type Time int64

// Now returns the present moment.
func Now() Time { return Time(now()) }

// Stamp says that the stage has just ended.
func (s *Span) Stamp(stage Stage) {
	if s != nil {
		s.stamps[stage+1] = now()
	}
}

// StampAt says when the stage ended.
func (s *Span) StampAt(stage Stage, at Time) {
	if s != nil {
		s.stamps[stage+1] = int64(at)
	}
}

// Done says that the command was carried out. The request's goroutine calls it
// when it has been answered.
func (s *Span) Done() {
	if s != nil {
		s.done = true
	}
}

// Finish ends the last stage and reports the write, if Done was called.
func (s *Span) Finish() {
	if s == nil || !s.done {
		return
	}
	s.stamps[Reply+1] = now()
	total := time.Since(s.began)
	var times Times
	for i := range times {
		if s.stamps[i+1] == 0 || s.stamps[i+1] < s.stamps[i] {
			s.observer.Incomplete()
			return
		}
		times[i] = time.Duration(s.stamps[i+1] - s.stamps[i])
	}
	s.observer.Traced(times, total)
}
