package report_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/fraction"
	"metastorebench/harness/report"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

// fractionSection reports a synthetic run of a fraction of six factors.
func fractionSection(t *testing.T, resolution int) string {
	t.Helper()
	m, trials := statstest.Fraction(statstest.Config{Seed: 3, Blocks: 4, Level: "default", Samples: 1200}, resolution)
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	s, err := report.Section(report.Input{Run: run, RunPath: "results/six", Document: "EXPERIMENTS.md", Section: "six"})
	require.NoError(t, err)
	return s
}

func TestFractionStatesItsAliases(t *testing.T) {
	s := fractionSection(t, fraction.ResolutionV)
	for _, want := range []string{
		"2^(6-1) fractional factorial of resolution VI: 32 of 64 settings", "defining relation: I = ABCDEF", "A = P1.1 propose",
		"A = BCDEF", "AB = CDEF", "effects of three or more items are taken to be nil", "| measured / model", "p99 service time",
		"| propose x codec ", "closed loop", "n=4",
	} {
		require.Contains(t, strings.ReplaceAll(s, "Closed loop", "closed loop"), want)
	}
	require.NotContains(t, s, "NaN")

	s = fractionSection(t, fraction.ResolutionIV)
	for _, want := range []string{"resolution IV: 16 of 64", "AB = CE", "propose x codec, apply x wal"} {
		require.Contains(t, s, want)
	}
}

func TestDamagedPlanIsRefused(t *testing.T) {
	m, trials := statstest.Fraction(statstest.Config{Seed: 3, Blocks: 1, Level: "default", Samples: 20}, fraction.ResolutionIV)
	m.PlanYAML = "factors: {"
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	_, err = report.Section(report.Input{Run: run})
	require.ErrorIs(t, err, stats.ErrPlan)
}
