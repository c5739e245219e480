package load

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"golang.org/x/sys/unix"

	"metastorebench/core/client"
	"metastorebench/harness/check"
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

func benchWorkload(b *testing.B, rate float64, clients int) *workload.Workload {
	b.Helper()
	w := newWorkload(b, workload.TypePut, clients).Workload
	w.Loop, w.Arrivals, w.OfferedOpsPerSecond = record.LoopOpen, record.ArrivalsPoisson, rate
	wl, err := workload.New(w, 1)
	require.NoError(b, err)
	return wl
}

// BenchmarkPaced is the generator against a target that answers at once: keys,
// values, judgement, clocks and histograms included. One iteration is a run of a
// quarter of a second at the offered rate; ns/op means nothing. Run it with
// -cpu 1 for what one core keeps. sent/s is to reach the offered rate with
// unsent/s and backlog near 0; cpu-share comes from the process's own clock.
func BenchmarkPaced(b *testing.B) {
	for _, rate := range []float64{10_000, 50_000, 100_000, 400_000, 600_000, 800_000} {
		b.Run(fmt.Sprintf("rate=%.0f", rate), func(b *testing.B) {
			const window = 250 * time.Millisecond
			w := benchWorkload(b, rate, 16)
			target := &instant{}
			sum := newLateness()
			var sent, unsent, backlog int64
			before := cpuTime(b)
			for b.Loop() {
				got, err := Run(b.Context(), Config{
					Workload: w, Client: func(int) client.KV { return target }, Model: check.NewModel(w),
					Warmup: 10 * time.Millisecond, Measure: window, Grace: time.Second,
					Opened: func() error { return nil }, Closed: func() error { return nil },
				})
				require.NoError(b, err)
				sent, unsent = sent+got.OpenLoop.Sent, unsent+got.OpenLoop.Unsent
				backlog = max(backlog, got.OpenLoop.MaxBacklog)
				h, err := record.DecodeHDR(got.OpenLoop.TimingErrorHDR)
				require.NoError(b, err)
				require.NoError(b, record.MergeHDR(sum.fault, h))
			}
			seconds := float64(b.N) * window.Seconds()
			b.ReportMetric(float64(sent)/seconds, "sent/s")
			b.ReportMetric(float64(unsent)/seconds, "unsent/s")
			b.ReportMetric(float64(backlog), "backlog")
			b.ReportMetric(float64(sum.fault.ValueAtPercentile(50))/1e3, "p50-timing-us")
			b.ReportMetric(float64(sum.fault.ValueAtPercentile(99))/1e3, "p99-timing-us")
			b.ReportMetric((cpuTime(b)-before).Seconds()/b.Elapsed().Seconds(), "cpu-share")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	var r unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkRecord is what recording one operation costs in the window: service
// and response time, send lag, timing error, counts and series.
func BenchmarkRecord(b *testing.B) {
	for _, open := range []bool{false, true} {
		b.Run(fmt.Sprintf("open=%v", open), func(b *testing.B) {
			r := newRecorder(window{to: time.Hour}, open)
			e := event{ops: 1, kind: workload.Put, due: time.Second}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				e.sent = e.due + time.Duration(i&0x3ff)*100
				e.ended = e.sent + time.Duration(i&0xffff)*200
				r.record(e)
			}
		})
	}
}
