package stats

import "metastorebench/harness/record"

// Metric reads one number out of a valid trial. It returns false if the trial
// does not have it: a counter that the target does not show, or a division by
// zero.
type Metric func(*record.Trial) (float64, bool)

// Throughput is the rate of operations of one type that completed with success,
// in operations per second of the measured window.
func Throughput(op string) Metric {
	return func(t *record.Trial) (float64, bool) {
		o := findOp(t, op)
		if o == nil || t.MeasureNS <= 0 {
			return 0, false
		}
		return float64(o.Count) / (float64(t.MeasureNS) / 1e9), true
	}
}

// StoreCPU is the store's CPU time, user and system, in microseconds per
// completed operation of any type.
func StoreCPU(t *record.Trial) (float64, bool) { return cpuPerOp(t, t.Store) }

// ClientCPU is the load generator's CPU time in microseconds per completed
// operation of any type.
func ClientCPU(t *record.Trial) (float64, bool) { return cpuPerOp(t, t.Client) }

// Allocs is the store's Go heap allocations per completed operation of any
// type. C allocations (RocksDB) are not in it.
func Allocs(t *record.Trial) (float64, bool) { return perOp(t, t.Store.HeapAllocs) }

// AllocBytes is the store's Go heap allocation in bytes per completed operation
// of any type.
func AllocBytes(t *record.Trial) (float64, bool) { return perOp(t, t.Store.HeapAllocBytes) }

// CPUShare is the store's CPU time as a share of what a machine of that many
// CPUs has: 0 to 1.
func CPUShare(cpus int) Metric {
	return func(t *record.Trial) (float64, bool) {
		all := float64(cpus) * float64(t.MeasureNS) / 1e9
		return cpuSeconds(t.Store) / all, all > 0 && cpuSeconds(t.Store) > 0 // a store that others started is not accounted
	}
}

// Scale is m in another unit: each value times factor.
func Scale(m Metric, factor float64) Metric {
	return func(t *record.Trial) (float64, bool) {
		v, ok := m(t)
		return v * factor, ok
	}
}

// PeakRSS is the store's peak resident memory in bytes.
func PeakRSS(t *record.Trial) (float64, bool) {
	return float64(t.Store.PeakRSSBytes), t.Store.PeakRSSBytes > 0
}

// The mechanism metrics count write commands (puts, deletes, transactions);
// reads cost no proposal and no sync.
var (
	// FsyncsPerWrite is the number of log syncs per applied write.
	FsyncsPerWrite = quotient(fsyncs, appliedOps)
	// WritesPerFsync is the number of applied writes per log sync.
	WritesPerFsync = quotient(appliedOps, fsyncs)
	// OpsPerProposal is the number of commands in one log entry.
	OpsPerProposal = quotient(
		func(m *record.Mechanism) int64 { return m.ProposedOps },
		func(m *record.Mechanism) int64 { return m.Proposals })
	// EntriesPerReady is the number of log entries that Raft hands over at
	// once, over the Readys that held any.
	EntriesPerReady = quotient(
		func(m *record.Mechanism) int64 { return m.ReadyEntries },
		func(m *record.Mechanism) int64 { return m.Readys })
	// EntriesPerAppend is the number of log entries in a message of the leader's to a
	// follower, and AppendsInFlight how many of them were in flight to the same
	// follower when one had been sent. A single member has neither.
	EntriesPerAppend = quotient(
		func(m *record.Mechanism) int64 { return m.AppendEntries },
		func(m *record.Mechanism) int64 { return m.Appends })
	AppendsInFlight = quotient(
		func(m *record.Mechanism) int64 { return m.AppendsInFlight },
		func(m *record.Mechanism) int64 { return m.Appends })
	// WALBytesPerWrite is the number of log bytes per applied write.
	WALBytesPerWrite = quotient(func(m *record.Mechanism) int64 { return m.WALBytes }, appliedOps)
	// StorageCommitMean is the mean commit of a storage that syncs on its own, in
	// nanoseconds. Targets without such commits do not have it.
	StorageCommitMean = quotient(
		func(m *record.Mechanism) int64 { return m.StorageCommitNS },
		func(m *record.Mechanism) int64 { return m.StorageCommits })
	// FsyncMean is the mean log sync in nanoseconds, device profile included.
	FsyncMean = quotient(func(m *record.Mechanism) int64 { return m.FsyncNS }, fsyncs)

	// WriteAmplification is what the storage library wrote to table files, by
	// flushing and compacting, per byte of keys and values that came in; the
	// Raft log is not in it. Engines that keep no account do not have it.
	WriteAmplification = quotient(
		func(m *record.Mechanism) int64 { return m.StorageFlushedBytes + m.StorageCompactedBytes },
		func(m *record.Mechanism) int64 { return m.StorageWrittenBytes })
	// SpaceAmplification is the size of the table files at the window's end per
	// byte of live data in them, by the library's own estimate.
	SpaceAmplification = quotient(
		func(m *record.Mechanism) int64 { return m.StorageTableBytes },
		func(m *record.Mechanism) int64 { return m.StorageLiveBytes })
	// StorageWritten and StorageTables are the bytes that came in during the
	// window, and the size of the table files at its end.
	StorageWritten = counter(func(m *record.Mechanism) int64 { return m.StorageWrittenBytes })
	StorageTables  = counter(func(m *record.Mechanism) int64 { return m.StorageTableBytes })
)

