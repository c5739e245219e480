package usl

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/optimize"
	"gonum.org/v1/gonum/stat"
)

// resamples is the number of bootstrap fits. The ends of a 95 % interval are
// then the 25th value from either side.
const resamples = 1000

// FitPoints fits the law. The seed decides the bootstrap's draws: the same
// points and seed give the same result. Errors wrap ErrPoints.
func FitPoints(points []Point, seed uint64) (Fit, error) {
	byBlock, sizes, err := arrange(points)
	if err != nil {
		return Fit{}, err
	}
	curve, err := fit(points, starts(points))
	if err != nil {
		return Fit{}, err
	}
	f := Fit{Curve: curve, Blocks: len(byBlock), R2: explained(points, curve), Residuals: residuals(points, curve, sizes)}
	curves, err := f.again(byBlock, rand.New(rand.NewPCG(seed, uint64(len(points)))))
	if err != nil {
		return Fit{}, err
	}
	f.LambdaIn = f.interval(curves, func(c Curve) float64 { return c.Lambda })
	f.SigmaIn = f.interval(curves, func(c Curve) float64 { return c.Sigma })
	f.KappaIn = f.interval(curves, func(c Curve) float64 { return c.Kappa })
	if _, claimed := f.Peak(); claimed {
		f.PeakIn = f.interval(curves, Curve.peak)
	}
	return f, nil
}

// arrange sorts points by block and checks them.
func arrange(points []Point) (byBlock [][]Point, sizes []float64, err error) {
	blocks, ns := map[int][]Point{}, map[float64]bool{}
	for _, p := range points {
		if !(p.N >= 1) || !(p.X > 0) || math.IsInf(p.N, 0) || math.IsInf(p.X, 0) {
			return nil, nil, fmt.Errorf("%w: %v operations per second at N=%v in block %d; accepted: N of 1 or more, throughput above 0", ErrPoints, p.X, p.N, p.Block)
		}
		blocks[p.Block] = append(blocks[p.Block], p)
		ns[p.N] = true
	}
	if len(ns) < MinSizes {
		return nil, nil, fmt.Errorf("%w: %d different numbers of clients; needed: %d or more", ErrPoints, len(ns), MinSizes)
	}
	for _, b := range slices.Sorted(maps.Keys(blocks)) {
		byBlock = append(byBlock, blocks[b])
	}
	return byBlock, slices.Sorted(maps.Keys(ns)), nil
}

// again fits what else the points might have been: resampled blocks or, where
// there are too few, each block alone.
func (f Fit) again(byBlock [][]Point, rng *rand.Rand) ([]Curve, error) {
	if len(byBlock) < MinBlocks {
		return fitEach(byBlock, f.Curve)
	}
	curves := make([]Curve, resamples)
	var drawn []Point
	for i := range curves {
		drawn = drawn[:0]
		for range byBlock {
			drawn = append(drawn, byBlock[rng.IntN(len(byBlock))]...)
		}
		var err error
		if curves[i], err = fit(drawn, []Curve{f.Curve}); err != nil {
			return nil, err
		}
	}
	return curves, nil
}

// fitEach fits every block that has enough sizes of its own.
func fitEach(byBlock [][]Point, near Curve) ([]Curve, error) {
	var curves []Curve
	for _, b := range byBlock {
		if _, _, err := arrange(b); err != nil {
			continue
		}
		c, err := fit(b, append(starts(b), near))
		if err != nil {
			return nil, err
		}
		curves = append(curves, c)
	}
	return curves, nil
}

// interval is the middle of a coefficient's values, or all of them where there
// was no bootstrap. It notes which of the two it is.
func (f *Fit) interval(curves []Curve, of func(Curve) float64) Interval {
	values := make([]float64, len(curves))
	for i, c := range curves {
		values[i] = of(c)
	}
	slices.Sort(values)
	if f.Blocks >= MinBlocks {
		f.Bootstrap = true
		const tail = (1 - Confidence) / 2
		return Interval{stat.Quantile(tail, stat.Empirical, values, nil), stat.Quantile(1-tail, stat.Empirical, values, nil)}
	}
	if len(values) == 0 {
		return Interval{math.NaN(), math.NaN()}
	}
	return Interval{values[0], values[len(values)-1]}
}

