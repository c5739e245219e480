package report_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

// TestErrorRateLooksAtVoidTrials: a trial in which more fail than may is void. Such
// trials must refute the target all the same: if half of them are, and if all are.
// One that ended before anything was counted must not confirm it.
func TestErrorRateLooksAtVoidTrials(t *testing.T) {
	half := func(tr *record.Trial) {
		tr.Void = "check errors failed: half of the operations"
		for i := range tr.Ops {
			o := &tr.Ops[i]
			o.Errors = map[string]int64{"Unavailable": o.Count / 2}
			o.Count -= o.Count / 2
		}
	}
	ended := func(tr *record.Trial) { tr.Void, tr.Ops = "the target ended by itself", nil }
	type made struct {
		manifest record.Manifest
		trials   []record.Trial
	}
	runs := map[string]made{}
	for name, of := range map[string]func(statstest.Config) (record.Manifest, []record.Trial){"phase1": statstest.Phase1, "ladder": statstest.Ladder} {
		m, trials := of(statstest.Config{Seed: 4, Blocks: 6, Level: "full", Samples: 2})
		other := func(cell string) bool {
			return !strings.Contains(cell, "ladder-memory/") && !strings.Contains(cell, "/memory/put50/native/")
		}
		m.Cells = slices.DeleteFunc(m.Cells, func(c record.Cell) bool { return other(c.ID) })
		trials = slices.DeleteFunc(trials, func(tr record.Trial) bool { return other(tr.Cell) || tr.Void != "" })
		runs[name] = made{m, trials}
	}
	for _, c := range []struct {
		name    string
		changed int // blocks
		change  func(*record.Trial)
		want    infer.Verdict
		why     string
	}{
		{"half of the trials fail half of their operations", 3, half, infer.Refuted, ", those of 3 void trials included; missed: "},
		{"all trials do", 6, half, infer.Refuted, ", those of 6 void trials included; missed: "},
		{"one trial has no count", 1, ended, infer.Inconclusive, "operations failed; 1 trial ended before operations were counted"},
		{"no trial has one", 6, ended, infer.Inconclusive, "6 trials ended before operations were counted"},
	} {
		for name, r := range runs {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				trials := slices.Clone(r.trials)
				for i := range trials {
					if trials[i].Block < c.changed {
						trials[i].Ops = slices.Clone(trials[i].Ops)
						c.change(&trials[i])
					}
				}
				run, err := stats.NewRun(r.manifest, trials)
				require.NoError(t, err)
				s, err := report.LedgerTables(report.Input{Run: run, RunPath: "results/reference/phase1"})
				require.NoError(t, err)
				_, rest, _ := strings.Cut(s, "#### Every environment\n")
				rows := slices.DeleteFunc(tableRows(rest), func(row []string) bool { return row[0] != "T7" })
				require.NotEmpty(t, rows)
				for _, row := range rows {
					require.Equal(t, string(c.want), row[everyVerdict], row)
					require.Contains(t, row[everyWhy], c.why)
				}
			})
		}
	}
}
