package load

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/check"
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// countedConfig is a window of operations on m, by so many clients.
func countedConfig(t *testing.T, m *memory, operations, clients int) Config {
	w := newWorkload(t, workload.TypePut, clients)
	w.Operations = operations
	return Config{
		Workload: w, Client: m.client, Model: check.NewModel(w), Warmup: 50 * time.Millisecond, Measure: time.Minute, Grace: time.Second,
		Opened: func() error { return nil }, Closed: func() error { return nil },
	}
}

// TestCountedWindow checks that the window holds exactly its operations, that
// nothing is under way at its edges, and that it is as long as they took.
func TestCountedWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(10 * time.Millisecond)
		c := countedConfig(t, m, 120, 4)
		var opened, closed int64
		c.Opened = func() error { synctest.Wait(); opened = m.calls; return nil }
		c.Closed = func() error { synctest.Wait(); closed = m.calls; return nil }
		var live int64
		c.Live = func(n int64) { live = n }
		result, err := Run(t.Context(), c)
		require.NoError(t, err)
		require.EqualValues(t, 20, opened, "4 clients for 50 ms")
		require.EqualValues(t, 120, closed-opened)
		require.Equal(t, 300*time.Millisecond, result.Window)
		require.Len(t, result.Ops, 1)
		require.EqualValues(t, 120, result.Ops[0].Count)
		require.Equal(t, []int64{36, 40, 40}, result.Series, "what ends at the window's end is in no step")
		require.Positive(t, live)
		require.True(t, c.Model.Answers().OK)
	})
}

// TestCountedWindowIsBounded checks that a store which is too slow ends the run.
func TestCountedWindowIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := countedConfig(t, newMemory(10*time.Second), 120, 4)
		_, err := Run(t.Context(), c)
		require.ErrorIs(t, err, ErrUnfinished)
		require.ErrorContains(t, err, "120 operations")
	})
}

// TestCountedWindowCountsFailures checks that operations that fail are among the
// window's, and that an edge that cannot be read ends the run.
func TestCountedWindowCountsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken, failure := errors.New("no counters"), errors.New("refused")
		m := newMemory(time.Millisecond)
		m.fails = func(call int64) error {
			if call%10 == 0 {
				return failure
			}
			return nil
		}
		c := countedConfig(t, m, 100, 1)
		result, err := Run(t.Context(), c)
		require.NoError(t, err)
		require.EqualValues(t, 90, result.Ops[0].Count)
		require.Equal(t, map[string]int64{"Unknown": 10}, result.Ops[0].Errors)
		require.Empty(t, result.OpenLoop)

		c = countedConfig(t, newMemory(time.Millisecond), 100, 1)
		c.Closed = func() error { return broken }
		_, err = Run(t.Context(), c)
		require.ErrorIs(t, err, broken)
	})
}

// TestOperationsAreValidated names what no window of operations can be.
func TestOperationsAreValidated(t *testing.T) {
	w := newWorkload(t, workload.TypePut, 4).Workload
	w.Operations = 121
	require.ErrorContains(t, errors.Join(workload.Validate(w)...), "operations is 121; accepted: 0 (the window is a time), or a multiple of 4")
	w.Operations, w.Loop, w.Arrivals, w.OfferedOpsPerSecond = 120, record.LoopOpen, record.ArrivalsConstant, 10
	require.ErrorContains(t, errors.Join(workload.Validate(w)...), "the window of an open loop is a time")
}
