package report_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/claims"
	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

// ledgerOf reports a run and returns its ledger: the headline rows and those of
// every environment, by claim, each as its cells.
func ledgerOf(t *testing.T, m record.Manifest, trials []record.Trial) (headline map[string][]string, every map[string][][]string) {
	t.Helper()
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	s, err := report.LedgerTables(report.Input{Run: run, RunPath: "results/reference/phase1"})
	require.NoError(t, err)
	head, rest, found := strings.Cut(s, "#### Every environment\n")
	require.True(t, found)
	headline, every = map[string][]string{}, map[string][][]string{}
	for _, row := range tableRows(head) {
		require.NotContains(t, headline, row[0], "a claim has one headline")
		headline[row[0]] = row
	}
	for _, row := range tableRows(rest) {
		every[row[0]] = append(every[row[0]], row)
	}
	return headline, every
}

// tableRows are the cells of the rows below a Markdown table's rule.
func tableRows(text string) [][]string {
	var rows [][]string
	_, body, _ := strings.Cut(text, "|--")
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

// Columns of the headline table and of that of every environment.
const (
	headMeasured, headEnvironment, headVerdict, headWhy   = 3, 5, 6, 7
	everyEnvironment, everyVerdict, everyWhy, everyRecord = 1, 5, 6, 7
)

func TestLedgerHasEveryClaimOnce(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 3, Blocks: 6, Level: "full", Samples: 50})
	headline, every := ledgerOf(t, m, trials)
	require.Len(t, headline, len(claims.All()))
	for _, c := range claims.All() {
		row := headline[c.ID]
		require.NotNil(t, row, c.ID)
		require.Contains(t, infer.All(), infer.Verdict(row[headVerdict]), c.ID)
		require.NotEmpty(t, row[headWhy], c.ID)
		if row[headEnvironment] != "n/a" {
			require.NotEmpty(t, every[c.ID], c.ID)
			require.Equal(t, row[headEnvironment], every[c.ID][0][everyEnvironment], "%s: the headline comes first", c.ID)
		}
	}
}

// TestLedgerOnAKnownSystem reads verdicts off statstest's model: batching makes
// 20 times on the slow disk and about 3 on the fast one, tuned gRPC 5 % at most,
// a single client has nothing to batch.
func TestLedgerOnAKnownSystem(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 4, Blocks: 8, Level: "full", Samples: 50})
	headline, every := ledgerOf(t, m, trials)
	is := func(id string, want infer.Verdict, why string) {
		t.Helper()
		require.Equal(t, string(want), headline[id][headVerdict], headline[id])
		require.Contains(t, headline[id][headWhy], why)
	}
	is("T1", infer.Partly, "lies below 20,000, but in the predicted direction")
	is("T2", infer.Confirmed, "is at least 25,000")
	is("T5", infer.NotMeasurable, "does not say how many keys")
	is("T6", infer.NotYet, "no cells that bear on it")
	is("T7", infer.Confirmed, "0 of ")
	is("P1.1", infer.Partly, "lies above 6 to 11; trap: one sync per Ready without batched proposals makes")
	is("P1.4", infer.Refuted, "no effect")
	is("P2.1", infer.NotYet, "phase 2")
	is("P2.4", infer.NotYet, "phase 2")
	is("M1", infer.Partly, "lies above 6")
	is("M3", infer.Confirmed, "more than any other item")
	require.Equal(t, "memory, put50, 50 clients, plan disk", headline["P1.1"][headEnvironment])
	require.Equal(t, "rocksdb, put50, 50 clients, native disk", headline["T2"][headEnvironment])

	verdicts := map[string]string{}
	for _, row := range every["P1.1"] {
		verdicts[row[everyEnvironment]] = row[everyVerdict] + ": " + row[everyWhy]
	}
	require.Contains(t, verdicts["memory, put50, 50 clients, native disk"], "partly: the predicted sign, but")
	require.Contains(t, verdicts["memory, put1, 1 client, native disk"], "refuted: no effect")
	require.Equal(t, "`ladder/memory/put50/plan/perentry/batch-json-perop-default`, `ladder/memory/put50/plan/perentry/perop-json-perop-default`", every["P1.1"][0][everyRecord])
}

func TestLedgerWithoutEnoughBlocks(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 4, Blocks: 2, Level: "default", Samples: 50})
	trials = slices.DeleteFunc(trials, func(tr record.Trial) bool { return tr.Stages != nil })
	headline, _ := ledgerOf(t, m, trials)
	require.Equal(t, string(infer.NotYet), headline["B1"][headVerdict])
	require.Equal(t, "no cell of this run traced its stages", headline["B1"][headWhy])
	for _, id := range []string{"T1", "T4", "P1.1", "P1.2", "M1", "M3"} {
		require.Equal(t, string(infer.Inconclusive), headline[id][headVerdict], id)
		require.Contains(t, headline[id][headWhy], "n=2, 3 or more blocks are needed", id)
	}
}

func TestLedgerWithoutAnEngine(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 4, Blocks: 6, Level: "full", Samples: 20})
	var kept []record.Trial
	for _, tr := range trials {
		if !strings.Contains(tr.Cell, "/rocksdb/") {
			kept = append(kept, tr)
		}
	}
	for _, c := range m.Cells {
		if c.Options["engine"] == "rocksdb" {
			m.Skipped = append(m.Skipped, record.Skipped{Cell: c.ID, Reason: "no RocksDB in this build."})
		}
	}
	headline, _ := ledgerOf(t, m, kept)
	require.Equal(t, string(infer.NotMeasurable), headline["T2"][headVerdict])
	require.Equal(t, "no RocksDB in this build", headline["T2"][headWhy])
	require.Equal(t, "n/a", headline["T2"][headMeasured])
}

