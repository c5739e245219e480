package gate

import (
	"cmp"
	"math"
	"slices"

	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// Hint is another quantity that moved with a loss: where to look for its cause. It
// is no proof, and not corrected for the number of quantities looked at beyond the
// level of hintLevel.
type Hint struct {
	// Stage says that it is the mean time of a stage of writes.
	Stage bool
	Name  string
	Unit  string
	// Old and New are medians.
	Old, New float64
	// Ratio is new/old, with its interval at 1-hintLevel.
	Ratio, Lo, Hi float64
	room          string // key of rooms
}

const (
	// hintLevel is the chance of naming one quantity that did not move.
	hintLevel = 0.001
	// hintLeast is the least change that is worth naming.
	hintLeast = 0.01
	// maxHints bounds a row's hints: those that moved most.
	maxHints = 5
)

// quantity is something that hints can be about.
type quantity struct {
	name, unit string
	metric     string // of gates that are about the same; "" if none is
	stage      bool
	of         stats.Metric
}

// quantities are the mechanism's counters and the stages.
func quantities() []quantity {
	all := []quantity{
		{name: "operations per proposal", metric: "proposals_per_write", unit: "ops", of: stats.OpsPerProposal},
		{name: "entries per Ready", metric: "entries_per_ready", unit: "entries", of: stats.EntriesPerReady},
		{name: "syncs per write", metric: "fsyncs_per_write", unit: "syncs", of: stats.FsyncsPerWrite},
		{name: "time of a sync", unit: "us", of: stats.Scale(stats.FsyncMean, 1e-3)},
		{name: "log bytes per write", metric: "wal_bytes_per_write", unit: "bytes", of: stats.WALBytesPerWrite},
		{name: "allocations per operation", metric: "allocs_per_op", unit: "allocations", of: stats.Allocs},
		{name: "allocated bytes per operation", metric: "alloc_bytes_per_op", unit: "bytes", of: stats.AllocBytes},
		{name: "store's CPU time per operation", metric: "store_cpu_per_op", unit: "us", of: stats.StoreCPU},
		{name: "client's CPU time per operation", unit: "us", of: stats.ClientCPU},
		{name: "lock wait per write", unit: "us", of: lockWait},
	}
	for _, name := range record.StageNames() {
		all = append(all, quantity{name: name, unit: "us", stage: true, of: stageMean(name)})
	}
	return all
}

func lockWait(t *record.Trial) (float64, bool) {
	if t.Mechanism == nil || t.Mechanism.AppliedOps <= 0 || t.Mechanism.LockWaitNS <= 0 {
		return 0, false
	}
	return float64(t.Mechanism.LockWaitNS) / float64(t.Mechanism.AppliedOps) / 1e3, true
}

// stageMean is the mean time of a stage of the traced writes, in microseconds.
func stageMean(name string) stats.Metric {
	return func(t *record.Trial) (float64, bool) {
		if t.Stages == nil || t.Stages.Samples == 0 || t.Stages.SumNS[name] <= 0 {
			return 0, false
		}
		return float64(t.Stages.SumNS[name]) / float64(t.Stages.Samples) / 1e3, true
	}
}

// hints are the quantities of the gate's load that moved, those of the mechanism by
// how much, before the stages by the time that they gained.
func (s *Study) hints(p Pair, g Gate) []Hint {
	var counters, stages []Hint
	for _, q := range quantities() {
		h, moved := s.moved(p, g, q)
		switch {
		case !moved || q.metric != "" && q.metric == g.Metric.Name:
		case q.stage:
			stages = append(stages, h)
		default:
			counters = append(counters, h)
		}
	}
	slices.SortStableFunc(counters, func(a, b Hint) int {
		return cmp.Compare(math.Abs(math.Log(b.Ratio)), math.Abs(math.Log(a.Ratio)))
	})
	slices.SortStableFunc(stages, func(a, b Hint) int { return cmp.Compare(b.New-b.Old, a.New-a.Old) })
	return append(counters[:min(maxHints, len(counters))], stages[:min(2, len(stages))]...)
}

// moved compares a quantity between the arms, paired by block.
func (s *Study) moved(p Pair, g Gate, q quantity) (Hint, bool) {
	of := Gate{Metric: Metric{of: q.of, Better: Same}, Load: g.Load}
	e := infer.ArithmeticAt(s.losses(p, of).told(), hintLevel)
	if e.N < infer.MinLook {
		return Hint{}, false
	}
	h := Hint{Stage: q.stage, Name: q.name, Unit: q.unit, Ratio: math.Exp(e.Value), Lo: math.Exp(e.Lo), Hi: math.Exp(e.Hi)}
	h.Old, h.New = s.median(p.Old, of), s.median(p.New, of)
	if h.room = q.metric; q.stage {
		h.room = q.name
	}
	return h, math.Abs(e.Value) >= hintLeast && (e.Lo > 0 || e.Hi < 0)
}
