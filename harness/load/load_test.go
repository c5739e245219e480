package load

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/client"
	"metastorebench/harness/check"
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newWorkload(t testing.TB, typ string, clients int) *workload.Workload {
	t.Helper()
	w, err := workload.New(record.Workload{
		Name: "test", Type: typ, API: workload.APIGRPC, Loop: "closed", Clients: clients, Conns: 1,
		KeyBytes: 8, ValueBytes: 32, Keys: 1000, Distribution: workload.Uniform, PreloadKeys: 200, Mix: workload.DefaultMix(typ),
	}, 1)
	require.NoError(t, err)
	return w
}

// memory is a store in memory, each of whose calls takes a fixed time.
type memory struct {
	takes func(call int64) time.Duration
	fails func(call int64) error // nil: none

	mu       sync.Mutex
	calls    int64
	revision int64
	pairs    map[string]*mvccpb.KeyValue
}

func newMemory(takes time.Duration) *memory {
	return &memory{takes: func(int64) time.Duration { return takes }, revision: 1, pairs: make(map[string]*mvccpb.KeyValue)}
}

func (m *memory) client(int) client.KV { return m }

// call lets time pass, unless the caller gives up first.
func (m *memory) call(ctx context.Context) error {
	m.mu.Lock()
	m.calls++
	n := m.calls
	m.mu.Unlock()
	select {
	case <-time.After(m.takes(n)):
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
	if m.fails != nil {
		return m.fails(n)
	}
	return nil
}

func (m *memory) Put(ctx context.Context, key, value []byte) (int64, error) {
	if err := m.call(ctx); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.revision++
	m.pairs[string(key)] = &mvccpb.KeyValue{Key: append([]byte(nil), key...), Value: append([]byte(nil), value...), ModRevision: m.revision}
	return m.revision, nil
}

func (m *memory) Get(ctx context.Context, key []byte) (*mvccpb.KeyValue, int64, error) {
	if err := m.call(ctx); err != nil {
		return nil, 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pairs[string(key)], m.revision, nil
}

func (m *memory) Range(ctx context.Context, start, end []byte, limit int64) (client.Page, error) {
	if err := m.call(ctx); err != nil {
		return client.Page{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	page := client.Page{Revision: m.revision}
	for _, key := range slices.Sorted(maps.Keys(m.pairs)) {
		if key < string(start) || key >= string(end) {
			continue
		}
		if page.Count++; limit == 0 || page.Count <= limit {
			page.Pairs = append(page.Pairs, m.pairs[key])
		}
	}
	page.More = page.Count > int64(len(page.Pairs))
	return page, nil
}

func (m *memory) Swap(ctx context.Context, key, value []byte, expected int64) (client.Swapped, error) {
	if err := m.call(ctx); err != nil {
		return client.Swapped{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if pair := m.pairs[string(key)]; pair.GetModRevision() != expected { // 0 of nil
		return client.Swapped{Pair: pair, Revision: m.revision}, nil
	}
	m.revision++
	m.pairs[string(key)] = &mvccpb.KeyValue{Key: slices.Clone(key), Value: slices.Clone(value), ModRevision: m.revision}
	return client.Swapped{OK: true, Revision: m.revision}, nil
}

func (m *memory) Delete(ctx context.Context, key, _ []byte) (deleted, revision int64, err error) {
	if err := m.call(ctx); err != nil {
		return 0, 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pairs[string(key)] != nil {
		deleted, m.revision = 1, m.revision+1
		delete(m.pairs, string(key))
	}
	return deleted, m.revision, nil
}

func config(t *testing.T, typ string, clients int, m *memory) Config {
	w := newWorkload(t, typ, clients)
	return Config{
		Workload: w, Client: m.client, Model: check.NewModel(w), Swap: func(int) Swapper { return m },
		Warmup: 100 * time.Millisecond, Measure: time.Second, Grace: 10 * time.Second,
		Opened: func() error { return nil }, Closed: func() error { return nil },
	}
}

// With a clock of its own (synctest), the counts are exact: 4 clients, each call
// 10 ms, one second.
func TestWindowCountsExactly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(t, workload.TypeLargeScale, 4, newMemory(10*time.Millisecond))
		began := time.Now()
		var opened, closed time.Duration
		c.Opened = func() error { opened = time.Since(began); return nil }
		c.Closed = func() error { closed = time.Since(began); return nil }
		var live []int64
		c.Live = func(n int64) { live = append(live, n) }
		got, err := Run(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, 100*time.Millisecond, opened)
		require.Equal(t, 1100*time.Millisecond, closed)
		require.NotEmpty(t, live)
		require.Len(t, got.Ops, 2)
		for i, name := range []string{record.OpPut, record.OpGet} {
			op := got.Ops[i]
			require.Equal(t, name, op.Op)
			require.Equal(t, int64(200), op.Count)
			require.Zero(t, op.OutOfRange)
			require.Nil(t, op.Errors)
			require.Empty(t, op.ResponseHDR, "a closed loop has no response time")
			h, err := record.DecodeHDR(op.ServiceHDR)
			require.NoError(t, err)
			require.Equal(t, int64(200), h.TotalCount())
			require.InEpsilon(t, 10e6, float64(h.Max()), 1e-3)
			require.InEpsilon(t, 10e6, float64(h.Min()), 1e-3)
		}
		require.Len(t, got.Series, 10)
		var sum int64
		for _, n := range got.Series {
			require.InDelta(t, 40, n, 4)
			sum += n
		}
		require.InDelta(t, 400, sum, 4)
		require.True(t, c.Model.Answers().OK, c.Model.Answers().Detail)
	})
}

// A stall at the end of the window must be in the histogram: its operations were
// sent in the window.
func TestStallAtTheEndIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(0)
		began := time.Now()
		m.takes = func(int64) time.Duration {
			if time.Since(began) >= 990*time.Millisecond {
				return 5 * time.Second
			}
			return 10 * time.Millisecond
		}
		got, err := Run(t.Context(), config(t, workload.TypePut, 3, m))
		require.NoError(t, err)
		h, err := record.DecodeHDR(got.Ops[0].ServiceHDR)
		require.NoError(t, err)
		require.InEpsilon(t, 5e9, float64(h.Max()), 1e-3)
		require.Equal(t, got.Ops[0].Count, h.TotalCount())
		require.Zero(t, got.Series[9], "nothing was completed in the last tenth")
	})
}

// A call that never ends is cut off after the grace and counted as an error,
// with its latency.
func TestStuckCallsAreCutOffAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(0)
		m.takes = func(n int64) time.Duration {
			if n > 20 {
				return 24 * time.Hour
			}
			return 20 * time.Millisecond
		}
		began := time.Now()
		got, err := Run(t.Context(), config(t, workload.TypePut, 2, m))
		require.NoError(t, err)
		require.Equal(t, 11*time.Second+100*time.Millisecond, time.Since(began))
		require.Equal(t, map[string]int64{"Canceled": 2}, got.Ops[0].Errors)
		h, err := record.DecodeHDR(got.Ops[0].ServiceHDR)
		require.NoError(t, err)
		require.Equal(t, got.Ops[0].Count+2, h.TotalCount())
		require.Greater(t, h.Max(), int64(10e9))
	})
}

func TestErrorsAreCountedByCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(10 * time.Millisecond)
		m.fails = func(n int64) error {
			switch {
			case n%10 == 0:
				return status.Error(codes.ResourceExhausted, "full")
			case n%10 == 5:
				return status.Error(codes.Unavailable, "gone")
			}
			return nil
		}
		got, err := Run(t.Context(), config(t, workload.TypePut, 1, m))
		require.NoError(t, err)
		require.Equal(t, int64(80), got.Ops[0].Count)
		require.Equal(t, map[string]int64{"ResourceExhausted": 10, "Unavailable": 10}, got.Ops[0].Errors)
	})
}

func TestRunEnds(t *testing.T) {
	errHook := errors.New("no counters")
	for name, tc := range map[string]struct {
		change func(c *Config, cancel context.CancelCauseFunc)
		want   error
	}{
		"opened": {func(c *Config, _ context.CancelCauseFunc) { c.Opened = func() error { return errHook } }, errHook},
		"closed": {func(c *Config, _ context.CancelCauseFunc) { c.Closed = func() error { return errHook } }, errHook},
		"cause": {func(c *Config, cancel context.CancelCauseFunc) {
			c.Opened = func() error { cancel(errHook); return nil }
		}, errHook},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := config(t, workload.TypePut, 2, newMemory(time.Hour)) // calls must not be waited for
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				tc.change(&c, cancel)
				began := time.Now()
				_, err := Run(ctx, c)
				require.ErrorIs(t, err, tc.want)
				require.LessOrEqual(t, time.Since(began), c.Warmup+c.Measure)
			})
		})
	}
}

