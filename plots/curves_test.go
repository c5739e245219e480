package plots_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/plots"
)

func TestCurves(t *testing.T) {
	text := plots.CurvesText{Name: "c", Title: "Time of a range", XLabel: "n (keys)", YLabel: "time (us)", Caption: "All of it."}
	line := func(name string) plots.Curve {
		return plots.Curve{Name: name, Points: []plots.CurvePoint{{X: 1e3, Y: 20, Lo: 18, Hi: 25}, {X: 1e6, Y: 2e4, Lo: 2e4, Hi: 2e4}}}
	}
	f, err := plots.Curves(text, []plots.Curve{line("hash"), line("btree"), {Name: "not measured"}})
	require.NoError(t, err)
	require.Equal(t, "c", f.Name)
	svg, err := f.Render("svg")
	require.NoError(t, err)
	for _, want := range []string{"Time of a range", "n (keys)", "time (us)", "hash", "btree", "1,000", "1,000,000", "20,000"} {
		require.Contains(t, string(svg), want)
	}
	require.NotContains(t, string(svg), "not measured", "a line without points has no entry in the legend")

	_, err = plots.Curves(text, []plots.Curve{{Name: "empty"}})
	require.ErrorIs(t, err, plots.ErrNoData)
	many := make([]plots.Curve, 9)
	for i := range many {
		many[i] = line("x")
	}
	_, err = plots.Curves(text, many)
	require.ErrorIs(t, err, plots.ErrNoData)
}
