package metric

import (
	"math"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"metastorebench/harness/record"
)

// MinBeyond is how many samples lie beyond a percentile that exists.
const MinBeyond = 10

// MinSamples is the fewest samples with a percentile p, 0 <= p < 100.
func MinSamples(p float64) int64 {
	// A tiny tolerance keeps 10/(1-0.99) at 1,000 in binary arithmetic.
	return int64(math.Ceil(MinBeyond/(1-p/100) - 1e-6))
}

func throughput(op string) Func {
	return func(t *record.Trial) (float64, bool) {
		o := t.Op(op)
		if o == nil || t.MeasureNS <= 0 {
			return 0, false
		}
		return float64(o.Count) / (float64(t.MeasureNS) / 1e9), true
	}
}

// offered is the rate at which operations of one type are due; a closed loop has none.
func offered(op string) Func {
	return func(t *record.Trial) (float64, bool) {
		rate := t.Workload.OfferedOpsPerSecond * t.Workload.Mix[op]
		return rate, rate > 0
	}
}

func bandwidth(op string) Func {
	return func(t *record.Trial) (float64, bool) {
		v, ok := throughput(op)(t)
		return v * float64(t.Workload.KeyBytes+t.Workload.ValueBytes) / 1e6, ok
	}
}

// Calls is the rate of operations of all types: the work of the RPC layer, which is
// compared with that layer's ceiling alone.
func Calls(t *record.Trial) (float64, bool) {
	return float64(completed(t)) * 1e9 / float64(t.MeasureNS), t.MeasureNS > 0
}

// ServicePercentile is a percentile of one trial's service times in nanoseconds, for
// paired comparisons; a trial with fewer than MinSamples does not have it, nor has one
// whose histogram is damaged.
func ServicePercentile(op string, p float64) Func {
	return func(t *record.Trial) (float64, bool) {
		o := t.Op(op)
		if o == nil {
			return 0, false
		}
		h, err := o.ServiceTimes()
		return PercentileOf(h, err, p)
	}
}

// ResponsePercentile is the same of the response times.
func ResponsePercentile(op string, p float64) Func {
	return func(t *record.Trial) (float64, bool) {
		o := t.Op(op)
		if o == nil {
			return 0, false
		}
		h, err := t.ResponseTimes(o)
		return PercentileOf(h, err, p)
	}
}

// PercentileOf is the p-th percentile of a histogram that was read; false if it could
// not be, or has fewer than MinSamples.
func PercentileOf(h *hdr.Histogram, err error, p float64) (float64, bool) {
	if err != nil || h == nil || h.TotalCount() < MinSamples(p) {
		return 0, false
	}
	return float64(h.ValueAtPercentile(p)), true
}

// failedShare is the share of failed operations of all types, in percent.
func failedShare(t *record.Trial) (float64, bool) {
	failed, all := Failures(t)
	return 100 * float64(failed) / float64(all), all > 0
}

// Failures counts the failed and all operations of a trial.
func Failures(t *record.Trial) (failed, all int64) {
	for i := range t.Ops {
		for _, n := range t.Ops[i].Errors {
			failed += n
		}
		all += t.Ops[i].Count
	}
	return failed, all + failed
}

func cpuPerOp(of func(*record.Trial) record.Process) Func {
	return func(t *record.Trial) (float64, bool) {
		n, cpu := completed(t), cpuSeconds(of(t))
		return cpu * 1e6 / float64(n), n > 0 && cpu > 0
	}
}

func cpuSeconds(p record.Process) float64 { return p.CPUUserSeconds + p.CPUSystemSeconds }

// cpuShare is in percent of what a machine of that many CPUs has. A store that others
// started is not accounted.
func cpuShare(cpus int) Func {
	return func(t *record.Trial) (float64, bool) {
		all := float64(cpus) * float64(t.MeasureNS) / 1e9
		return 100 * cpuSeconds(t.Store) / all, all > 0 && cpuSeconds(t.Store) > 0
	}
}

// perOp is a counter per completed operation of any type; -1 is unknown.
func perOp(t *record.Trial, v int64) (float64, bool) {
	n := completed(t)
	return float64(v) / float64(n), n > 0 && v >= 0
}

func syncShare(t *record.Trial) (float64, bool) {
	if t.Mechanism == nil || t.MeasureNS <= 0 || t.Mechanism.FsyncNS == record.Untold {
		return 0, false
	}
	return 100 * float64(t.Mechanism.FsyncNS) / float64(t.MeasureNS), true
}