// TestLedgerOfLayers plants stage times: 60 % of a put in append, next to
// nothing in encode and apply.
func TestLedgerOfLayers(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 4, Blocks: 6, Level: "full", Samples: 100})
	planted := 0
	for i := range trials {
		tr := &trials[i]
		if tr.Stages == nil {
			continue
		}
		mean, ok := stats.WriteTime(tr)
		require.True(t, ok)
		part := func(share float64) int64 { return int64(100 * share * mean) }
		tr.Stages = &record.Stages{SampleEvery: 1, Samples: 100, TotalNS: part(0.9), SumNS: map[string]int64{
			record.StageDecode: part(0.1), record.StageEncode: part(0.001), record.StageQueue: part(0.09), record.StageAppend: part(0.6),
			record.StageCommit: part(0.005), record.StageApply: part(0.002), record.StageReply: part(0.102),
		}}
		planted++
	}
	require.NotZero(t, planted)
	headline, every := ledgerOf(t, m, trials)
	for id, want := range map[string]string{
		"B1": "confirmed", // 60 % of 50 to 70
		"B2": "refuted",   // 0.1 to 0.3 % of 15 to 20
		"B3": "refuted",   // at most 0.2 % of 5 to 15
		"B4": "partly",    // 20.2 to 30.2 % of 10 to 15
	} {
		for _, row := range every[id] {
			require.Equal(t, want, row[everyVerdict], row)
		}
		require.Equal(t, want, headline[id][headVerdict], headline[id])
	}
	require.Contains(t, headline["B1"][headMeasured], "60.0 [60.0, 60.0] %")
}

// TestRemadeByteForByte makes the document, the figures and the summary of one
// run twice: where it was, and from a copy elsewhere in another time zone and
// locale, its records in another order.
func TestRemadeByteForByte(t *testing.T) {
	o := runDir(t, "default")
	var first strings.Builder
	o.Summary = &first
	require.NoError(t, report.Generate(o))
	again, err := report.Summarize(o.RunDir)
	require.NoError(t, err)
	require.Equal(t, first.String(), again)
	require.Contains(t, again, "CLAIMS LEDGER")

	copied := filepath.Join(t.TempDir(), "deeper", "down")
	require.NoError(t, os.CopyFS(copied, os.DirFS(filepath.Dir(o.ExperimentsPath))))
	o2 := report.Options{RunDir: filepath.Join(copied, "results", "phase1"), ExperimentsPath: filepath.Join(copied, "EXPERIMENTS.md"), Section: o.Section}
	require.NoError(t, report.Check(o2))
	require.NoError(t, os.RemoveAll(filepath.Join(o2.RunDir, report.FiguresDir)))
	require.NoError(t, os.WriteFile(o2.ExperimentsPath, []byte(skeleton), 0o644))
	shuffleRecords(t, o2.RunDir)
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	t.Setenv("LANG", "tr_TR.UTF-8")
	local := time.Local
	defer func() { time.Local = local }()
	time.Local = time.FixedZone("UTC+13", 13*60*60)
	var second strings.Builder
	o2.Summary = &second
	require.NoError(t, report.Generate(o2))

	require.Equal(t, first.String(), second.String())
	same := func(a, b string) {
		want, err := os.ReadFile(a)
		require.NoError(t, err)
		got, err := os.ReadFile(b)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), b)
	}
	same(o.ExperimentsPath, o2.ExperimentsPath)
	figures, err := os.ReadDir(filepath.Join(o.RunDir, report.FiguresDir))
	require.NoError(t, err)
	require.NotEmpty(t, figures)
	for _, f := range figures {
		same(filepath.Join(o.RunDir, report.FiguresDir, f.Name()), filepath.Join(o2.RunDir, report.FiguresDir, f.Name()))
	}
}

// shuffleRecords reorders the lines of a run's records.
func shuffleRecords(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "records.jsonl")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
	lines[len(lines)-1] += "\n"
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "")), 0o644))
}

// TestCheckSeesEveryByte changes single bytes all over the section.
func TestCheckSeesEveryByte(t *testing.T) {
	o := runDir(t, "default")
	require.NoError(t, report.Generate(o))
	doc, err := os.ReadFile(o.ExperimentsPath)
	require.NoError(t, err)
	body, err := report.Extract(string(doc), o.Section)
	require.NoError(t, err)
	from := strings.Index(string(doc), body)
	require.Positive(t, from)
	for i := range 5 {
		at := from + i*(len(body)-1)/4
		changed := []byte(string(doc))
		changed[at] ^= 1
		require.NoError(t, os.WriteFile(o.ExperimentsPath, changed, 0o644))
		require.ErrorIs(t, report.Check(o), report.ErrStale, "byte %d of %d", at-from, len(body))
	}
	require.NoError(t, os.WriteFile(o.ExperimentsPath, doc, 0o644))
	require.NoError(t, report.Check(o))
}

func TestSmokeSummaryHasNoVerdicts(t *testing.T) {
	o := runDir(t, "smoke")
	text, err := report.Summarize(o.RunDir)
	require.NoError(t, err)
	require.Equal(t, "A smoke run compares nothing: no attribution and no verdicts.\n", text)
}