// starts are where searches begin: Gunther's regression of N/X, and two guesses
// in case that noise has spoilt it.
func starts(points []Point) []Curve {
	one := slices.MinFunc(points, func(a, b Point) int { return cmp.Compare(a.N, b.N) })
	lambda := one.X / one.N
	var ns, deviations []float64
	for _, p := range points {
		if p.N > one.N {
			ns = append(ns, p.N)
			deviations = append(deviations, (lambda*p.N/p.X-1)/(p.N-1)) // sigma + kappa*N
		}
	}
	sigma, kappa := stat.LinearRegression(ns, deviations, nil, false)
	return []Curve{{Sigma: max(sigma, 1e-3), Kappa: max(kappa, 1e-7)}, {Sigma: 0.1, Kappa: 1e-4}, {Sigma: 0.9, Kappa: 1e-6}}
}

// fit minimizes the squared errors of the logarithms from the starts that it is
// given and keeps the best.
func fit(points []Point, from []Curve) (Curve, error) {
	sizes := collect(points)
	best, least := Curve{}, math.Inf(1)
	for _, c := range from {
		// The variables are roots in units of the start, whose coefficients differ
		// by orders of magnitude. A start at exactly 0 would have no unit.
		unit := Curve{Sigma: max(c.Sigma, 1e-6), Kappa: max(c.Kappa, 1e-9)}
		at := func(v []float64) (sigma, kappa float64) { return unit.Sigma * v[0] * v[0], unit.Kappa * v[1] * v[1] }
		problem := optimize.Problem{Func: func(v []float64) float64 {
			_, sum := level(sizes, Curve{Lambda: 1}.with(at(v)))
			return sum
		}}
		r, err := optimize.Minimize(problem, []float64{1, 1}, &optimize.Settings{
			MajorIterations: 2000, Converger: &optimize.FunctionConverge{Absolute: 1e-12, Relative: 1e-9, Iterations: 20},
		}, &optimize.NelderMead{SimplexSize: 0.3})
		if err != nil {
			return Curve{}, fmt.Errorf("%w: the search for coefficients failed: %w", ErrPoints, err)
		}
		if r.F < least {
			best, least = Curve{Lambda: 1}.with(at(r.X)), r.F
			best.Lambda, _ = level(sizes, best)
		}
	}
	return best, nil
}

// with returns the curve with other shape.
func (c Curve) with(sigma, kappa float64) Curve {
	c.Sigma, c.Kappa = sigma, kappa
	return c
}

// size is what a fit needs of all points at one N. How the points scatter around
// their mean moves no coefficient.
type size struct {
	n, weight float64 // weight is the number of points
	mean      float64 // of log(X/N)
}

// collect groups points by N, in order of N.
func collect(points []Point) []size {
	byN := map[float64]*size{}
	for _, p := range points {
		s := byN[p.N]
		if s == nil {
			s = &size{n: p.N}
			byN[p.N] = s
		}
		s.weight++
		s.mean += (math.Log(p.X/p.N) - s.mean) / s.weight
	}
	out := make([]size, 0, len(byN))
	for _, n := range slices.Sorted(maps.Keys(byN)) {
		out = append(out, *byN[n])
	}
	return out
}

// level returns the best lambda for a shape, which is c with a lambda of 1, and
// the weighted sum of squares that is left of the sizes' means.
func level(sizes []size, c Curve) (lambda, sum float64) {
	left := make([]float64, len(sizes))
	total, weight := 0.0, 0.0
	for i, s := range sizes {
		left[i] = s.mean + math.Log(c.denominator(s.n))
		total += s.weight * left[i]
		weight += s.weight
	}
	mean := total / weight
	for i, s := range sizes {
		sum += s.weight * (left[i] - mean) * (left[i] - mean)
	}
	return math.Exp(mean), sum
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
func residuals(points []Point, c Curve, sizes []float64) []Residual {
	out := make([]Residual, len(sizes))
	for i, n := range sizes {
		var xs []float64
		for _, p := range points {
			if p.N == n {
				xs = append(xs, p.X)
			}
		}
		slices.Sort(xs)
		mid := (xs[(len(xs)-1)/2] + xs[len(xs)/2]) / 2
		out[i] = Residual{N: n, Measured: len(xs), Median: mid, Min: xs[0], Max: xs[len(xs)-1], Fitted: c.At(n), Relative: mid/c.At(n) - 1}
	}
	return out
}
