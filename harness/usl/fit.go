package usl

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"metastorebench/harness/infer"
)

// FitPoints fits the law. Errors wrap ErrPoints.
func FitPoints(points []Point) (Fit, error) {
	byBlock, err := arrange(points)
	if err != nil {
		return Fit{}, err
	}
	sizes := collect(points)
	free := sizes.free(sizes.curve(sizes.start()))
	f := Fit{Curve: sizes.bounded(free), Blocks: len(byBlock)}
	f.R2, f.Residuals = explained(points, f.Curve), residuals(points, f.Curve, sizes)
	f.addIntervals(free, without(byBlock, free))
	return f, nil
}

// arrange sorts points by block and checks them.
func arrange(points []Point) (byBlock [][]Point, err error) {
	blocks, ns := map[int][]Point{}, map[float64]bool{}
	for _, p := range points {
		if !(p.N >= 1) || !(p.X > 0) || math.IsInf(p.N, 0) || math.IsInf(p.X, 0) {
			return nil, fmt.Errorf("%w: %v operations per second at N=%v in block %d; accepted: N of 1 or more, throughput above 0", ErrPoints, p.X, p.N, p.Block)
		}
		blocks[p.Block] = append(blocks[p.Block], p)
		ns[p.N] = true
	}
	if len(ns) < MinSizes {
		return nil, fmt.Errorf("%w: %d different numbers of clients; needed: %d or more", ErrPoints, len(ns), MinSizes)
	}
	for _, b := range slices.Sorted(maps.Keys(blocks)) {
		byBlock = append(byBlock, blocks[b])
	}
	return byBlock, nil
}

// without fits all blocks but one, each in turn. It returns nothing if what is
// left is too little for a fit, or too few blocks for an interval.
func without(byBlock [][]Point, all Curve) []Curve {
	if len(byBlock) < MinBlocks {
		return nil
	}
	curves := make([]Curve, len(byBlock))
	for i := range byBlock {
		sizes := collect(slices.Concat(slices.Concat(byBlock[:i]...), slices.Concat(byBlock[i+1:]...)))
		if len(sizes) < MinSizes {
			return nil
		}
		curves[i] = sizes.free(all)
	}
	return curves
}

// addIntervals sets the intervals of the coefficients from the fit to all blocks
// and those without one, which are not bounded: an estimate that piles up at 0 has
// no scale.
func (f *Fit) addIntervals(all Curve, without []Curve) {
	f.Bounded = len(without) > 0
	if !f.Bounded {
		none := Interval{math.NaN(), math.NaN()}
		f.LambdaIn, f.SigmaIn, f.KappaIn = none, none, none
		return
	}
	lambda := jackknife(all, without, func(c Curve) float64 { return math.Log(c.Lambda) })
	f.LambdaIn = lambda.exp().holding(f.Lambda)
	f.SigmaIn = jackknife(all, without, func(c Curve) float64 { return c.Sigma }).holding(f.Sigma)
	f.KappaIn = jackknife(all, without, func(c Curve) float64 { return c.Kappa }).holding(f.Kappa)
	if _, claimed := f.Peak(); claimed {
		f.PeakIn = jackknife(all, without, func(c Curve) float64 { return math.Log(c.peak()) }).exp().holding(f.peak())
	}
}

// jackknife is Student's interval of a coefficient, over pseudo-values: n times
// the fit to all blocks less n-1 times the fit without one.
func jackknife(all Curve, without []Curve, of func(Curve) float64) Interval {
	n := float64(len(without))
	pseudo := make([]float64, len(without))
	for i, c := range without {
		pseudo[i] = n*of(all) - (n-1)*of(c)
	}
	e := infer.Arithmetic(pseudo)
	return Interval{e.Lo, e.Hi}
}

func (in Interval) exp() Interval { return Interval{math.Exp(in.Lo), math.Exp(in.Hi)} }

// holding cuts the interval off at 0 and widens it to hold the coefficient, which
// the bounds may have moved.
func (in Interval) holding(v float64) Interval {
	return Interval{min(max(in.Lo, 0), v), max(in.Hi, v)}
}

// explained is R^2 on log X, no number if X does not vary.
func explained(points []Point, c Curve) float64 {
	measured, fitted := make([]float64, len(points)), make([]float64, len(points))
	for i, p := range points {
		measured[i], fitted[i] = math.Log(p.X), math.Log(c.At(p.N))
	}
	return stat.RSquaredFrom(fitted, measured, nil)
}

// residuals compares the curve with the median at every N.
func residuals(points []Point, c Curve, at sizes) []Residual {
	out := make([]Residual, len(at))
	for i, s := range at {
		var xs []float64
		for _, p := range points {
			if p.N == s.n {
				xs = append(xs, p.X)
			}
		}
		slices.Sort(xs)
		mid := (xs[(len(xs)-1)/2] + xs[len(xs)/2]) / 2
		out[i] = Residual{N: s.n, Measured: len(xs), Median: mid, Min: xs[0], Max: xs[len(xs)-1], Fitted: c.At(s.n), Relative: mid/c.At(s.n) - 1}
	}
	return out
}
