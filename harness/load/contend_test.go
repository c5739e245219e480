package load

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/harness/check"
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// linearizable is the check's outcome after a scan of the memory.
func linearizable(t *testing.T, c Config, m *memory) record.Check {
	t.Helper()
	w := c.Workload
	page, err := m.Range(context.Background(), w.AppendKey(nil, 0), append(w.AppendKey(nil, w.AllKeys()-1), 0), 0)
	require.NoError(t, err)
	scan := c.Model.Scan()
	scan.Add(page.Pairs)
	end := scan.Finish()
	require.True(t, end.OK, end.Detail)
	require.True(t, c.Model.Answers().OK, c.Model.Answers().Detail)
	require.True(t, c.Model.Revisions(1, m.revision).OK)
	return c.Model.Linearizable(time.Minute)
}

// The phase has a fixed number of operations, whatever the number of clients, and
// they are concurrent on every key.
func TestContention(t *testing.T) {
	for _, clients := range []int{1, 50} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(10 * time.Millisecond)
			c := config(t, workload.TypePut, clients, m)
			began := time.Now()
			require.NoError(t, Contend(t.Context(), c))
			require.Equal(t, rounds*(10+10)*time.Millisecond, time.Since(began), "a round, and then four gets and a range")
			require.EqualValues(t, rounds*(contenders*workload.ContendedKeys+5), m.calls)
			ops, concurrent := c.Model.Contended()
			require.Equal(t, []int{rounds * (contenders + 1), rounds * contenders}, []int{ops, concurrent})
			got := linearizable(t, c, m)
			require.True(t, got.OK, got.Detail)
			require.Greater(t, c.Model.Totals().Refused, int64(rounds/2*workload.ContendedKeys), "most swaps lose against one")
		})
	}
}

// With batches the same operations go in fewer calls: one for all keys, if the
// workload's batches are so large.
func TestContentionInBatches(t *testing.T) {
	for _, tc := range []struct{ batchOps, calls int }{{25, 1}, {3, 2}, {1, 4}} {
		synctest.Test(t, func(t *testing.T) {
			b := &batcher{memory: newMemory(time.Millisecond)}
			c := batchConfig(t, workload.TypePut, 4, b)
			c.Workload.BatchOps = tc.batchOps
			require.NoError(t, Contend(t.Context(), c))
			swaps := rounds / 2 * (1 + 4) * workload.ContendedKeys
			others := rounds / 2 * (5 + 2) * tc.calls
			require.EqualValues(t, swaps+others+rounds*(tc.calls+1), b.calls, tc)
			got := linearizable(t, c, b.memory)
			require.True(t, got.OK, got.Detail)
		})
	}
}

// A store that refuses everything is asked a bounded number of times, and its
// histories are too few. One that answers every other operation is asked more often.
func TestContentionIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(time.Millisecond)
		m.fails = func(int64) error { return errBusy }
		c := config(t, workload.TypePut, 4, m)
		require.NoError(t, Contend(t.Context(), c))
		require.EqualValues(t, maxRounds*(contenders*workload.ContendedKeys+5), m.calls)
		got := c.Model.Linearizable(time.Minute)
		require.Equal(t, record.CheckTooFew, got.State)
		require.False(t, got.OK)

		m.fails = func(call int64) error {
			if call%4 != 0 {
				return errBusy
			}
			return nil
		}
		m.calls = 0
		c.Model = check.NewModel(c.Workload)
		require.NoError(t, Contend(t.Context(), c))
		require.Greater(t, m.calls, int64(rounds*(contenders*workload.ContendedKeys+5)))
		m.fails = nil
		got = linearizable(t, c, m)
		require.True(t, got.OK, got.Detail)
	})
}

func TestContentionEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gaveUp := errors.New("the test gives up")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 15*time.Millisecond, gaveUp)
		defer cancel()
		err := Contend(ctx, config(t, workload.TypePut, 4, newMemory(10*time.Millisecond)))
		require.ErrorIs(t, err, gaveUp)
	})
}

// errBusy says that nothing happened.
var errBusy = status.Error(codes.ResourceExhausted, "etcdserver: too many requests")
