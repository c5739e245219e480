package stats_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/stats"
)

func TestHolm(t *testing.T) {
	p := []float64{0.04, 0.001, 0.02, 0.5, 0.01}
	// By rank: 5 x 0.001, 4 x 0.01, 3 x 0.02, 2 x 0.04, 1 x 0.5.
	require.InDeltaSlice(t, []float64{0.08, 0.005, 0.06, 0.5, 0.04}, stats.Holm(p), 1e-12)
	require.Equal(t, []float64{0.04, 0.001, 0.02, 0.5, 0.01}, p, "the argument is kept")
	// 2 x 0.03 is 0.06, so 0.04 cannot be less; 1 is the most.
	require.InDeltaSlice(t, []float64{0.06, 0.06}, stats.Holm([]float64{0.04, 0.03}), 1e-12)
	require.Equal(t, []float64{1, 1}, stats.Holm([]float64{0.9, 0.8}))
	require.Empty(t, stats.Holm(nil))
	// A comparison without a test stays one and does not count.
	got := stats.Holm([]float64{0.01, math.NaN(), 0.03})
	require.True(t, math.IsNaN(got[1]))
	require.InDeltaSlice(t, []float64{0.02, 0.03}, []float64{got[0], got[2]}, 1e-12)
}
