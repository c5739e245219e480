package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
)

// MinModes is the smallest sample that is searched for two modes.
const MinModes = 10

// modes is the best division of a sample into a lower and an upper group.
type modes struct {
	low, high   float64 // means of the groups
	nLow, nHigh int
	// d is Ashman's D: the distance of the means in units of the groups' root
	// mean square deviation. +Inf for two groups without any spread.
	d float64
}

// divide splits values, sorted, where the groups' squared deviations are least;
// each group has at least a fifth of the values and three, so that stragglers
// are no mode.
//
// Source: Ashman, Bird and Zepf, Detecting Bimodality in Astronomical Datasets,
// Astronomical Journal 108 (1994), with the division in place of a mixture fit.
func divide(values []float64) modes {
	n := len(values)
	least := max(3, n/5)
	sum, squares := make([]float64, n+1), make([]float64, n+1)
	for i, v := range values {
		v -= values[0] // keeps the squares small
		sum[i+1], squares[i+1] = sum[i]+v, squares[i]+v*v
	}
	deviation := func(from, to int) float64 {
		s := sum[to] - sum[from]
		return max(0, squares[to]-squares[from]-s*s/float64(to-from))
	}
	at := least
	for k := least; k <= n-least; k++ {
		if deviation(0, k)+deviation(k, n) < deviation(0, at)+deviation(at, n) {
			at = k
		}
	}
	m := modes{nLow: at, nHigh: n - at}
	m.low, m.high = values[0]+sum[at]/float64(m.nLow), values[0]+(sum[n]-sum[at])/float64(m.nHigh)
	variance := deviation(0, at)/float64(m.nLow) + deviation(at, n)/float64(m.nHigh)
	if m.high > m.low {
		m.d = math.Sqrt2 * (m.high - m.low) / math.Sqrt(variance)
	}
	return m
}

// bimodal divides the logarithms of values, which are positive, and reports
// whether the groups lie apart: further than in 99 of 100 samples of one mode
// and the size, and by the given ratio at least. low and high are the groups' geometric
// means. False for fewer than MinModes values.
func bimodal(values []float64, ratio float64) (modes, bool) {
	if len(values) < MinModes {
		return modes{}, false
	}
	logs := make([]float64, len(values))
	for i, v := range values {
		logs[i] = math.Log(v)
	}
	slices.Sort(logs)
	m := divide(logs)
	m.low, m.high = math.Exp(m.low), math.Exp(m.high)
	return m, m.high >= ratio*m.low && m.d > criticalD(len(values))
}

// Simulation of the critical values of D.
const (
	criticalSamples = 4000
	criticalSeed    = 0x6d657461
	// criticalMax is the largest simulated size: larger samples have a smaller
	// critical value, so that taking this one is cautious.
	criticalMax = 300
)

var criticalCache sync.Map // size to D

// criticalD is the value that D exceeds in one of a hundred samples of size n
// from one mode, by simulation with a fixed seed. The mode is exponential, the
// most skewed that noise usually is: a normal one exceeds it less often.
func criticalD(n int) float64 {
	n = min(n, criticalMax)
	if d, ok := criticalCache.Load(n); ok {
		return d.(float64)
	}
	rng := rand.New(rand.NewPCG(criticalSeed, uint64(n)))
	ds, sample := make([]float64, criticalSamples), make([]float64, n)
	for i := range ds {
		for k := range sample {
			sample[k] = rng.ExpFloat64()
		}
		slices.Sort(sample)
		ds[i] = divide(sample).d
	}
	slices.Sort(ds)
	d := ds[criticalSamples*99/100]
	criticalCache.Store(n, d)
	return d
}
