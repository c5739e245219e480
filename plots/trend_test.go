package plots_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/gate"
	"metastorebench/plots"
)

func TestTrend(t *testing.T) {
	var history []gate.Entry
	for i := range 12 {
		history = append(history, gate.Entry{Machine: "here", Values: []gate.Value{{Gate: "allocs_per_op@put50", Unit: "allocations/op", Median: 70 + float64(i/6), Blocks: 24}}})
	}
	trend, err := gate.NewTrend(history, 0)
	require.NoError(t, err)
	f, err := plots.Trend(trend, trend.Series[0])
	require.NoError(t, err)
	require.Contains(t, f.Caption, "on here")
	svg, err := f.Render("svg")
	require.NoError(t, err)
	for _, text := range []string{"Trend: allocs_per_op@put50, n=12 runs, steps: 1", "allocations/op", "median between steps", "one run"} {
		require.Contains(t, string(svg), text)
	}
	_, err = plots.Trend(trend, gate.Series{})
	require.ErrorIs(t, err, plots.ErrNoData)
}
