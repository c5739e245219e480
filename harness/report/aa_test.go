package report_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/report"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

// aaSection reports a synthetic A/A run whose second arm is faster by gain.
func aaSection(t *testing.T, blocks int, gain float64) string {
	t.Helper()
	m, trials := statstest.AA(statstest.Config{Seed: 11, Blocks: blocks, Level: "full", Samples: 1200}, gain)
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	s, err := report.Section(report.Input{Run: run, RunPath: "results/reference/aa", Document: "EXPERIMENTS.md", Section: "aa"})
	require.NoError(t, err)
	return s
}

func TestAAGolden(t *testing.T) {
	got := aaSection(t, 63, 1)
	path := filepath.Join("testdata", "aa.md")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "rewrite with -update if the change is meant")
	require.Contains(t, got, "6 runs of 10 blocks each")
	require.Contains(t, got, "3 blocks left over")
	require.Contains(t, got, "at most 5 %")
}

// TestAAShowsADifference: a harness that finds differences between copies must
// say so.
func TestAAShowsADifference(t *testing.T) {
	got := aaSection(t, 30, 1.3)
	require.Contains(t, got, "| put throughput   |           6 |                6 |")
	require.Contains(t, got, "Runs with one such comparison or more: 3 of 3, 100 [29.2, 100] %; more than 5 %, beyond chance.")
}

func TestAAOfTooFewBlocks(t *testing.T) {
	require.Contains(t, aaSection(t, 9, 1), "No A/A run: 9 blocks, one run takes 10.")
}