func TestPreload(t *testing.T) {
	m := newMemory(0)
	w := newWorkload(t, workload.TypePut, 3)
	model := check.NewModel(w)
	require.NoError(t, Preload(t.Context(), Config{Workload: w, Client: m.client, Model: model}))
	require.Len(t, m.pairs, w.PreloadKeys)
	require.Equal(t, int64(w.PreloadKeys), model.Totals().Effective)
	scan := model.Scan()
	for key := range w.PreloadKeys {
		scan.Add([]*mvccpb.KeyValue{m.pairs[string(w.AppendKey(nil, key))]})
	}
	got := scan.Finish()
	require.True(t, got.OK, got.Detail)

	m.fails = func(int64) error { return status.Error(codes.ResourceExhausted, "full") }
	require.ErrorContains(t, Preload(t.Context(), Config{Workload: w, Client: m.client, Model: check.NewModel(w)}), "preload, after")
}

// Durations outside the histogram's range are counted, not clamped.
func TestOutOfRange(t *testing.T) {
	r := newRecorder(window{from: time.Second, to: time.Hour}, false)
	for _, took := range []time.Duration{999, 1000, time.Minute, time.Minute + 1} {
		r.record(event{ops: 1, kind: workload.Put, sent: 2 * time.Second, ended: 2*time.Second + took})
	}
	r.record(event{ops: 1, kind: workload.Put, sent: 500 * time.Millisecond, ended: 2 * time.Second}) // sent in the warm-up
	ops, series, err := merge([]*recorder{r})
	require.NoError(t, err)
	require.Equal(t, int64(4), ops[0].Count)
	require.Equal(t, int64(2), ops[0].OutOfRange)
	h, err := record.DecodeHDR(ops[0].ServiceHDR)
	require.NoError(t, err)
	require.Equal(t, int64(2), h.TotalCount())
	require.Equal(t, int64(3), series[10], "by the time of completion")
}

func TestMergeAddsUp(t *testing.T) {
	win := window{to: time.Second}
	a, b := newRecorder(win, false), newRecorder(win, false)
	a.record(event{ops: 1, kind: workload.Put, ended: time.Millisecond})
	b.record(event{ops: 1, kind: workload.Put, ended: 3 * time.Millisecond, err: status.Error(codes.Unavailable, "")})
	b.record(event{ops: 1, kind: workload.Delete, ended: 2 * time.Millisecond})
	ops, series, err := merge([]*recorder{a, b})
	require.NoError(t, err)
	require.Equal(t, []string{"put", "delete"}, []string{ops[0].Op, ops[1].Op})
	require.Equal(t, int64(1), ops[0].Count)
	require.Equal(t, map[string]int64{"Unavailable": 1}, ops[0].Errors)
	h, err := record.DecodeHDR(ops[0].ServiceHDR)
	require.NoError(t, err)
	require.Equal(t, int64(2), h.TotalCount(), "a failure has a latency too")
	require.Equal(t, int64(2), series[0])
}

func BenchmarkWorker(b *testing.B) {
	w := newWorkload(b, workload.TypePut, 1)
	s := &sender{client: &instant{}, work: w, observer: check.NewModel(w).Observer(0), epoch: time.Now()}
	stream, r := w.Stream(0), newRecorder(window{to: time.Hour}, false)
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range s.call(b.Context(), stream.Next()) {
			r.record(e)
		}
	}
}

// instant answers puts at once.
type instant struct {
	client.KV
	revision atomic.Int64
}

func (i *instant) Put(context.Context, []byte, []byte) (int64, error) {
	return i.revision.Add(1) + 1, nil
}
