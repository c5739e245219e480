package gate

import (
	"math"
	"math/rand/v2"
	"slices"

	"metastorebench/harness/stats"
)

// How steps are looked for.
const (
	// stepLevel is the chance of seeing a step where there is none.
	stepLevel = 0.05
	// stepShuffles is the number of permutations of each test, that of Matteson and
	// James' implementation.
	stepShuffles = 199
	// minSegment is the fewest values between two steps: with four on each side one
	// of 70 divisions is the extreme one, just below stepLevel.
	minSegment = 4
)

// Step is a change of a series' level.
type Step struct {
	At int     // index of the first value after it
	P  float64 // of the permutation test
	// Before and After are the medians of the segments on both sides.
	Before, After float64
}

// Steps finds where the distribution of a series changes, by E-divisive: the
// division of a segment with the largest energy statistic is a step if fewer than
// one in twenty permutations of the values within their segments has one as large;
// then both halves are looked at, until nothing is found. Nothing is assumed of the
// distribution but a mean. It takes O(n²) time for each permutation; the same
// values and seed give the same steps.
//
// Source: Matteson and James, A Nonparametric Approach for Multiple Change Point
// Analysis of Multivariate Data, Journal of the American Statistical Association
// 109 (2014), with exponent 1. Daly and others, The Use of Change Point Detection
// to Identify Software Performance Regressions in a Continuous Integration System,
// ICPE (2020), use it for series like ours.
func Steps(values []float64, seed uint64) []Step {
	rng := rand.New(rand.NewPCG(seed, uint64(len(values))))
	bounds := []int{0, len(values)}
	level := make(map[int]float64)
	for {
		at, found := bestDivision(values, bounds)
		if at < 0 {
			break
		}
		p := permutationTest(values, bounds, found, rng)
		if p > stepLevel {
			break
		}
		level[at] = p
		i, _ := slices.BinarySearch(bounds, at)
		bounds = slices.Insert(bounds, i, at)
	}
	var steps []Step
	for i := 1; i+1 < len(bounds); i++ {
		steps = append(steps, Step{
			At: bounds[i], P: level[bounds[i]],
			Before: stats.Summarize(values[bounds[i-1]:bounds[i]]).Median,
			After:  stats.Summarize(values[bounds[i]:bounds[i+1]]).Median,
		})
	}
	return steps
}

// permutationTest is the share of permutations within segments, the values as they
// are among them, whose best division is at least as good.
func permutationTest(values []float64, bounds []int, found float64, rng *rand.Rand) float64 {
	shuffled, as := slices.Clone(values), 1
	for range stepShuffles {
		for i := 1; i < len(bounds); i++ {
			segment := shuffled[bounds[i-1]:bounds[i]]
			rng.Shuffle(len(segment), func(a, b int) { segment[a], segment[b] = segment[b], segment[a] })
		}
		if _, q := bestDivision(shuffled, bounds); q >= found {
			as++
		}
	}
	return float64(as) / (stepShuffles + 1)
}

// bestDivision returns the index at which some segment divides best, and its
// statistic; -1 if none can be divided, or all values of all segments are equal.
func bestDivision(values []float64, bounds []int) (at int, best float64) {
	at = -1
	for i := 1; i < len(bounds); i++ {
		from := bounds[i-1]
		if k, q := divide(values[from:bounds[i]]); k > 0 && q > best {
			at, best = from+k, q
		}
	}
	return at, best
}

// divide finds the division of a segment into x, its first k values, and y, the m
// after them, with the largest statistic
//
//	q = km/(k+m) (2 E|x-y| - E|x-x'| - E|y-y'|)
//
// over k and m: what comes after y is left for a later step, which could else hide
// this one. E are means over pairs of different values.
func divide(v []float64) (at int, best float64) {
	sums := newDistances(v)
	for k := minSegment; k+minSegment <= len(v); k++ {
		within := sums.among(0, k) / pairs(k)
		for m := minSegment; k+m <= len(v); m++ {
			n := float64(k) * float64(m)
			q := n / float64(k+m) * (2*sums.between(k, k+m)/n - within - sums.among(k, k+m)/pairs(m))
			if q > best*(1+1e-12) && q > 1e-12*sums.scale {
				at, best = k, q
			}
		}
	}
	return at, best
}

// pairs is the number of pairs of n values.
func pairs(n int) float64 { return float64(n) * float64(n-1) / 2 }

// distances has sums of |v[i]-v[j]| at hand.
type distances struct {
	width int
	// upTo[a*width+b] is the sum over i < a and j < b.
	upTo []float64
	// scale is the largest value's size, against which rounding errors are judged.
	scale float64
}

func newDistances(v []float64) distances {
	d := distances{width: len(v) + 1, upTo: make([]float64, (len(v)+1)*(len(v)+1))}
	for i, x := range v {
		row := 0.0
		for j, y := range v {
			row += math.Abs(x - y)
			d.upTo[(i+1)*d.width+j+1] = d.upTo[i*d.width+j+1] + row
		}
		d.scale = max(d.scale, math.Abs(x))
	}
	return d
}

// between is the sum over i < k and k <= j < end.
func (d distances) between(k, end int) float64 {
	return d.upTo[k*d.width+end] - d.upTo[k*d.width+k]
}

// among is the sum over all pairs from <= i < j < end.
func (d distances) among(from, end int) float64 {
	square := d.upTo[end*d.width+end] - d.upTo[from*d.width+end] - d.upTo[end*d.width+from] + d.upTo[from*d.width+from]
	return square / 2
}
