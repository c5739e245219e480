package propose_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
	"metastorebench/core/propose"
)

// valueCodec encodes a command as its put's value.
type valueCodec struct{}

func (valueCodec) Name() string { return "value" }
func (valueCodec) Tag() byte    { return 'v' }
func (valueCodec) AppendCommand(dst []byte, cmd *kv.Command) ([]byte, error) {
	if cmd.Put == nil {
		return dst, errors.New("not a put")
	}
	return append(dst, cmd.Put.Value...), nil
}
func (valueCodec) AppendPayload(dst []byte, encoded [][]byte) []byte {
	for _, e := range encoded {
		dst = append(dst, e...)
	}
	return dst
}
func (valueCodec) DecodePayload(dst []*kv.Command, payload []byte) ([]*kv.Command, error) {
	return dst, nil
}

// takeTwo puts up to two commands into an entry.
type takeTwo struct{}

func (takeTwo) Name() string                           { return "two" }
func (takeTwo) Take(sizes []int, _ propose.Limits) int { return min(2, len(sizes)) }

var limits = propose.Limits{MaxRequestBytes: 100, MaxPendingOps: 4, MaxPendingBytes: 250, MaxEntryOps: 2, MaxEntryBytes: 1000}

const origin = 7

func newProposer() *propose.Proposer {
	return propose.New(valueCodec{}, takeTwo{}, limits, origin, nil)
}

func put(bytes int) *kv.Command {
	return &kv.Command{Put: &kv.PutRequest{Value: make([]byte, bytes)}}
}

// waiters proposes in the background and collects the outcomes.
type waiters struct {
	p  *propose.Proposer
	wg sync.WaitGroup

	mu   sync.Mutex
	errs []error
}

// propose admits a command of that size and returns once it waits: the queue
// then holds one more.
func (w *waiters) propose(t *testing.T, bytes int) {
	t.Helper()
	admitted := make(chan struct{})
	ctx := &notifying{Context: context.Background(), asked: admitted}
	w.wg.Go(func() {
		_, err := w.p.Do(ctx, put(bytes))
		w.mu.Lock()
		defer w.mu.Unlock()
		w.errs = append(w.errs, err)
	})
	<-admitted
}

// notifying is a context that tells when somebody begins to wait for its end,
// which Do does after it has admitted the command.
type notifying struct {
	context.Context
	asked chan struct{}
	once  sync.Once
}

func (n *notifying) Done() <-chan struct{} {
	n.once.Do(func() { close(n.asked) })
	return n.Context.Done()
}

func (w *waiters) outcomes() []error {
	w.wg.Wait()
	return w.errs
}

func TestQueueIsBounded(t *testing.T) {
	t.Run("in operations", func(t *testing.T) {
		w := waiters{p: newProposer()}
		for range limits.MaxPendingOps {
			w.propose(t, 1)
		}
		_, err := w.p.Do(t.Context(), put(1))
		require.ErrorIs(t, err, kv.ErrTooManyRequests)
		require.ErrorContains(t, err, "4 operations are pending, the bound is 4")
		require.False(t, kv.Unknown(err))

		// Proposing frees no place, an answer does.
		_, sequence, ops, ok := w.p.Next()
		require.True(t, ok)
		require.Equal(t, 2, ops)
		_, err = w.p.Do(t.Context(), put(1))
		require.ErrorIs(t, err, kv.ErrTooManyRequests)
		w.p.Resolve(codec.ProposalID{Origin: origin, Sequence: sequence}, make([]kv.Result, 1), 0)
		w.propose(t, 1)
		w.p.Close(kv.ErrStopped)
		require.Len(t, w.outcomes(), 5)
	})
	t.Run("in bytes", func(t *testing.T) {
		w := waiters{p: newProposer()}
		w.propose(t, 100)
		w.propose(t, 100)
		_, err := w.p.Do(t.Context(), put(51))
		require.ErrorIs(t, err, kv.ErrTooManyRequests)
		require.ErrorContains(t, err, "200 bytes are pending, the bound is 250")
		w.propose(t, 50)
		w.p.Close(kv.ErrStopped)
		require.Len(t, w.outcomes(), 3)
	})
}

