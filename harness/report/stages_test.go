package report_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

// TestStagesSection reports a run of the plan "stages": the traced cells of a
// synthetic run, and one of them again as arms with the trace on and off, which
// costs 5 % of the throughput.
func TestStagesSection(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 3, Blocks: 6, Level: "full", Samples: 200})
	m.Plan = "stages"
	source := m.Cells[len(m.Cells)-1]
	for _, arm := range []string{"a", "b"} {
		for _, every := range []string{"0", "16"} {
			c := source
			c.ID, c.Group, c.Options = "overhead/"+arm+every, "overhead", maps.Clone(source.Options)
			c.Options["arm"], c.Options["stage-sample"] = arm, every
			m.Cells = append(m.Cells, c)
			trials = append(trials, copies(trials, source.ID, c.ID, every)...)
		}
	}
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	got, err := report.Section(report.Input{Run: run, RunPath: "results/stages", Document: "EXPERIMENTS.md", Section: "stages"})
	require.NoError(t, err)
	for _, want := range []string{
		"### Where a write spends its time", "### The plan's layers of a baseline write", "### What tracing costs",
		"memory propose=batch codec=protobuf apply=batch rpc=tuned", "no: at least", "shown",
	} {
		require.Contains(t, got, want)
	}
	require.NotContains(t, got, "### All cells")
	require.NotContains(t, got, "overhead/")
}

// copies are the trials of a cell under another id; traced ones have 5 % fewer
// operations, at the same CPU time in all.
func copies(trials []record.Trial, from, to, every string) []record.Trial {
	var out []record.Trial
	for _, t := range trials {
		if t.Cell != from {
			continue
		}
		t.Cell = to
		t.Ops = append([]record.OpStats{}, t.Ops...)
		if every != "0" {
			t.Ops[0].Count = t.Ops[0].Count * 95 / 100
		}
		out = append(out, t)
	}
	return out
}
