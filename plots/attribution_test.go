package plots_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/fraction"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
	"metastorebench/plots"
)

// fractionStratum is a synthetic fraction of six factors.
func fractionStratum(t *testing.T, resolution int) *stats.Stratum {
	t.Helper()
	m, trials := statstest.Fraction(statstest.Config{Seed: 7, Blocks: 3, Level: "full", Samples: 50}, resolution)
	r, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	factors, err := r.Factors()
	require.NoError(t, err)
	return r.Study(factors)[0]
}

func svg(t *testing.T, f *plots.Figure) string {
	t.Helper()
	b, err := f.Render("svg")
	require.NoError(t, err)
	if *keep != "" {
		require.NoError(t, f.Save(*keep))
	}
	return string(b)
}

func TestFiguresOfAFraction(t *testing.T) {
	s := fractionStratum(t, fraction.ResolutionV)
	f, err := plots.Waterfall(s)
	require.NoError(t, err)
	require.Contains(t, f.Caption, "a fraction of 32 of 64 settings")
	drawn := svg(t, f)
	for _, want := range []string{"P2.1 wal", "E engine", "not in the model", "95 % interval", "n=3"} {
		require.Contains(t, drawn, want)
	}
	f, err = plots.Interactions(s)
	require.NoError(t, err)
	drawn = svg(t, f)
	for _, want := range []string{"P1.1 propose", "E engine", "help each other"} {
		require.Contains(t, drawn, want)
	}
}

func TestAliasedPairsHaveNoFigure(t *testing.T) {
	s := fractionStratum(t, fraction.ResolutionIV)
	_, err := plots.Interactions(s)
	require.ErrorIs(t, err, plots.ErrNoData)
	f, err := plots.Waterfall(s)
	require.NoError(t, err, "main effects are clear of pairs")
	require.Contains(t, f.Caption, "a fraction of 16 of 64 settings")
}

func TestOpenLoopHasNoAttribution(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 1, Blocks: 2, Level: "full", Samples: 10})
	for i := range trials {
		trials[i].Workload.Loop = record.LoopOpen
	}
	r, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	for _, draw := range []func(*stats.Stratum) (*plots.Figure, error){plots.Waterfall, plots.Interactions} {
		_, err := draw(r.Study(stats.Factors(1))[0])
		require.ErrorIs(t, err, plots.ErrNoData)
	}
}