// PreloadRate is the rate at which the store was filled before the warm-up, in keys
// per second.
func PreloadRate(t *record.Trial) (float64, bool) {
	if t.Preload == nil || t.Preload.DurationNS <= 0 {
		return 0, false
	}
	return float64(t.Workload.PreloadKeys) / (float64(t.Preload.DurationNS) / 1e9), t.Workload.PreloadKeys > 0
}

// PreloadWriteAmplification is WriteAmplification from the store's start to the end
// of the preload.
func PreloadWriteAmplification(t *record.Trial) (float64, bool) {
	if t.Preload == nil {
		return 0, false
	}
	return WriteAmplification(&record.Trial{Mechanism: t.Preload.Mechanism})
}

// counter makes a Metric of one counter; a trial in which it is zero does not
// have it.
func counter(of func(*record.Mechanism) int64) Metric {
	return func(t *record.Trial) (float64, bool) {
		if t.Mechanism == nil || of(t.Mechanism) == 0 {
			return 0, false
		}
		return float64(of(t.Mechanism)), true
	}
}

// StorageCommitRate is the rate of such commits, per second of the measured
// window.
func StorageCommitRate(t *record.Trial) (float64, bool) {
	if t.Mechanism == nil || t.Mechanism.StorageCommits == 0 || t.MeasureNS <= 0 {
		return 0, false
	}
	return float64(t.Mechanism.StorageCommits) * 1e9 / float64(t.MeasureNS), true
}

func appliedOps(m *record.Mechanism) int64 { return m.AppliedOps }
func fsyncs(m *record.Mechanism) int64     { return m.Fsyncs }

// quotient makes a Metric of two counters. A trial whose target does not show
// one of them does not have it.
func quotient(num, den func(*record.Mechanism) int64) Metric {
	return func(t *record.Trial) (float64, bool) {
		if t.Mechanism == nil || den(t.Mechanism) <= 0 || num(t.Mechanism) == record.Untold {
			return 0, false
		}
		return float64(num(t.Mechanism)) / float64(den(t.Mechanism)), true
	}
}

func cpuPerOp(t *record.Trial, p record.Process) (float64, bool) {
	n := completed(t)
	cpu := p.CPUUserSeconds + p.CPUSystemSeconds
	return cpu * 1e6 / float64(n), n > 0 && cpu > 0
}

func perOp(t *record.Trial, v int64) (float64, bool) {
	n := completed(t)
	return float64(v) / float64(n), n > 0 && v >= 0
}

// completed counts the operations that a resource is shared out over.
func completed(t *record.Trial) int64 {
	var n int64
	for i := range t.Ops {
		n += t.Ops[i].Count
	}
	return n
}

func findOp(t *record.Trial, op string) *record.OpStats {
	for i := range t.Ops {
		if t.Ops[i].Op == op {
			return &t.Ops[i]
		}
	}
	return nil
}

// ServicePercentile is the p-th percentile (0 <= p < 100) of the service time of
// op in nanoseconds, out of the trial's own histogram: one sample per trial, for
// paired comparisons. It is no summary of a cell: percentiles of trials are never
// averaged, LatencyOf merges histograms. A trial with fewer than MinSamples(p)
// operations does not have it, nor does one whose histogram is damaged, which
// LatencyOf reports.
func ServicePercentile(op string, p float64) Metric {
	return func(t *record.Trial) (float64, bool) {
		o := findOp(t, op)
		if o == nil {
			return 0, false
		}
		h, err := o.ServiceTimes()
		return percentileOf(h, err, p)
	}
}

// ResponsePercentile is the same of the response time, from the intended start,
// which an open loop alone has.
func ResponsePercentile(op string, p float64) Metric {
	return func(t *record.Trial) (float64, bool) {
		o := findOp(t, op)
		if o == nil {
			return 0, false
		}
		h, err := t.ResponseTimes(o)
		return percentileOf(h, err, p)
	}
}
