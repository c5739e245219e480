package usl

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

var clients = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}

// measure draws blocks of points from a curve, with log-normal noise of each
// point and of each block.
func measure(rng *rand.Rand, c Curve, blocks int, noise float64) []Point {
	var points []Point
	for b := range blocks {
		shared := noise / 2 * rng.NormFloat64()
		for _, n := range clients {
			points = append(points, Point{Block: b, N: n, X: c.At(n) * math.Exp(shared+noise*rng.NormFloat64())})
		}
	}
	return points
}

func TestKnownCoefficientsAreRecovered(t *testing.T) {
	for name, c := range map[string]Curve{
		"linear":     {Lambda: 900},
		"amdahl":     {Lambda: 1000, Sigma: 0.05},
		"coherency":  {Lambda: 3000, Sigma: 0.02, Kappa: 2e-4},
		"serial":     {Lambda: 250, Sigma: 0.9},
		"retrograde": {Lambda: 5000, Sigma: 0.3, Kappa: 0.01},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := FitPoints(measure(rand.New(rand.NewPCG(1, 2)), c, 3, 0))
			require.NoError(t, err)
			require.InEpsilon(t, c.Lambda, f.Lambda, 1e-3)
			require.InDelta(t, c.Sigma, f.Sigma, 1e-3*max(c.Sigma, 0.01))
			require.InDelta(t, c.Kappa, f.Kappa, 1e-3*max(c.Kappa, 1e-3))
			require.InDelta(t, 1, f.R2, 1e-6)
			for _, r := range f.Residuals {
				require.InDelta(t, 0, r.Relative, 1e-3)
			}
			require.True(t, f.Bounded)
			require.InDelta(t, f.Sigma, f.SigmaIn.Lo, 1e-6, "without noise the interval is a point")
			require.InDelta(t, f.Sigma, f.SigmaIn.Hi, 1e-6)
			n, claimed := f.Peak()
			require.Equal(t, c.Kappa > 0, claimed)
			if claimed {
				require.InEpsilon(t, c.peak(), n, 1e-3)
			}
		})
	}
}

func TestPeakIsClaimedOnlyWhereKappaIsClearOfZero(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	bent, err := FitPoints(measure(rng, Curve{Lambda: 3000, Sigma: 0.02, Kappa: 2e-4}, 8, 0.05))
	require.NoError(t, err)
	peak, claimed := bent.Peak()
	require.True(t, claimed)
	require.InEpsilon(t, 70, peak, 0.15) // sqrt(0.98/2e-4)
	require.False(t, bent.Extrapolated())
	require.LessOrEqual(t, bent.PeakIn.Lo, peak)
	require.GreaterOrEqual(t, bent.PeakIn.Hi, peak)

	flat, err := FitPoints(measure(rng, Curve{Lambda: 3000, Sigma: 0.05}, 8, 0.05))
	require.NoError(t, err)
	require.True(t, flat.Bounded)
	_, claimed = flat.Peak()
	require.False(t, claimed, "kappa %v in %v", flat.Kappa, flat.KappaIn)
}

func TestMisfitShowsInResiduals(t *testing.T) {
	var points []Point
	for _, n := range clients { // batching: throughput per client grows, then saturates
		points = append(points, Point{N: n, X: min(300*math.Pow(n, 1.2), 40_000)})
	}
	f, err := FitPoints(points)
	require.NoError(t, err)
	worst := 0.0
	for _, r := range f.Residuals {
		worst = max(worst, math.Abs(r.Relative))
	}
	require.Greater(t, worst, 0.1)
	require.Less(t, f.R2, 1.0)
}

func TestRefusals(t *testing.T) {
	for name, points := range map[string][]Point{
		"nothing":        nil,
		"three sizes":    {{0, 1, 10}, {0, 2, 20}, {0, 4, 30}, {1, 4, 30}},
		"no clients":     {{0, 0, 10}, {0, 1, 10}, {0, 2, 20}, {0, 4, 30}},
		"no throughput":  {{0, 1, 0}, {0, 2, 20}, {0, 4, 30}, {0, 8, 30}},
		"not a number":   {{0, 1, math.NaN()}, {0, 2, 20}, {0, 4, 30}, {0, 8, 30}},
		"no upper bound": {{0, math.Inf(1), 5}, {0, 2, 20}, {0, 4, 30}, {0, 8, 30}},
	} {
		_, err := FitPoints(points)
		require.ErrorIs(t, err, ErrPoints, name)
	}
}
