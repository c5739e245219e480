package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/stats"
)

// noises have mean 0 and about one size.
var noises = map[string]func(rng *rand.Rand, i, n int) float64{
	"normal": func(rng *rand.Rand, _, _ int) float64 { return rng.NormFloat64() },
	"skewed": func(rng *rand.Rand, _, _ int) float64 { return rng.ExpFloat64() - 1 },
	"heavy": func(rng *rand.Rand, _, _ int) float64 { // Student's t, 3 degrees of freedom
		chi := 0.0
		for range 3 {
			z := rng.NormFloat64()
			chi += z * z
		}
		return rng.NormFloat64() / math.Sqrt(chi/3)
	},
	"drifting": func(rng *rand.Rand, i, n int) float64 { return rng.NormFloat64() + 2*(float64(i)/float64(n-1)-0.5) },
}

// TestCoverage measures how often the 95 % interval holds the true ratio, in 500
// runs of each noise and size. The bounds are the coverage that the comment of
// studentized states, less three standard errors of 500 runs (0.03).
func TestCoverage(t *testing.T) {
	const runs, effect = 500, 0.2
	stated := map[string]map[int]float64{
		"normal": {6: 0.97, 10: 0.96, 20: 0.95}, "skewed": {6: 0.94, 10: 0.93, 20: 0.94},
		"heavy": {6: 0.98, 10: 0.97, 20: 0.97}, "drifting": {6: 0.99, 10: 0.99, 20: 0.98},
	}
	for name, noise := range noises {
		for n, want := range stated[name] {
			rng := rand.New(rand.NewPCG(uint64(n), 77))
			covered := 0
			for range runs {
				logs := make([]float64, n)
				for i := range logs {
					logs[i] = effect + 0.05*noise(rng, i, n)
				}
				c, err := stats.Compare(pairOf(t, logs))
				require.NoError(t, err)
				if c.Lo <= math.Exp(effect) && math.Exp(effect) <= c.Hi {
					covered++
				}
			}
			got := float64(covered) / runs
			t.Logf("%-8s n=%-2d %.3f", name, n, got)
			require.InDelta(t, want, got, 0.03, "%s, n=%d", name, n)
		}
	}
}

// TestAA compares a variant with itself: at most 5 % of the comparisons may be
// called different, and after Holm's correction at most 5 % of the tables. Both
// arms have the same noise, so that their ratio's is symmetric.
func TestAA(t *testing.T) {
	const runs, table = 300, 12
	// Four standard errors over 5 %: of runs x table single comparisons, of
	// runs tables.
	limit := func(n float64) float64 { return 0.05 + 4*math.Sqrt(0.05*0.95/n) }
	for _, name := range []string{"normal", "skewed", "heavy"} {
		noise := noises[name]
		rng := rand.New(rand.NewPCG(3, 141))
		single, tables := 0, 0
		for range runs {
			var family []*stats.Comparison
			for range table {
				logs := make([]float64, 10)
				for i := range logs {
					logs[i] = 0.05 * (noise(rng, i, 10) - noise(rng, i, 10))
				}
				c, err := stats.Compare(pairOf(t, logs))
				require.NoError(t, err)
				if c.Different() {
					single++
				}
				family = append(family, &c)
			}
			require.Empty(t, stats.Correct(family))
			for _, c := range family {
				if c.Different() {
					tables++
					break
				}
			}
		}
		t.Logf("%-8s %d of %d comparisons, %d of %d tables", name, single, runs*table, tables, runs)
		require.Less(t, float64(single)/(runs*table), limit(runs*table), name)
		require.Less(t, float64(tables)/runs, limit(runs), name)
	}
}
