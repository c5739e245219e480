package attrib

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Estimate is a mean log-ratio over blocks with its interval.
type Estimate struct {
	// Log is the mean; Lo and Hi bound it at the level asked for. They are
	// infinite for fewer than two blocks.
	Log, Lo, Hi float64
	// P is the two-sided p-value of "no effect" (Student's t over the blocks),
	// not corrected for other comparisons; 1 for fewer than two blocks.
	P float64
	// N is the number of blocks.
	N int
}

// Ratio returns the estimate and its bounds as ratios: 1 means no effect.
func (e Estimate) Ratio() (ratio, lo, hi float64) {
	return math.Exp(e.Log), math.Exp(e.Lo), math.Exp(e.Hi)
}

// Excludes reports whether the interval leaves out the log-ratio v.
func (e Estimate) Excludes(v float64) bool { return v < e.Lo || v > e.Hi }

// rounding is what sums and differences of a thousand logarithms can be wrong by;
// a log-ratio below it is none.
const rounding = 1e-12

// estimator turns a function of one block into an estimate over all.
type estimator struct {
	blocks [][]float64
	t      distuv.StudentsT
	// reach is the half width of an interval in standard errors.
	reach float64
}

func newEstimator(blocks [][]float64, confidence float64) estimator {
	e := estimator{blocks: blocks, t: distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(len(blocks) - 1)}}
	if len(blocks) > 1 {
		e.reach = e.t.Quantile(1 - (1-confidence)/2)
	}
	return e
}

func (e estimator) over(f func(y []float64) float64) Estimate {
	values := make([]float64, len(e.blocks))
	for b, y := range e.blocks {
		if v := f(y); math.Abs(v) > rounding {
			values[b] = v
		}
	}
	n := len(values)
	if n < 2 {
		return Estimate{Log: values[0], Lo: math.Inf(-1), Hi: math.Inf(1), P: 1, N: n}
	}
	mean, sd := stat.MeanStdDev(values, nil)
	sem := sd / math.Sqrt(float64(n))
	p := 1.0
	if mean != 0 {
		p = 2 * e.t.Survival(math.Abs(mean)/sem) // 0 where all blocks agree
	}
	return Estimate{Log: mean, Lo: mean - e.reach*sem, Hi: mean + e.reach*sem, P: p, N: n}
}
