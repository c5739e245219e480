package load

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/require"

	"metastorebench/core/client"
	"metastorebench/harness/check"
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// openConfig is config with an open loop. Time is the test's: no timerfd.
func openConfig(t *testing.T, typ, arrivals string, rate float64, clients int, m *memory) Config {
	c := config(t, typ, clients, m)
	w := c.Workload.Workload
	w.Loop, w.Arrivals, w.OfferedOpsPerSecond = record.LoopOpen, arrivals, rate
	wl, err := workload.New(w, 1)
	require.NoError(t, err)
	c.Workload, c.Model, c.alarms = wl, check.NewModel(wl), newTimer
	return c
}

// percentile reads one percentile of an encoded histogram.
func percentile(t *testing.T, encoded string, p float64) time.Duration {
	t.Helper()
	h, err := record.DecodeHDR(encoded)
	require.NoError(t, err)
	return time.Duration(h.ValueAtPercentile(p))
}

func encode(t *testing.T, h *hdr.Histogram) string {
	t.Helper()
	s, err := record.EncodeHDR(h)
	require.NoError(t, err)
	return s
}

// An open loop that is never short of a client: everything is sent when it is
// due, and the two clocks agree.
func TestOpenLoopAtEase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openConfig(t, workload.TypeLargeScale, record.ArrivalsConstant, 1000, 4, newMemory(2*time.Millisecond))
		var live []int64
		c.Live = func(n int64) { live = append(live, n) }
		got, err := Run(t.Context(), c)
		require.NoError(t, err)
		o := got.OpenLoop
		require.Equal(t, []int64{1000, 1000, 0, 0}, []int64{o.Due, o.Sent, o.Unsent, o.MaxBacklog})
		require.Equal(t, int64(1000), got.Ops[0].Count+got.Ops[1].Count)
		for _, op := range got.Ops {
			require.Equal(t, op.ServiceHDR, op.ResponseHDR)
			require.InEpsilon(t, 2*time.Millisecond, percentile(t, op.ResponseHDR, 100), 1e-3)
		}
		require.Equal(t, o.SendLagHDR, o.TimingErrorHDR, "every operation found a free client")
		require.Less(t, percentile(t, o.SendLagHDR, 100), 2*time.Microsecond, "in the lowest bucket")
		require.NotEmpty(t, live)
		require.True(t, c.Model.Answers().OK, c.Model.Answers().Detail)
	})
}

// Beyond one arrival in a tick, operations go out a tick apart, those that are due
// together.
func TestOpenLoopTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate = 100_000
		m, began := newMemory(0), time.Now()
		var mu sync.Mutex
		sent := make(map[time.Duration]int)
		m.takes = func(int64) time.Duration {
			mu.Lock()
			defer mu.Unlock()
			sent[time.Since(began)]++
			return 0
		}
		c := openConfig(t, workload.TypePut, record.ArrivalsPoisson, rate, 50, m)
		c.Warmup, c.Measure = 0, 100*time.Millisecond
		got, err := Run(t.Context(), c)
		require.NoError(t, err)
		require.Less(t, percentile(t, got.OpenLoop.TimingErrorHDR, 100), tick+time.Microsecond)
		require.LessOrEqual(t, len(sent), int(c.Measure/tick))
		sends := slices.Sorted(maps.Keys(sent))
		for i := 1; i < len(sends); i++ {
			require.GreaterOrEqual(t, sends[i]-sends[i-1], tick)
		}
		require.Zero(t, got.OpenLoop.Unsent)
	})
}

