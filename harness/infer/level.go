package infer

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Estimate is a quantity with its interval, such as a cell's throughput or a share in
// percent.
type Estimate struct {
	Value float64
	// Lo and Hi bound it at Confidence; meaningless without Interval.
	Lo, Hi float64
	N      int // blocks, or trials
	// Interval says that there are enough samples for Lo and Hi.
	Interval bool
}

// Mean is the mean of values with Student's interval. Values that are all positive are
// averaged as logarithms, as ratios are: their mean is the geometric one, so that the
// ratio of two levels is the level of their ratio.
func Mean(values []float64) Estimate {
	if len(values) == 0 || !positive(values) {
		return Arithmetic(values)
	}
	logs := make([]float64, len(values))
	for i, v := range values {
		logs[i] = math.Log(v)
	}
	e := Arithmetic(logs)
	e.Value = math.Exp(e.Value)
	switch {
	case e.Interval && e.Lo == e.Hi: // exp(log(v)) need not be v
		e.Value, e.Lo, e.Hi = values[0], values[0], values[0]
	case e.Interval:
		e.Lo, e.Hi = math.Exp(e.Lo), math.Exp(e.Hi)
	}
	return e
}

// Arithmetic is the arithmetic mean of values, whatever their sign, with Student's
// interval.
func Arithmetic(values []float64) Estimate { return ArithmeticAt(values, Alpha) }

// ArithmeticAt is Arithmetic with an interval that misses the mean with a chance of
// alpha.
func ArithmeticAt(values []float64, alpha float64) Estimate {
	e := Estimate{N: len(values), Interval: len(values) >= MinBlocks}
	if e.N == 0 {
		return e
	}
	mean, se := meanAndError(values)
	e.Value = mean
	if e.Interval {
		reach := 0.0
		if se > 0 {
			reach = studentQuantile(float64(e.N-1), 1-alpha/2) * se
		}
		e.Lo, e.Hi = mean-reach, mean+reach
	}
	return e
}

func positive(values []float64) bool {
	for _, v := range values {
		if !(v > 0) {
			return false
		}
	}
	return true
}

// Proportion bounds the chance of what happened k times in n, at Confidence or better,
// whatever the chance is. Both bounds are 0 and 1 for n = 0. The n are taken for
// independent.
//
// Source: Clopper and Pearson, The Use of Confidence or Fiducial Limits, Biometrika 26
// (1934).
func Proportion(k, n int64) (lo, hi float64) {
	lo, hi = 0, 1
	if k > 0 {
		lo = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(Alpha / 2)
	}
	if k < n {
		hi = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - Alpha/2)
	}
	return lo, hi
}
