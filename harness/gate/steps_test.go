package gate

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// series makes a series of segments of n values each, around the levels.
func series(rng *rand.Rand, n int, sd float64, levels ...float64) []float64 {
	var v []float64
	for _, level := range levels {
		for range n {
			v = append(v, level+sd*rng.NormFloat64())
		}
	}
	return v
}

func TestStepsAreFoundWhereTheyAre(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	steps := Steps(series(rng, 20, 0.5, 70, 73, 69), 1)
	require.Len(t, steps, 2)
	require.Equal(t, 20, steps[0].At)
	require.Equal(t, 40, steps[1].At)
	require.InDelta(t, 70, steps[0].Before, 0.5)
	require.InDelta(t, 73, steps[0].After, 0.5)
	require.InDelta(t, 69, steps[1].After, 0.5)
	require.LessOrEqual(t, steps[0].P, stepLevel)

	// A count without noise, and one bad run, which is no step.
	counts := []float64{1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2}
	steps = Steps(counts, 1)
	require.Len(t, steps, 1)
	require.Equal(t, Step{At: 6, P: steps[0].P, Before: 1, After: 2}, steps[0])
	require.Empty(t, Steps([]float64{5, 5, 5, 5, 5, 9, 5, 5, 5, 5, 5, 5}, 1))
}

// TestStepsAreRareInNoise counts steps in series without any, against the level.
func TestStepsAreRareInNoise(t *testing.T) {
	const runs = 200
	rng := rand.New(rand.NewPCG(5, 5))
	found := 0
	for i := range runs {
		if len(Steps(series(rng, 24, 1, 100), uint64(i))) > 0 {
			found++
		}
	}
	require.LessOrEqual(t, found, 20, "5 %% of %d are 10; 20 has a chance of 0.1 %%", runs)
}

func TestStepsOfShortOrEqualSeries(t *testing.T) {
	require.Empty(t, Steps(nil, 1))
	require.Empty(t, Steps([]float64{1, 1, 1, 9, 9, 9, 9}, 1), "seven values have no two halves")
	require.Empty(t, Steps([]float64{3, 3, 3, 3, 3, 3, 3, 3, 3, 3}, 1))
}

// TestDistances compares the sums with those of the definition.
func TestDistances(t *testing.T) {
	v := []float64{3, -1, 4, 1.5, 9, 2.5}
	d := newDistances(v)
	abs := func(x float64) float64 { return max(x, -x) }
	for k := 0; k <= len(v); k++ {
		for end := k; end <= len(v); end++ {
			between, among := 0.0, 0.0
			for j := k; j < end; j++ {
				for i := range k {
					between += abs(v[i] - v[j])
				}
				for i := k; i < j; i++ {
					among += abs(v[i] - v[j])
				}
			}
			require.InDelta(t, between, d.between(k, end), 1e-9)
			require.InDelta(t, among, d.among(k, end), 1e-9)
		}
	}
}