func TestRequestsThatAreNotAdmitted(t *testing.T) {
	p := newProposer()
	_, err := p.Do(t.Context(), put(101))
	require.ErrorIs(t, err, kv.ErrTooLarge)
	require.ErrorContains(t, err, "101 bytes encoded, at most 100 are accepted")
	_, err = p.Do(t.Context(), &kv.Command{})
	require.ErrorContains(t, err, "not a put")
	_, _, _, ok := p.Next()
	require.False(t, ok, "nothing of a refused request may wait")
}

func TestFailuresAnswerOnce(t *testing.T) {
	w := waiters{p: newProposer()}
	for range 4 {
		w.propose(t, 1)
	}
	_, first, _, _ := w.p.Next()
	_, second, _, _ := w.p.Next()

	// One of the first entry's two commands is answered before the entry fails.
	w.p.Resolve(codec.ProposalID{Origin: origin, Sequence: first}, make([]kv.Result, 1), 0)
	w.p.Fail(first, kv.ErrDropped)
	w.p.Fail(first, kv.ErrDropped)
	w.p.FailInFlight(kv.ErrLeaderLost)
	w.p.Resolve(codec.ProposalID{Origin: origin, Sequence: second}, make([]kv.Result, 2), 0)

	count := make(map[error]int)
	for _, err := range w.outcomes() {
		count[err]++
	}
	require.Equal(t, map[error]int{nil: 1, kv.ErrDropped: 1, kv.ErrLeaderLost: 2}, count)

	// All places are free again.
	for range limits.MaxPendingOps {
		w.propose(t, 1)
	}
	w.p.Close(kv.ErrStopped)
	require.Len(t, w.outcomes(), 8)
}

func TestFailBefore(t *testing.T) {
	w := waiters{p: newProposer()}
	w.propose(t, 1)
	w.p.Next()
	w.p.FailBefore(time.Now().Add(-time.Hour), kv.ErrTimeout)
	w.propose(t, 1)
	w.p.FailBefore(time.Now().Add(time.Hour), kv.ErrOvertaken) // what waits has not been proposed and does not expire
	w.p.Close(kv.ErrStopped)
	require.ElementsMatch(t, []error{kv.ErrOvertaken, kv.ErrStopped}, w.outcomes())
	require.True(t, kv.Unknown(kv.ErrTimeout))
	require.True(t, kv.Unknown(kv.ErrOvertaken))
}

func TestClosed(t *testing.T) {
	p := newProposer()
	p.Close(kv.ErrStopped)
	p.Close(errors.New("later"))
	_, err := p.Do(t.Context(), put(1))
	require.ErrorIs(t, err, kv.ErrStopped)
}

// TestWakesForACrowd: the receiver is woken for the first command and for a crowd,
// not for each one between.
func TestWakesForACrowd(t *testing.T) {
	l := limits
	l.MaxPendingOps, l.MaxPendingBytes = 2*propose.Crowd, 1<<20
	w := waiters{p: propose.New(valueCodec{}, takeTwo{}, l, origin, nil)}
	woken := func() bool {
		select {
		case <-w.p.Wake():
			return true
		default:
			return false
		}
	}
	for n := 1; n <= propose.Crowd+1; n++ {
		w.propose(t, 1)
		require.Equal(t, n == 1 || n == propose.Crowd, woken(), "%d commands wait", n)
		require.Equal(t, n, w.p.Waiting())
	}
	_, _, ops, ok := w.p.Next()
	require.True(t, ok)
	require.Equal(t, 2, ops)
	require.Equal(t, propose.Crowd-1, w.p.Waiting())
	w.p.Close(kv.ErrStopped)
	require.Len(t, w.outcomes(), propose.Crowd+1)
}
