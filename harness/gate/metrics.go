package gate

import (
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// Metric is a quantity that a gate can be about.
type Metric struct {
	Name string // as in floors.yaml
	Unit string
	// Better says which way is for the better.
	Better Direction
	of     stats.Metric
}

// Direction is which way is for the better.
type Direction int

// Directions.
const (
	Lower Direction = iota
	Higher
	// Same: neither way. A change is one of how things work, and is to be accepted
	// as such.
	Same
)

// Of reads the metric out of a valid trial; false if the trial does not have it.
func (m Metric) Of(t *record.Trial) (float64, bool) { return m.of(t) }

// Metrics lists all metrics, in the order in which reports show them.
func Metrics() []Metric {
	return []Metric{
		{"fsyncs_per_write", "syncs/write", Lower, stats.FsyncsPerWrite},
		{"proposals_per_write", "entries/write", Lower, proposalsPerWrite},
		{"entries_per_ready", "entries", Same, stats.EntriesPerReady},
		{"wal_bytes_per_write", "bytes/write", Lower, stats.WALBytesPerWrite},
		{"allocs_per_op", "allocations/op", Lower, stats.Allocs},
		{"alloc_bytes_per_op", "bytes/op", Lower, stats.AllocBytes},
		{"peak_memory", "MiB", Lower, peakMemory},
		{"store_cpu_per_op", "us/op", Lower, stats.StoreCPU},
		{"throughput", "ops/s", Higher, throughput},
		{"p50", "us", Lower, percentile(50)},
		{"p99", "us", Lower, percentile(99)},
	}
}

// metricNamed returns the metric of this name; false if there is none.
func metricNamed(name string) (Metric, bool) {
	for _, m := range Metrics() {
		if m.Name == name {
			return m, true
		}
	}
	return Metric{}, false
}

func proposalsPerWrite(t *record.Trial) (float64, bool) {
	v, ok := stats.OpsPerProposal(t)
	if !ok || v <= 0 {
		return 0, false
	}
	return 1 / v, true
}

// peakMemory is the most that the store had resident since it started, in MiB.
func peakMemory(t *record.Trial) (float64, bool) {
	return float64(t.Store.PeakRSSBytes) / (1 << 20), t.Store.PeakRSSBytes > 0
}

// throughput is that of all operations: the loads of a gate have one type each.
func throughput(t *record.Trial) (float64, bool) {
	if len(t.Ops) != 1 {
		return 0, false
	}
	return stats.Throughput(t.Ops[0].Op)(t)
}

// percentile is the trial's own, of the only type of operation.
func percentile(p float64) stats.Metric {
	return func(t *record.Trial) (float64, bool) {
		if len(t.Ops) != 1 {
			return 0, false
		}
		return stats.Scale(stats.ServicePercentile(t.Ops[0].Op, p), 1e-3)(t)
	}
}
