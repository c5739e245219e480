package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/claims"
	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

func TestGoldenPhase3(t *testing.T) {
	m, trials := statstest.Phase3(statstest.Config{Seed: 5, Blocks: 6, Level: "full", Samples: 150})
	goldenSection(t, "phase3.md", sectionOf(t, m, trials))
}

func TestGoldenPipelining(t *testing.T) {
	m, trials := statstest.Pipelining(statstest.Config{Seed: 5, Blocks: 6, Level: "full", Samples: 150})
	goldenSection(t, "pipelining.md", sectionOf(t, m, trials))
}

func TestGoldenLadder(t *testing.T) {
	m, trials := statstest.Ladder(statstest.Config{Seed: 5, Blocks: 6, Level: "full", Samples: 150})
	goldenSection(t, "ladder.md", sectionOf(t, m, trials))
}

// TestPhase3OnAKnownSystem reads verdicts off statstest's model: a pool of
// connections makes 1.3, zero-copy 1.2, hybrid 1.1, pipelining nothing.
func TestPhase3OnAKnownSystem(t *testing.T) {
	m, trials := statstest.Phase3(statstest.Config{Seed: 6, Blocks: 8, Level: "full", Samples: 150})
	headline, every := ledgerOf(t, m, trials)
	is := func(id string, want infer.Verdict, environment string) {
		t.Helper()
		require.Equal(t, string(want), headline[id][headVerdict], headline[id])
		require.Equal(t, environment, headline[id][headEnvironment], id)
	}
	is("P3.1", infer.Refuted, "memory, 3 members, put50, 50 clients, native disk")
	is("P3.2", infer.Partly, "memory, put50, 50 clients, plan disk")
	is("P3.3", infer.Partly, "memory, put50, 50 clients, plan disk")
	is("P3.4", infer.Confirmed, "memory, put50, 50 clients, plan disk")
	require.Contains(t, headline["P3.4"][1], "codec=wire, pool=on", "two axes are one item")
	require.Contains(t, headline["T6"][headEnvironment], "put50 by batch")
	for _, row := range every["T1"] {
		require.NotContains(t, row[everyEnvironment], "by batch", "the batch API is a target of its own")
	}
	require.NotEqual(t, string(infer.NotYet), headline["T8"][headVerdict], "phase 3 is when it is due")
	gets := 0
	for _, row := range every["P3.2"] {
		gets += strings.Count(row[everyEnvironment], "read50")
	}
	require.Equal(t, 1, gets, "an index is for gets too")
}

// TestLadderOnAKnownSystem: each phase has a verdict of its own, and the layers say
// what M2 and M3 ask.
func TestLadderOnAKnownSystem(t *testing.T) {
	m, trials := statstest.Ladder(statstest.Config{Seed: 6, Blocks: 6, Level: "full", Samples: 1500})
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	s, err := report.LedgerTables(report.Input{Run: run, RunPath: "results/reference/ladder"})
	require.NoError(t, err)
	head, rest, _ := strings.Cut(s, "#### Every environment\n")
	rows := map[string][]string{} // quantities by claim
	for _, row := range tableRows(head) {
		rows[row[0]] = append(rows[row[0]], row[1])
	}
	for id, n := range map[string]int{"T1": 3, "T2": 3, "T3": 3, "T4": 3, "T5": 3, "T6": 3, "T7": 3, "T8": 1, "M1": 3, "M2": 1, "M3": 1, "M4": 1} {
		require.Len(t, rows[id], n, id)
	}
	require.Equal(t, "phase 2: put throughput / phase 1", rows["M1"][1])
	require.NotContains(t, rows, "P1.1", "no item is switched on alone")
	for _, row := range tableRows(rest) {
		if row[0] == "M3" {
			require.Contains(t, row[everyWhy], "consensus alone makes")
		}
		if row[0] == "M2" && strings.HasPrefix(row[everyEnvironment], "memory") {
			require.Contains(t, row[everyWhy], "alone they multiply to")
		}
	}
}

// TestPipeliningWhereItPays: the model lets pipelining pay with links that have a
// delay and proposals of one operation, and nowhere else.
func TestPipeliningWhereItPays(t *testing.T) {
	m, trials := statstest.Pipelining(statstest.Config{Seed: 6, Blocks: 8, Level: "full", Samples: 50})
	_, table, found := strings.Cut(sectionOf(t, m, trials), "### Does pipelining add to batching?\n")
	require.True(t, found)
	table, mechanism, _ := strings.Cut(table, "### ")
	rows := tableRows(table)
	require.Len(t, rows, 9)
	for _, row := range rows {
		pays := row[1] == "10ms"
		require.Equal(t, pays, strings.HasSuffix(row[5], "]"), "alone: %v", row)
		require.False(t, strings.HasSuffix(row[7], "]"), "on top of batching: %v", row)
	}
	for _, row := range tableRows(strings.Split(mechanism, "### ")[0]) {
		if row[0] == "1" {
			require.Equal(t, []string{"n/a / n/a", "n/a / n/a"}, row[6:8], "a single member sends nothing")
		} else {
			require.Equal(t, []string{"2.00 / 1.00", "1.00 / 5.00"}, row[6:8], "entries/append and appends in flight, off / on")
		}
	}
}

// TestOverallLedger makes the section of all claims from the runs of four plans.
func TestOverallLedger(t *testing.T) {
	root := t.TempDir()
	doc := filepath.Join(root, "EXPERIMENTS.md")
	require.NoError(t, os.WriteFile(doc, []byte(skeleton), 0o644))
	o := report.Options{RunDir: filepath.Join(root, "reference"), ExperimentsPath: doc, Section: report.SectionLedger}
	require.ErrorIs(t, report.Generate(o), os.ErrNotExist)

	config := statstest.Config{Seed: 5, Blocks: 6, Level: "full", Samples: 100}
	for _, made := range []func(statstest.Config) (record.Manifest, []record.Trial){statstest.Phase1, statstest.Phase2, statstest.Phase3, statstest.Ladder} {
		m, trials := made(config)
		dir := filepath.Join(o.RunDir, m.Plan)
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, record.WriteManifest(dir, m))
		log, _, err := record.OpenLog(dir)
		require.NoError(t, err)
		for _, tr := range trials {
			require.NoError(t, log.Append(tr))
		}
		require.NoError(t, log.Close())
	}
	require.NoError(t, report.Generate(o))
	require.NoError(t, report.Check(o))
	text, err := os.ReadFile(doc)
	require.NoError(t, err)
	rows := map[string][][]string{}
	for _, row := range tableRows(string(text[strings.Index(string(text), "begin "+report.SectionLedger):])) {
		rows[row[0]] = append(rows[row[0]], row)
	}
	const run, found = 6, 8
	require.Len(t, rows, len(claims.All()))
	for _, c := range claims.All() {
		require.Contains(t, infer.All(), infer.Verdict(rows[c.ID][0][found]), c.ID)
	}
	for id, from := range map[string]string{"P1.1": "phase1, full", "P2.1": "phase2, full", "P3.4": "phase3, full", "T1": "ladder, full", "M2": "ladder, full", "M4": "phase2, full", "B1": "phase1, full"} {
		require.Equal(t, from, rows[id][0][run], id)
	}
}