// The planted stall: the store does not answer for 200 ms, once. 2,000 of 20,000
// operations are due in that time. The service time, from the send, sees the
// stall in the few operations that had been sent; the response time, from the
// intended start, in all of them.
func TestStallShowsInTheResponseTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients, stall = 8, 200 * time.Millisecond
		m := newMemory(0)
		began := time.Now()
		m.takes = func(int64) time.Duration {
			if at := time.Since(began) - time.Second; at >= 0 && at < stall {
				return stall - at
			}
			return 100 * time.Microsecond
		}
		c := openConfig(t, workload.TypePut, record.ArrivalsConstant, 10_000, clients, m)
		c.Measure = 2 * time.Second
		got, err := Run(t.Context(), c)
		require.NoError(t, err)
		op, o := got.Ops[0], got.OpenLoop
		response, service := percentile(t, op.ResponseHDR, 99.9), percentile(t, op.ServiceHDR, 99.9)
		t.Logf("a stall of %v in %d operations: p99.9 response time %v, p99.9 service time %v, longest service time %v",
			stall, op.Count, response, service, percentile(t, op.ServiceHDR, 100))
		require.Equal(t, []int64{20_000, 20_000, 0}, []int64{o.Due, op.Count, o.Unsent})
		require.Greater(t, response, stall*95/100)
		require.Less(t, service, time.Millisecond)
		require.InEpsilon(t, stall, percentile(t, op.ServiceHDR, 100), 1e-2, "in the few that were under way")
		// All but the few under way were waiting just before the end of the stall.
		require.InDelta(t, stall.Seconds()*10_000-clients, o.MaxBacklog, 2)
		require.Less(t, percentile(t, o.TimingErrorHDR, 100), 2*time.Microsecond, "waiting for a client is not the generator's error")
	})
}

// The same stall in a closed loop: the clients wait with the store, so that the
// operations which would have suffered are never sent.
func TestClosedLoopHidesTheStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(0)
		began := time.Now()
		m.takes = func(int64) time.Duration {
			if at := time.Since(began) - time.Second; at >= 0 && at < 200*time.Millisecond {
				return 200*time.Millisecond - at
			}
			return time.Millisecond
		}
		c := config(t, workload.TypePut, 8, m)
		c.Measure = 2 * time.Second
		got, err := Run(t.Context(), c)
		require.NoError(t, err)
		require.Nil(t, got.OpenLoop)
		service := percentile(t, got.Ops[0].ServiceHDR, 99.9)
		t.Logf("a stall of 200ms in %d operations of a closed loop: p99.9 service time %v", got.Ops[0].Count, service)
		require.Less(t, service, 2*time.Millisecond)
	})
}

// Whatever the service times, operations start as in one first-come-first-served
// queue with a server per client, which the test works out by itself (the
// recurrence of Kiefer and Wolfowitz, 1955).
func TestOpenLoopIsOneQueue(t *testing.T) {
	for _, arrivals := range workload.ArrivalNames() {
		t.Run(arrivals, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const clients, rate = 3, 2000
				service := make([]time.Duration, 4000) // mean 1.4 ms: at 93 % of what the clients can do
				rng := rand.New(rand.NewPCG(1, 2))
				for i := range service {
					service[i] = 100*time.Microsecond + time.Duration(rng.ExpFloat64()*1.3e6)
				}
				m := newMemory(0)
				m.takes = func(n int64) time.Duration { return service[n-1] }
				c := openConfig(t, workload.TypePut, arrivals, rate, clients, m)
				got, err := Run(t.Context(), c)
				require.NoError(t, err)

				want, lag := record.NewHistogram(), newLateness()
				var servers [clients]time.Duration // when each becomes free
				starts := c.Workload.Lanes()[0].Arrivals()
				for n := 0; ; n++ {
					due := starts.Next()
					if due >= c.Warmup+c.Measure {
						break
					}
					first := 0
					for i := range servers {
						if servers[i] < servers[first] {
							first = i
						}
					}
					e := event{due: due, free: servers[first], sent: max(due, servers[first])}
					servers[first] = e.sent + service[n]
					if due >= c.Warmup {
						require.NoError(t, want.RecordValue((servers[first] - due).Nanoseconds()))
						lag.add(e)
					}
				}
				require.Positive(t, got.OpenLoop.MaxBacklog)
				for name, pair := range map[string][2]string{
					"response time": {encode(t, want), got.Ops[0].ResponseHDR},
					"send lag":      {encode(t, lag.lag), got.OpenLoop.SendLagHDR},
					"timing error":  {encode(t, lag.fault), got.OpenLoop.TimingErrorHDR},
				} {
					require.Equal(t, pair[0], pair[1], name)
				}
			})
		})
	}
}

