package attrib_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/attrib"
	"metastorebench/harness/fraction"
)

// system is a synthetic store with a known log-throughput for each setting.
type system func(s int) float64

func on(s, i int) bool { return s&(1<<i) != 0 }

// systems have no effects of more than two items.
var systems = map[string]system{
	// Items multiply by 1.5, 2, 1 and 0.8.
	"multiplicative": func(s int) float64 {
		y := 8.0
		for i, f := range []float64{1.5, 2, 1, 0.8} {
			if on(s, i) {
				y += math.Log(f)
			}
		}
		return y
	},
	// Item 0 takes away the bottleneck that item 1 eases: either gives 3, both
	// give 3.
	"masking": func(s int) float64 {
		if on(s, 0) || on(s, 1) {
			return 8 + math.Log(3)
		}
		return 8
	},
	// The slower of two stages limits: item 0 takes the first from 1 to 0.2,
	// item 1 the second from 0.5 to 0.1. Item 1 does nothing until item 0 is on.
	"two bottlenecks": func(s int) float64 {
		first, second := 1.0, 0.5
		if on(s, 0) {
			first = 0.2
		}
		if on(s, 1) {
			second = 0.1
		}
		return 8 - math.Log(max(first, second))
	},
	// Nothing alone, 4 together.
	"pure interaction": func(s int) float64 {
		if on(s, 2) && on(s, 3) {
			return 8 + math.Log(4)
		}
		return 8
	},
	"no effect": func(int) float64 { return 8 },
}

// noise draws the error of one trial, with mean 0.
type noise func(*rand.Rand) float64

func normal(rng *rand.Rand) float64 { return 0.08 * rng.NormFloat64() }

// skewed is a slow trial now and then.
func skewed(rng *rand.Rand) float64 { return -0.08 * (rng.ExpFloat64() - 1) }

// every is the settings of a full factorial.
func every(k int) []int {
	settings := make([]int, 1<<k)
	for s := range settings {
		settings[s] = s
	}
	return settings
}

// measured is the settings that Fractional wants.
func measured(d fraction.Design) []int {
	var settings []int
	for _, s := range d.Points() {
		settings = append(settings, int(s))
	}
	return append(settings, int(d.All()))
}

// blocks draws n blocks of settings: a level that the block's trials share, and
// noise per trial. A setting that occurs twice is measured once.
func (f system) blocks(rng *rand.Rand, settings []int, n int, e noise) [][]float64 {
	out := make([][]float64, n)
	for b := range out {
		level := 0.3 * rng.NormFloat64()
		for i, s := range settings {
			if first := slices.Index(settings, s); first < i {
				out[b] = append(out[b], out[b][first])
				continue
			}
			out[b] = append(out[b], f(s)+level+e(rng))
		}
	}
	return out
}

// none is no noise: the truth that estimates are held to.
func none(*rand.Rand) float64 { return 0 }

func (f system) exact(t *testing.T) *attrib.Result {
	r, err := attrib.Factorial(k, f.blocks(rand.New(rand.NewPCG(1, 1)), every(k), 2, none))
	require.NoError(t, err)
	return r
}

func (f system) exactFraction(t *testing.T, d fraction.Design) *attrib.Fraction {
	r, err := attrib.Fractional(d, f.blocks(rand.New(rand.NewPCG(1, 1)), measured(d), 2, none))
	require.NoError(t, err)
	return r
}
