package usl

import (
	"errors"
	"math"

	"metastorebench/harness/infer"
)

// The bounds of what can be fitted and claimed.
const (
	// MinSizes is the least number of different N for three coefficients with
	// something left over to judge them by.
	MinSizes = 4
	// MinBlocks is the least number of blocks with intervals.
	MinBlocks = infer.MinBlocks
	// clear is the effect of kappa at the largest N, as a share of the
	// denominator there, below which it is not told from 0.
	clear = 0.01
)

// ErrPoints says that points cannot be fitted. It is wrapped with what is wrong
// and what is needed.
var ErrPoints = errors.New("usl: unusable points")

// Point is one measurement.
type Point struct {
	Block int     // points of one block were measured close together in time
	N     float64 // clients, 1 or more
	X     float64 // operations per second, above 0
}

// Curve is one set of coefficients.
type Curve struct {
	Lambda float64 // operations per second of one client
	Sigma  float64 // contention, 0 or more
	Kappa  float64 // coherency, 0 or more
}

// At is the throughput that the curve gives n clients, in operations per second.
func (c Curve) At(n float64) float64 { return c.Lambda * n / c.denominator(n) }

func (c Curve) denominator(n float64) float64 { return 1 + c.Sigma*(n-1) + c.Kappa*n*(n-1) }

// peak is N*, where throughput is highest: infinite without coherency, 1 where
// even a second client slows the whole down.
func (c Curve) peak() float64 {
	switch {
	case c.Sigma >= 1:
		return 1
	case c.Kappa == 0:
		return math.Inf(1)
	}
	return max(1, math.Sqrt((1-c.Sigma)/c.Kappa))
}

// Interval bounds a coefficient at infer.Confidence.
type Interval struct{ Lo, Hi float64 }

// Residual compares one N's measurements with the curve.
type Residual struct {
	N                float64
	Measured         int     // points at this N
	Median, Min, Max float64 // of the measurements, operations per second
	Fitted           float64 // operations per second
	// Relative is Median/Fitted - 1.
	Relative float64
}

// Fit is a curve with everything that says how far to trust it.
type Fit struct {
	Curve
	LambdaIn, SigmaIn, KappaIn Interval
	// Bounded says that there are intervals; without it they are not numbers.
	Bounded bool
	Blocks  int
	// R2 is the share of the variance of log X, over all points, that the curve
	// explains.
	R2        float64
	Residuals []Residual // by N
	// PeakIn bounds N*. It is set only if Peak claims one.
	PeakIn Interval
}

// Peak returns N*, the number of clients with the highest throughput, and false
// if the measurements do not show one: the interval of kappa touches 0, or there
// is no interval.
func (f Fit) Peak() (n float64, claimed bool) {
	return f.peak(), f.Bounded && f.distinct(f.KappaIn.Lo)
}

// Extrapolated reports whether N* lies beyond the largest N measured.
func (f Fit) Extrapolated() bool { return f.peak() > f.largest() }

func (f Fit) largest() float64 { return f.Residuals[len(f.Residuals)-1].N }

// distinct reports whether this kappa has an effect at the largest N.
func (f Fit) distinct(kappa float64) bool {
	n := f.largest()
	return kappa*n*(n-1) > clear*f.denominator(n)
}
