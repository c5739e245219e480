package trace_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/core/trace"
)

// log keeps what it is told.
type log struct {
	mu         sync.Mutex
	times      []trace.Times
	totals     []time.Duration
	incomplete int
}

func (l *log) Traced(times trace.Times, total time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times, l.totals = append(l.times, times), append(l.totals, total)
}

func (l *log) Incomplete() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.incomplete++
}

func newTracer(t *testing.T, every int) (*trace.Tracer, *log) {
	l := &log{}
	tracer, err := trace.New(every, l)
	require.NoError(t, err)
	return tracer, l
}

// upTo stamps the stages before the given one, as they end.
func upTo(s *trace.Span, end trace.Stage) {
	for _, stage := range trace.Stages() {
		if stage < end {
			s.Stamp(stage)
		}
	}
}

func TestEveryIsChecked(t *testing.T) {
	for _, every := range []int{-1, 0, trace.MaxEvery + 1} {
		_, err := trace.New(every, &log{})
		require.ErrorIs(t, err, trace.ErrEvery)
	}
}

// TestSampling counts the writes traced: one in so many, whatever period the
// load has.
func TestSampling(t *testing.T) {
	for _, every := range []int{1, 2, 16, 1000} {
		tracer, _ := newTracer(t, every)
		const writes, period = 64_000, 16
		traced := 0
		var byPhase [period]int
		for i := range writes {
			if tracer.Span(tracer.Start(t.Context())) != nil {
				traced++
				byPhase[i%period]++
			}
		}
		require.InDelta(t, writes/every, traced, 2, "one in %d", every)
		for phase, n := range byPhase {
			require.InDelta(t, traced/period, n, 5+0.05*float64(traced/period), "one in %d: phase %d of a load of period %d", every, phase, period)
		}
	}
}

// TestOff: without a tracer nothing happens, at no cost in memory.
func TestOff(t *testing.T) {
	var tracer *trace.Tracer
	ctx := t.Context()
	require.Equal(t, ctx, tracer.Start(ctx))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		s := tracer.Span(tracer.Start(ctx))
		s.Stamp(trace.Decode)
		s.StampAt(trace.Apply, 1)
		s.Done()
		s.Finish()
	}))
	on, _ := newTracer(t, 1)
	require.Nil(t, on.Span(context.Background()), "a request that was not started")
}

// TestStagesAddUp: the stages' sum is the total but for the clock's readings,
// which lie outside.
func TestStagesAddUp(t *testing.T) {
	tracer, l := newTracer(t, 1)
	before := time.Now()
	s := tracer.Span(tracer.Start(t.Context()))
	upTo(s, trace.Apply)
	s.StampAt(trace.Apply, trace.Now())
	s.Done()
	s.Finish()
	outside := time.Since(before)

	require.Zero(t, l.incomplete)
	require.Len(t, l.times, 1)
	var sum time.Duration
	for _, d := range l.times[0] {
		require.GreaterOrEqual(t, d, time.Duration(0))
		sum += d
	}
	require.Positive(t, sum)
	require.LessOrEqual(t, sum, l.totals[0])
	require.LessOrEqual(t, l.totals[0], outside)
}

// TestDefectsAreCounted: a stage that was left out, or that ended before the one
// in front of it, is never averaged in.
func TestDefectsAreCounted(t *testing.T) {
	tracer, l := newTracer(t, 1)
	missing := tracer.Span(tracer.Start(t.Context()))
	upTo(missing, trace.Apply)
	missing.Done()
	missing.Finish()
	require.Equal(t, 1, l.incomplete)

	early := trace.Now()
	disordered := tracer.Span(tracer.Start(t.Context()))
	upTo(disordered, trace.Reply)
	disordered.StampAt(trace.Commit, early)
	disordered.Done()
	disordered.Finish()
	require.Equal(t, 2, l.incomplete)

	failed := tracer.Span(tracer.Start(t.Context()))
	upTo(failed, trace.Queue)
	failed.Finish() // never carried out
	require.Equal(t, 2, l.incomplete)
	require.Empty(t, l.times)
}

func TestNames(t *testing.T) {
	var names []string
	for _, s := range trace.Stages() {
		names = append(names, s.String())
	}
	require.Equal(t, []string{"decode", "encode", "queue", "append", "commit", "apply", "reply"}, names)
}
