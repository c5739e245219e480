package gate

import (
	"math"
	"slices"

	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
)

// Rule is the version of the rule, counted up when a change of it makes other blocks
// decide. Records from before it was kept have 0.
const Rule = 1

// Verdict is what a gate came to.
type Verdict string

// Verdicts; see the package's documentation for the rule.
const (
	Pass         Verdict = "pass"
	Regressed    Verdict = "regressed"
	Improved     Verdict = "improved"
	Inconclusive Verdict = "inconclusive" // at the last look
	Undecided    Verdict = "undecided"    // there are more looks to come
	// Untold: one side has no such counter, which is no fault: base is from before it
	// was made, or a commit accepts that head has it no longer.
	Untold Verdict = "untold"
)

// Decision is a verdict with what it was made of. Losses are logarithms of new/old,
// positive for the worse, or of a metric that is better neither way for more.
type Decision struct {
	Verdict Verdict
	// N is the number of pairs; Look counts the looks that were taken, from 1; 0 if
	// there has been none.
	N, Look int
	// Mean is the mean loss, and SE its standard error.
	Mean, SE float64
	// AtLeast and AtMost bound the loss from below as "regressed" does, and from above
	// as "pass" does. Of one pair or none they are NaN, or infinite.
	AtLeast, AtMost float64
	// Layout is by how much both are wider, for what another layout of base does.
	Layout float64
}

// Losses are a gate's losses by block; a block without a pair has NaN.
type Losses []float64

// told are the losses that there are.
func (l Losses) told() []float64 { return slices.DeleteFunc(slices.Clone(l), math.IsNaN) }

// Decide takes the looks that the losses reach, of a run of so many planned blocks
// with so many gates, and returns the first that decides, or the last. layout are the
// losses of base's other layout against base, in the same blocks, if the losses are
// against both; else nil.
func (r Rules) Decide(g Gate, losses, layout Losses, tests, planned int) Decision {
	looks := infer.NewLooks(r.Looks, planned, r.Alpha/float64(tests), r.Beta)
	last := Decision{Verdict: Undecided, AtLeast: math.NaN(), AtMost: math.NaN()}
	for k, n := range looks.Blocks() {
		if n > len(losses) {
			return last
		}
		sides, width := 1, 0.0
		if g.Metric.Better == metric.Neither {
			sides = 2
		}
		if layout != nil {
			width = math.Abs(infer.Arithmetic(layout[:n].told()).Value) / 2
		}
		last = g.decide(looks.Look(k, losses[:n], sides), width)
		last.Look = k + 1
		if last.Verdict != Undecided {
			return last
		}
	}
	last.Verdict = Inconclusive
	return last
}

// decide compares the bounds of a look, each farther out by width, with the floor.
func (g Gate) decide(b infer.Bounds, width float64) Decision {
	d := Decision{Verdict: Undecided, N: b.N, Mean: b.Mean, SE: b.SE, Layout: width}
	d.AtLeast, d.AtMost = b.Reject.Lo-width, b.Accept.Hi+width
	floor := g.limit()
	better := b.Reject.Hi+width < -floor
	switch {
	case d.AtLeast > floor, better && g.Metric.Better == metric.Neither:
		d.Verdict = Regressed
	case better:
		d.Verdict = Improved
	case d.AtMost < floor && (g.Metric.Better != metric.Neither || b.Accept.Lo-width > -floor):
		d.Verdict = Pass
	}
	return d
}

// loss is the logarithm of new/old, turned so that more is worse. It is NaN without
// two positive values.
func (g Gate) loss(old, next float64) float64 {
	if !(old > 0 && next > 0) {
		return math.NaN()
	}
	l := math.Log(next / old)
	if g.Metric.Better == metric.Higher {
		return -l
	}
	return l
}

// limit is the floor as a loss.
func (g Gate) limit() float64 {
	if g.Metric.Better == metric.Higher {
		return -math.Log1p(-g.Floor) // 5 % less, which is a little more than old is 5 % more
	}
	return math.Log1p(g.Floor)
}

// share is a loss as a part of old: of a throughput that fell to 90 %, 0.1. A bound
// that says nothing is NaN.
func (g Gate) share(loss float64) float64 {
	if math.IsInf(loss, 0) {
		return math.NaN()
	}
	if g.Metric.Better == metric.Higher {
		return -math.Expm1(-loss)
	}
	return math.Expm1(loss)
}

// Ratio is new/old for a loss of the gate's.
func (g Gate) Ratio(loss float64) float64 {
	if g.Metric.Better == metric.Higher {
		return math.Exp(-loss)
	}
	return math.Exp(loss)
}
