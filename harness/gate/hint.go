package gate

import (
	"cmp"
	"math"
	"slices"

	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
)

// Hint is another quantity that moved with a loss: where to look for its cause. It
// is no proof, and not corrected for the number of quantities looked at beyond the
// level of hintLevel.
type Hint struct {
	Metric metric.Metric
	// Old and New are medians.
	Old, New float64
	// Ratio is new/old, with its interval at 1-hintLevel.
	Ratio, Lo, Hi float64
}

// Stage reports whether the hint is the mean time of a stage of writes.
func (h Hint) Stage() bool { return h.Metric.Summary == metric.Sums }

const (
	// hintLevel is the chance of naming one quantity that did not move.
	hintLevel = 0.001
	// hintLeast is the least change that is worth naming.
	hintLeast = 0.01
	// maxHints bounds a row's hints: those that moved most.
	maxHints = 5
)

// hinted reports whether hints are about a metric: what the store does for an
// operation, of any type, and the stages that it has rooms for. Shares move with the
// whole that they are of.
func hinted(m metric.Metric) bool {
	if m.Summary == metric.Sums {
		return rooms[m.Name] != nil
	}
	return !m.PerOp && m.Unit != "%"
}

// hints are the quantities of the gate's load that moved, those of the mechanism by
// how much, before the stages by the time that they gained.
func (s *Study) hints(p Pair, g Gate) []Hint {
	var counters, stages []Hint
	own := math.Exp(infer.Arithmetic(s.losses(p, Gate{Metric: neither(g.Metric), Load: g.Load}).told()).Value)
	for _, m := range metric.All() {
		if !hinted(m) || m.Name == g.Metric.Name {
			continue
		}
		switch h, moved := s.moved(p, g.Load, m); {
		case !moved || same(h.Ratio, own):
		case h.Stage():
			stages = append(stages, h)
		case !slices.ContainsFunc(counters, func(o Hint) bool { return same(o.Ratio, h.Ratio) }):
			counters = append(counters, h)
		}
	}
	slices.SortStableFunc(counters, func(a, b Hint) int {
		return cmp.Compare(math.Abs(math.Log(b.Ratio)), math.Abs(math.Log(a.Ratio)))
	})
	slices.SortStableFunc(stages, func(a, b Hint) int { return cmp.Compare(b.New-b.Old, a.New-a.Old) })
	return append(counters[:min(maxHints, len(counters))], stages[:min(2, len(stages))]...)
}

// same reports whether two ratios are of one quantity and itself or its reciprocal,
// such as syncs per write and writes per sync.
func same(a, b float64) bool {
	const rounding = 1e-9
	return math.Abs(math.Abs(math.Log(a))-math.Abs(math.Log(b))) < rounding
}

// neither is a metric whose losses are logarithms of new/old.
func neither(m metric.Metric) metric.Metric {
	m.Better = metric.Neither
	return m
}

// moved compares a quantity between the arms, paired by block.
func (s *Study) moved(p Pair, load string, m metric.Metric) (Hint, bool) {
	of := Gate{Metric: neither(m), Load: load}
	e := infer.ArithmeticAt(s.losses(p, of).told(), hintLevel)
	if e.N < infer.MinLook {
		return Hint{}, false
	}
	h := Hint{Metric: m, Ratio: math.Exp(e.Value), Lo: math.Exp(e.Lo), Hi: math.Exp(e.Hi), Old: s.median(p.Old, of), New: s.median(p.New, of)}
	return h, math.Abs(e.Value) >= hintLeast && (e.Lo > 0 || e.Hi < 0)
}
