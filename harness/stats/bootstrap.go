package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"gonum.org/v1/gonum/stat/distuv"
)

// Resamples is the number of bootstrap resamples of a comparison. One more
// makes every usual level a whole rank, and 1/10,000 the least p-value.
const Resamples = 9999

// roundingError is the share of the sample's variance that may be left over of a
// resample that has none.
const roundingError = 1e-9

// bootstrapSeed makes resampling a function of the data alone, so that a report
// can be remade byte for byte.
const bootstrapSeed = 0x6d657461

// studentized is the symmetric studentized bootstrap (bootstrap-t) of the mean
// of d, which has two or more values: the distribution of |mean - truth| / se
// is taken from resamples of d, each with its own standard error. It returns the
// mean, the half width of the interval at Confidence and the two-sided p-value
// of the hypothesis that the true mean is 0, which is below 1-Confidence exactly
// when the interval leaves out 0.
//
// Sources: Hall, On Symmetric Bootstrap Confidence Intervals, JRSS B 50 (1988);
// Davison and Hinkley, Bootstrap Methods and their Application, section 5.2.
//
// # Why this one
//
// Coverage of the nominal 95 % interval, in 3,000 simulations each of normal,
// skewed (exponential), heavy-tailed (Student's t with 3 degrees of freedom) and
// drifting noise (normal, with a trend over the sample of two standard
// deviations):
//
//	                        normal  skewed  heavy  drifting
//	percentile       n=6     0.86    0.82    0.85    0.93
//	                 n=10    0.91    0.87    0.89    0.95
//	                 n=20    0.93    0.91    0.93    0.97
//	BCa              n=6     0.85    0.84    0.83    0.93
//	                 n=10    0.90    0.88    0.87    0.95
//	                 n=20    0.93    0.91    0.90    0.96
//	bootstrap-t,     n=6     0.94    0.94    0.94    0.98
//	equal tails      n=10    0.95    0.95    0.93    0.98
//	                 n=20    0.95    0.95    0.93    0.98
//	bootstrap-t,     n=6     0.97    0.94    0.98    0.99
//	symmetric        n=10    0.96    0.93    0.97    0.99
//	                 n=20    0.95    0.94    0.97    0.98
//
// The noise of a log-ratio of two equal variants is symmetric, as either may be
// called the first; the symmetric form then keeps its level with every tail, and
// its centre is the estimate. A sign-flip permutation test would be exact, but
// its least p-value, 2/2^n, is 0.002 at ten blocks: after correction no table of
// more than 25 comparisons could call anything different.
func studentized(d []float64) (mean, half, p float64) {
	n := float64(len(d))
	mean, se := meanAndError(d)
	if se == 0 { // no noise at all: the values are counts that agree
		if mean == 0 {
			return 0, 0, 1
		}
		return mean, 0, 1.0 / (Resamples + 1)
	}
	centred := make([]float64, len(d))
	for i, v := range d {
		centred[i] = v - mean
	}
	draws := resampleDraws(len(d))
	ts := make([]float64, Resamples)
	beyond := 0
	for b := range ts {
		var sum, squares float64
		for _, i := range draws[b*len(d) : (b+1)*len(d)] {
			v := centred[i]
			sum += v
			squares += v * v
		}
		m := sum / n
		variance := (squares/n - m*m) / (n - 1)
		if variance < roundingError*se*se { // all are one value
			variance = 0
		}
		ts[b] = math.Abs(m) / math.Sqrt(variance)
		if ts[b] >= math.Abs(mean)/se {
			beyond++
		}
	}
	quantile := selectRank(ts, int(math.Ceil(Confidence*(Resamples+1)))-1)
	if math.IsInf(quantile, 1) {
		half, p = studentT(n, mean, se)
		return mean, half, p
	}
	return mean, quantile * se, float64(1+beyond) / (Resamples + 1)
}

// studentT gives what studentized gives, from Student's distribution. It stands in
// where nearly all values agree, as those of clients who wait for the same few slow
// syncs do: then so many resamples hold one value only, which have no standard error,
// that the bootstrap has no quantile.
func studentT(n, mean, se float64) (half, p float64) {
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}
	return t.Quantile((1+Confidence)/2) * se, 2 * t.Survival(math.Abs(mean)/se)
}

// drawsCache has the draws by sample size: a report resamples a few sizes many
// times. Sizes are numbers of blocks, so that it stays small.
var drawsCache sync.Map

// resampleDraws are the indices of all resamples of n values, one after the
// other. They are shared: read only.
func resampleDraws(n int) []uint32 {
	if draws, ok := drawsCache.Load(n); ok {
		return draws.([]uint32)
	}
	rng := rand.New(rand.NewPCG(bootstrapSeed, uint64(n)))
	draws := make([]uint32, Resamples*n)
	for i := range draws {
		draws[i] = rng.Uint32N(uint32(n))
	}
	kept, _ := drawsCache.LoadOrStore(n, draws)
	return kept.([]uint32)
}

// selectRank returns the value that would be at rank k, from 0, if v were
// sorted; it reorders v.
//
// Source: Hoare, Algorithm 65: FIND, CACM 4 (1961).
func selectRank(v []float64, k int) float64 {
	for lo, hi := 0, len(v)-1; lo < hi; {
		pivot := v[(lo+hi)/2]
		i, j := lo, hi
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for v[j] > pivot {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return v[k]
		}
	}
	return v[k]
}

// leastP is the smallest p-value that studentized can give for n values: that of
// the resamples that repeat one value n times.
func leastP(n int) float64 {
	return 1.0/(Resamples+1) + math.Pow(float64(n), float64(1-n))
}

// meanAndError returns the mean of values and its standard error. Values that
// are all the same have exactly none.
func meanAndError(values []float64) (mean, se float64) {
	if slices.Min(values) == slices.Max(values) {
		return values[0], 0
	}
	n := float64(len(values))
	for _, v := range values {
		mean += v
	}
	mean /= n
	for _, v := range values {
		se += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(se / (n - 1) / n)
}
