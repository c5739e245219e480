package propose_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
	"metastorebench/core/propose"
)

// batchWaiter is one batch proposed in the background.
type batchWaiter struct {
	results []kv.Result
	err     error
	done    chan struct{}
}

// proposeBatch admits a batch of commands of these sizes and returns once it
// waits.
func proposeBatch(p *propose.Proposer, parent context.Context, bytes ...int) *batchWaiter {
	w := &batchWaiter{done: make(chan struct{})}
	admitted := make(chan struct{})
	var cmds []*kv.Command
	for _, n := range bytes {
		cmds = append(cmds, put(n))
	}
	ctx := &notifying{Context: parent, asked: admitted}
	go func() {
		defer close(w.done)
		w.results, w.err = p.DoBatch(ctx, cmds)
	}()
	<-admitted
	return w
}

func revisions(from, n int) []kv.Result {
	rs := make([]kv.Result, n)
	for i := range rs {
		rs[i].Revision = int64(from + i)
	}
	return rs
}

// TestBatchIsOneEntry checks that a batch is never divided, whatever the policy
// takes, and that its results are its own, in order, in however many pieces they
// come.
func TestBatchIsOneEntry(t *testing.T) {
	limits := limits
	limits.MaxPendingOps = 10
	p := propose.New(valueCodec{}, takeTwo{}, limits, origin, nil)
	first := proposeBatch(p, t.Context(), 3, 5, 7)
	second := proposeBatch(p, t.Context(), 11)
	third := proposeBatch(p, t.Context(), 1, 2)

	entry, sequence, ops, ok := p.Next()
	require.True(t, ok)
	require.Equal(t, 4, ops, "two requests: a batch of three, and one of one")
	require.Len(t, entry, codec.HeaderBytes+3+5+7+11)
	id := codec.ProposalID{Origin: origin, Sequence: sequence}
	p.Resolve(id, revisions(10, 2), 0)
	p.Resolve(id, revisions(12, 2), 0)
	<-first.done
	<-second.done
	require.NoError(t, first.err)
	require.Equal(t, revisions(10, 3), first.results)
	require.Equal(t, revisions(13, 1), second.results)

	_, sequence, ops, _ = p.Next()
	require.Equal(t, 2, ops)
	p.Resolve(codec.ProposalID{Origin: origin, Sequence: sequence}, revisions(14, 1), 0)
	p.FailInFlight(kv.ErrLeaderLost)
	<-third.done
	require.ErrorIs(t, third.err, kv.ErrLeaderLost, "a part of the results is no answer")
	require.Nil(t, third.results)
}

// TestBatchIsBounded checks that a batch is admitted whole or not at all.
func TestBatchIsBounded(t *testing.T) {
	p := newProposer()
	many := []*kv.Command{put(1), put(1), put(1), put(1), put(1)}
	_, err := p.DoBatch(t.Context(), many)
	require.ErrorIs(t, err, kv.ErrTooManyRequests)
	require.ErrorContains(t, err, "0 operations are pending, the bound is 4, and 5 were to be added")
	_, err = p.DoBatch(t.Context(), []*kv.Command{put(60), put(41)})
	require.ErrorIs(t, err, kv.ErrTooLarge)
	require.ErrorContains(t, err, "101 bytes encoded, at most 100 are accepted")
	_, err = p.DoBatch(t.Context(), []*kv.Command{put(1), {}})
	require.ErrorContains(t, err, "not a put")
	_, _, _, ok := p.Next()
	require.False(t, ok, "nothing of a refused batch may wait")

	w := proposeBatch(p, t.Context(), 1, 1, 1)
	_, err = p.DoBatch(t.Context(), many[:2])
	require.ErrorIs(t, err, kv.ErrTooManyRequests)
	p.Close(kv.ErrStopped)
	<-w.done
	require.ErrorIs(t, w.err, kv.ErrStopped)
}

// TestGivenUpBatch checks what a caller who gives up is told: before the batch
// is proposed that it did not happen, and afterwards that nobody knows.
func TestGivenUpBatch(t *testing.T) {
	p := newProposer()
	ctx, cancel := context.WithCancel(t.Context())
	waiting := proposeBatch(p, ctx, 1, 1)
	other := proposeBatch(p, t.Context(), 1)
	cancel()
	<-waiting.done
	require.ErrorIs(t, waiting.err, kv.ErrNotProposed)
	require.ErrorIs(t, waiting.err, context.Canceled)
	require.False(t, kv.Unknown(waiting.err))

	_, err := p.DoBatch(ctx, []*kv.Command{put(1)})
	require.ErrorIs(t, err, kv.ErrNotProposed, "nothing is admitted for a caller who has gone")

	ctx, cancel = context.WithCancel(t.Context())
	proposed := proposeBatch(p, ctx, 1, 1, 1) // fits: the withdrawn one has freed its places
	_, sequence, ops, _ := p.Next()
	require.Equal(t, 4, ops, "what was withdrawn is not proposed")
	cancel()
	<-proposed.done
	require.ErrorIs(t, proposed.err, context.Canceled)
	require.NotErrorIs(t, proposed.err, kv.ErrNotProposed)
	require.True(t, kv.Unknown(proposed.err))
	p.Resolve(codec.ProposalID{Origin: origin, Sequence: sequence}, revisions(2, 4), 0)
	<-other.done
	require.NoError(t, other.err)
	require.Equal(t, revisions(2, 1), other.results)
}
