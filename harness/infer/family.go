package infer

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat"
)

// MinPool is the fewest effects of a family that say something about one another's
// variance: the distribution that three or five variances come from is anybody's
// guess, and a wrong one costs level (TestStudy).
const MinPool = 6

// Judge makes the intervals and the words of a family: the effects of one question.
// margin is the relative change that nobody cares about, above 0: 0.05 is 5 %. Effects
// without an interval are unresolved and do not count. An effect that is in the family
// twice counts twice; Questions keep that from happening.
func Judge(margin float64, family ...*Effect) {
	var tested []*Effect
	for _, e := range family {
		e.Word = Unresolved
		if e.N >= MinBlocks {
			tested = append(tested, e)
		}
	}
	p, r := priorOf(tested), newReach(len(tested))
	limit := math.Log1p(margin)
	for _, e := range tested {
		se, df := p.moderate(e, len(tested))
		e.settle(r, se, df)
		switch {
		case math.Log(e.Lo) > -limit && math.Log(e.Hi) < limit:
			e.Word = Equivalent
		case e.Excludes(1):
			e.Word = Different
		}
	}
}

// prior is the distribution that the variances of a family come from: scaled inverse
// chi-squared around variance, with df degrees of freedom. Of 0 degrees it says
// nothing.
type prior struct{ variance, df float64 }

// priorOf fits it to the squared standard errors of a family, by the moments of their
// logarithms. Values that all agree have no logarithm and are left out.
func priorOf(family []*Effect) prior {
	if len(family) < MinPool {
		return prior{}
	}
	var logs []float64
	sampling := 0.0 // the variance of a log-variance that sampling alone makes
	for _, e := range family {
		if e.se > 0 {
			logs = append(logs, 2*math.Log(e.se)-mathext.Digamma(e.df/2)+math.Log(e.df/2))
			sampling += trigamma(e.df / 2)
		}
	}
	if len(logs) < MinPool {
		return prior{}
	}
	mean, variance := stat.MeanVariance(logs, nil)
	excess := variance - sampling/float64(len(logs))
	if excess <= 0 { // no more than sampling: all variances are one
		return prior{math.Exp(mean), math.Inf(1)}
	}
	df := 2 * trigammaInverse(excess)
	return prior{math.Exp(mean + mathext.Digamma(df/2) - math.Log(df/2)), df}
}

// moderate is the standard error of an effect in the light of its family of m, with
// its degrees of freedom: no more than all of the family have.
func (p prior) moderate(e *Effect, m int) (se, df float64) {
	if p.df == 0 {
		return e.se, e.df
	}
	own, share := e.se*e.se, 1.0
	if !math.IsInf(p.df, 1) {
		share = p.df / (p.df + e.df)
	}
	variance := share*p.variance + (1-share)*own
	return math.Sqrt(max(variance, own)), min(p.df+e.df, e.df*float64(m))
}

func trigamma(x float64) float64 { return mathext.Zeta(2, x) }

// trigammaInverse solves trigamma(y) = x, which falls, by halving an interval on a
// log scale that holds all that variances can give.
func trigammaInverse(x float64) float64 {
	lo, hi := -20.0, 20.0
	for range 60 {
		if mid := (lo + hi) / 2; trigamma(math.Exp(mid)) > x {
			lo = mid
		} else {
			hi = mid
		}
	}
	return math.Exp((lo + hi) / 2)
}
