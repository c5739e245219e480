package gate

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"metastorebench/harness/stats"
)

// minBlocks is the fewest blocks that a decision is made of.
const minBlocks = stats.MinInterval

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
// positive for the worse, or of a metric with direction Same for more.
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
}

// Losses are a gate's losses by block; a block without a pair has NaN.
type Losses []float64

// Decide takes the looks that the losses reach, of a run of so many planned blocks
// with so many gates, and returns the first that decides, or the last.
func (r Rules) Decide(g Gate, losses Losses, tests, planned int) Decision {
	blocks, shares := r.looksAt(planned)
	last := Decision{Verdict: Undecided, AtLeast: math.NaN(), AtMost: math.NaN()}
	if len(blocks) == 0 {
		last.Verdict = Inconclusive
	}
	before := 0.0
	for k, n := range blocks {
		if n > len(losses) {
			return last
		}
		alpha := spent(r.Alpha, shares[k]) - spent(r.Alpha, before)
		beta := spent(r.Beta, shares[k]) - spent(r.Beta, before)
		before = shares[k]
		last = look(g, losses[:n], alpha/float64(tests), beta)
		last.Look = k + 1
		if last.Verdict != Undecided {
			return last
		}
	}
	last.Verdict = Inconclusive
	return last
}

// look decides from the losses at hand, at one-sided levels alpha and beta.
func look(g Gate, losses Losses, alpha, beta float64) Decision {
	d := Decision{Verdict: Undecided, AtLeast: math.NaN(), AtMost: math.NaN()}
	d.N, d.Mean, d.SE = moments(losses)
	if d.N < minBlocks {
		return d
	}
	if g.Metric.Better == Same {
		alpha /= 2
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(d.N - 1)}
	reject, accept := 0.0, 0.0
	if d.SE > 0 { // else the pairs agree to the last digit
		reject, accept = t.Quantile(1-alpha)*d.SE, t.Quantile(1-beta)*d.SE
	}
	floor := g.limit()
	d.AtLeast, d.AtMost = d.Mean-reject, d.Mean+accept
	better := d.Mean+reject < -floor
	switch {
	case d.AtLeast > floor, better && g.Metric.Better == Same:
		d.Verdict = Regressed
	case better:
		d.Verdict = Improved
	case d.AtMost < floor && (g.Metric.Better != Same || d.Mean-accept > -floor):
		d.Verdict = Pass
	}
	return d
}

// moments are the number of losses, their mean and its standard error.
func moments(losses Losses) (n int, mean, se float64) {
	for _, v := range losses {
		if !math.IsNaN(v) {
			n++
			mean += v
		}
	}
	if n == 0 {
		return 0, 0, 0
	}
	mean /= float64(n)
	if n == 1 {
		return 1, mean, 0
	}
	for _, v := range losses {
		if !math.IsNaN(v) {
			se += (v - mean) * (v - mean)
		}
	}
	return n, mean, math.Sqrt(se / float64(n-1) / float64(n))
}

// loss is the logarithm of new/old, turned so that more is worse. It is NaN without
// two positive values.
func (g Gate) loss(old, next float64) float64 {
	if !(old > 0 && next > 0) {
		return math.NaN()
	}
	l := math.Log(next / old)
	if g.Metric.Better == Higher {
		return -l
	}
	return l
}

// limit is the floor as a loss.
func (g Gate) limit() float64 {
	if g.Metric.Better == Higher {
		return -math.Log1p(-g.Floor) // 5 % less, which is a little more than old is 5 % more
	}
	return math.Log1p(g.Floor)
}

// InFloors is a loss in units of the gate's floor: from 1 on it is to be called
// regressed.
func (g Gate) InFloors(loss float64) float64 { return loss / g.limit() }

// share is a loss as a part of old: of a throughput that fell to 90 %, 0.1.
func (g Gate) share(loss float64) float64 {
	if g.Metric.Better == Higher {
		return -math.Expm1(-loss)
	}
	return math.Expm1(loss)
}

// Ratio is new/old for a loss of the gate's.
func (g Gate) Ratio(loss float64) float64 {
	if g.Metric.Better == Higher {
		return math.Exp(-loss)
	}
	return math.Exp(loss)
}
