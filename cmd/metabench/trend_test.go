package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/gate"
)

func TestTrend(t *testing.T) {
	dir := t.TempDir()
	history, out := filepath.Join(dir, "history.jsonl"), filepath.Join(dir, "trend")
	for i := range 12 {
		require.NoError(t, gate.AppendHistory(history, gate.Entry{
			Schema: 1, Commit: "c0ffee", Machine: "here", Values: []gate.Value{{Gate: "allocs@put50", Unit: "allocations/op", Median: 70 + float64(i/6), Blocks: 24}},
		}))
	}
	var stdout bytes.Buffer
	require.NoError(t, run([]string{"trend", "--history", history, "--out", out}, &stdout, &bytes.Buffer{}))
	require.Contains(t, stdout.String(), "allocs@put50    12    71.0  allocations/op  0001-01-01  c0ffee")
	require.FileExists(t, filepath.Join(out, "trend.md"))
	require.FileExists(t, filepath.Join(out, "figures", "trend-allocs-put50.svg"))
	stdout.Reset()
	require.NoError(t, run([]string{"trend", "--history", history, "--format", "csv"}, &stdout, &bytes.Buffer{}))
	require.Contains(t, stdout.String(), "gate,runs,newest,unit,step,commit,subject,change,p\nallocs@put50,12,71,allocations/op,0001-01-01,c0ffee,")

	stdout.Reset()
	require.NoError(t, run([]string{"trend", "--history", history, "--last", "6"}, &stdout, &bytes.Buffer{}))
	require.Contains(t, stdout.String(), "allocs@put50     6    71.0  allocations/op  none")

	require.ErrorContains(t, run([]string{"trend", "--history", filepath.Join(dir, "none")}, &stdout, &bytes.Buffer{}), "`metabench gate --record` makes it")
	require.ErrorContains(t, run([]string{"trend", "--history", history, "--last", "-1"}, &stdout, &bytes.Buffer{}), "accepted: 0 for all runs")
}