func appliedOps(m *record.Mechanism) int64 { return m.AppliedOps }
func fsyncs(m *record.Mechanism) int64     { return m.Fsyncs }
func fsyncNS(m *record.Mechanism) int64    { return m.FsyncNS }
func proposals(m *record.Mechanism) int64  { return m.Proposals }
func appends(m *record.Mechanism) int64    { return m.Appends }

// quotient divides two counters. A trial whose target does not show one of them does
// not have it.
func quotient(num, den func(*record.Mechanism) int64) Func {
	return func(t *record.Trial) (float64, bool) {
		if t.Mechanism == nil || den(t.Mechanism) <= 0 || num(t.Mechanism) == record.Untold {
			return 0, false
		}
		return float64(num(t.Mechanism)) / float64(den(t.Mechanism)), true
	}
}

// counter is one counter in units; a trial in which it is zero does not have it.
func counter(of func(*record.Mechanism) int64, unit float64) Func {
	return func(t *record.Trial) (float64, bool) {
		if t.Mechanism == nil || of(t.Mechanism) <= 0 {
			return 0, false
		}
		return float64(of(t.Mechanism)) / unit, true
	}
}

var (
	writeAmplification = quotient(
		func(m *record.Mechanism) int64 { return m.StorageFlushedBytes + m.StorageCompactedBytes },
		func(m *record.Mechanism) int64 { return m.StorageWrittenBytes })
	lockWait = quotient(func(m *record.Mechanism) int64 { return m.LockWaitNS }, appliedOps)
)

func lockWaitPerOp(t *record.Trial) (float64, bool) {
	if t.Mechanism == nil {
		return 0, false
	}
	return perOp(t, t.Mechanism.LockWaitNS)
}

func storageCommitRate(t *record.Trial) (float64, bool) {
	if t.Mechanism == nil || t.Mechanism.StorageCommits == 0 || t.MeasureNS <= 0 {
		return 0, false
	}
	return float64(t.Mechanism.StorageCommits) * 1e9 / float64(t.MeasureNS), true
}

func preloadRate(t *record.Trial) (float64, bool) {
	if t.Preload == nil || t.Preload.DurationNS <= 0 {
		return 0, false
	}
	return float64(t.Workload.PreloadKeys) / (float64(t.Preload.DurationNS) / 1e9), t.Workload.PreloadKeys > 0
}

func preloadWriteAmplification(t *record.Trial) (float64, bool) {
	if t.Preload == nil {
		return 0, false
	}
	return writeAmplification(&record.Trial{Mechanism: t.Preload.Mechanism})
}

// StageTime is the mean time per traced write in some stages, in nanoseconds; false
// without a trace.
func StageTime(stages ...string) Func {
	return func(t *record.Trial) (float64, bool) {
		if t.Stages == nil || t.Stages.Samples == 0 {
			return 0, false
		}
		var sum int64
		for _, s := range stages {
			sum += t.Stages.SumNS[s]
		}
		return float64(sum) / float64(t.Stages.Samples), true
	}
}

// WriteTime is the client's mean service time of puts and deletes, in nanoseconds.
func WriteTime(t *record.Trial) (float64, bool) {
	var sum float64
	var n int64
	for _, op := range []string{record.OpPut, record.OpDelete} {
		o := t.Op(op)
		if o == nil {
			continue
		}
		h, err := record.DecodeHDR(o.ServiceHDR)
		if err != nil {
			return 0, false
		}
		sum += h.Mean() * float64(h.TotalCount())
		n += h.TotalCount()
	}
	return sum / float64(n), n > 0
}

// outside is what the client measured beside the stages.
func outside(t *record.Trial) (float64, bool) {
	inside, traced := StageTime(record.StageNames()...)(t)
	if !traced {
		return 0, false
	}
	all, ok := WriteTime(t)
	return all - inside, ok
}

func rpcAndOutside(t *record.Trial) (float64, bool) {
	ends, _ := StageTime(record.StageDecode, record.StageReply)(t)
	rest, ok := outside(t)
	return ends + rest, ok
}

// TimingErrorP99 is the 99th percentile of an open loop's own timing error, in
// nanoseconds.
func TimingErrorP99(t *record.Trial) (float64, bool) {
	if t.OpenLoop == nil {
		return 0, false
	}
	h, err := record.DecodeHDR(t.OpenLoop.TimingErrorHDR)
	return PercentileOf(h, err, 99)
}

// Scale is f in another unit.
func Scale(f Func, factor float64) Func {
	return func(t *record.Trial) (float64, bool) {
		v, ok := f(t)
		return v * factor, ok
	}
}

// completed counts the operations that a resource is shared out over.
func completed(t *record.Trial) int64 {
	var n int64
	for i := range t.Ops {
		n += t.Ops[i].Count
	}
	return n
}
