package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Values that nearly all agree leave the bootstrap without a quantile.
func TestStudentizedOfValuesThatNearlyAgree(t *testing.T) {
	mean, half, p := studentized([]float64{0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, -0.16})
	require.InDelta(t, -0.0025, mean, 1e-9)
	require.InDelta(t, 0.0225*2.3646, half, 1e-4, "t(7) at 97.5 %, times the standard error")
	require.Greater(t, p, 0.9)

	_, half, p = studentized([]float64{1, 1, 1, 1, 1, 1, 1, 1.1})
	require.False(t, math.IsInf(half, 0))
	require.Less(t, p, 1e-6, "far from no effect, whatever the last one says")
}