// One client of 10 ms per operation is offered ten times what it can do: what
// waits longer than Patience is unsent, and the run ends.
func TestOverloadIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openConfig(t, workload.TypePut, record.ArrivalsConstant, 1000, 1, newMemory(10*time.Millisecond))
		c.Warmup, c.Measure = 0, 4*time.Second
		began := time.Now()
		got, err := Run(t.Context(), c)
		require.NoError(t, err)
		require.WithinDuration(t, began.Add(c.Measure+Patience), time.Now(), 20*time.Millisecond)
		o := got.OpenLoop
		require.Equal(t, int64(4000), o.Due)
		require.Equal(t, o.Due, o.Sent+o.Unsent)
		require.Equal(t, o.Sent, got.Ops[0].Count)
		require.InDelta(t, 600, o.Sent, 2, "100 a second for 6 seconds")
		require.InDelta(t, 2000, o.MaxBacklog, 20)
		require.InEpsilon(t, Patience, percentile(t, o.SendLagHDR, 100), 0.01)
	})
}

// A slow operation type must not hold up the others of a mixed workload.
func TestMixedTypesKeepTheirRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(time.Millisecond)
		slow := &slowRanges{memory: m}
		c := openConfig(t, workload.TypeMixed, record.ArrivalsConstant, 1000, 20, m)
		c.Client = func(int) client.KV { return slow }
		c.Measure = 4 * time.Second
		got, err := Run(t.Context(), c)
		require.NoError(t, err)
		for i, want := range []int64{1600, 1600, 10, 400} { // 2 clients with a second per range
			require.InDelta(t, want, got.Ops[i].Count, 2, got.Ops[i].Op)
		}
		require.Equal(t, 400-got.Ops[2].Count, got.OpenLoop.Unsent, "ranges only")
		require.InEpsilon(t, time.Millisecond, percentile(t, got.Ops[0].ResponseHDR, 100), 1e-3)
	})
}

// slowRanges takes a second for a range.
type slowRanges struct{ *memory }

func (s *slowRanges) Range(ctx context.Context, _, _ []byte, _ int64) (client.Page, error) {
	select {
	case <-time.After(time.Second):
		return client.Page{}, ctx.Err()
	case <-ctx.Done():
		return client.Page{}, context.Cause(ctx)
	}
}

// Calls that never end are cut off and counted with their latency; those that
// found no client are unsent.
func TestOpenLoopWithStuckCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openConfig(t, workload.TypePut, record.ArrivalsConstant, 100, 2, newMemory(24*time.Hour))
		c.Warmup = 0
		began := time.Now()
		got, err := Run(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, c.Measure+Patience+c.Grace, time.Since(began))
		require.Equal(t, map[string]int64{"Canceled": 2}, got.Ops[0].Errors)
		require.Greater(t, percentile(t, got.Ops[0].ResponseHDR, 100), c.Grace)
		require.Equal(t, []int64{100, 2, 98}, []int64{got.OpenLoop.Due, got.OpenLoop.Sent, got.OpenLoop.Unsent})
	})
}

// A run that is given up does not wait for the next arrival.
func TestOpenLoopIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openConfig(t, workload.TypePut, record.ArrivalsPoisson, 1e-6, 3, newMemory(0))
		c.Measure = 24 * time.Hour
		ctx, cancel := context.WithCancelCause(t.Context())
		c.Opened = func() error { cancel(context.DeadlineExceeded); return nil }
		began := time.Now()
		_, err := Run(ctx, c)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, c.Warmup, time.Since(began))
	})
}

// The precise alarm, in real time: never early, and gone when closed (TestMain
// looks for goroutines left).
func TestAlarm(t *testing.T) {
	a, err := newAlarm()
	require.NoError(t, err)
	for range 20 {
		began := time.Now()
		require.True(t, a.wait(t.Context(), 50*time.Microsecond))
		require.GreaterOrEqual(t, time.Since(began), 50*time.Microsecond)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.False(t, a.wait(ctx, time.Hour))
	require.NoError(t, a.close())
}
