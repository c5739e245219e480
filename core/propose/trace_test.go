package propose_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
	"metastorebench/core/propose"
	"metastorebench/core/trace"
)

// traced is an observer that counts.
type traced struct {
	mu               sync.Mutex
	whole, defective int
}

func (o *traced) Traced(trace.Times, time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.whole++
}

func (o *traced) Incomplete() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.defective++
}

// TestTrace takes traced commands through the queue: those of one entry that are
// answered one after the other, one whose entry fails, and one whose caller gives
// up while the entry is in flight.
func TestTrace(t *testing.T) {
	seen := &traced{}
	tracer, err := trace.New(1, seen)
	require.NoError(t, err)
	p := propose.New(valueCodec{}, takeTwo{}, limits, origin, tracer)
	var callers sync.WaitGroup
	begin := func(ctx context.Context) {
		waits := make(chan struct{})
		ctx = tracer.Start(ctx)
		callers.Go(func() {
			_, _ = p.Do(&notifying{Context: ctx, asked: waits}, put(10))
			tracer.Span(ctx).Finish()
		})
		<-waits
	}
	stamp := func(stage trace.Stage, sequence uint64) {
		id := codec.ProposalID{Origin: origin, Sequence: sequence}
		p.Stamp(stage, trace.Now(), slices.Values([]codec.ProposalID{{Origin: origin + 1, Sequence: sequence}, id}))
	}
	answer := func(sequence uint64) {
		p.Resolve(codec.ProposalID{Origin: origin, Sequence: sequence}, make([]kv.Result, 1), trace.Now())
	}

	begin(t.Context())
	begin(t.Context())
	_, first, ops, ok := p.Next()
	require.True(t, ok)
	require.Equal(t, 2, ops)
	stamp(trace.Append, first)
	stamp(trace.Commit, first)
	answer(first)
	stamp(trace.Commit, first) // of the rest: the first command is its caller's again
	answer(first)

	begin(t.Context())
	_, second, _, _ := p.Next()
	p.Fail(second, errors.New("dropped"))
	stamp(trace.Append, second)

	ctx, cancel := context.WithCancel(t.Context())
	begin(ctx)
	_, third, _, _ := p.Next()
	cancel()
	stamp(trace.Append, third)
	stamp(trace.Commit, third)
	answer(third)

	callers.Wait()
	require.Equal(t, 0, seen.defective)
	require.Contains(t, []int{2, 3}, seen.whole, "the last caller may have taken its answer or its context's end")
}
