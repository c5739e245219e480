package plots_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/plots"
)

func TestPValues(t *testing.T) {
	f, err := plots.PValues("aa", "A/A", []float64{0.5, 0.01, 0.9, 0.9})
	require.NoError(t, err)
	require.Contains(t, f.Caption, "n=4")
	svg, err := f.Render("svg")
	require.NoError(t, err)
	for _, text := range []string{"A/A", "95 % band", "p = 0.05", "share of comparisons"} {
		require.Contains(t, string(svg), text)
	}
	_, err = plots.PValues("aa", "A/A", nil)
	require.ErrorIs(t, err, plots.ErrNoData)
}
