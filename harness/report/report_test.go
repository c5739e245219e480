package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/facts"
	"metastorebench/harness/record"
	"metastorebench/harness/stats/statstest"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func num(v float64) *facts.Number { n := facts.Number(v); return &n }

// tiny is a document with one of everything.
func tiny() *facts.Document {
	ratio := func(id int, text, word string) *facts.Fact {
		return &facts.Fact{ID: id, Kind: facts.Ratio, Metric: "throughput", Op: "put", Value: 2, Lo: num(1.5), Hi: num(2.5), N: 6, Word: word, Text: text}
	}
	return &facts.Document{
		Schema: facts.Schema,
		Run: facts.Run{
			Plan: "tiny", Title: "Tiny: one item", Level: "default", Command: "metabench run tiny", Started: "2026-01-02T03:04:05Z", Seed: 7, Blocks: 6, Trials: 1812,
			Voids:   []facts.Void{{Cell: "memory/put1", Block: 2, Reason: "answers: 1 was wrong"}},
			Skipped: []facts.Skip{{Cell: "rocksdb/put1", Reason: "no engine rocksdb in this build"}, {Cell: "rocksdb/put2", Reason: "no engine rocksdb in this build"}},
			Env:     record.Environment{OS: "linux", Kernel: "6.1", CPUs: 2, CPUModel: "a processor", Filesystem: "ext4", SyncLatencyP50NS: 123456, GoVersion: "go1.26"},
			Checks:  map[string]map[string]int{"answers": {"ok": 1811, "failed": 1}, "stop": {"ok": 1812}},
			Commit:  "0123456789ab", Dirty: true,
		},
		Answer: []string{"All items make 2.00 [1.50, 2.50] times the puts."},
		Axes:   []facts.Axis{{Name: "disk", Values: []string{"native", "plan"}}},
		Cells: []facts.Cell{
			{ID: "memory/put1", Blocks: 5, Bound: "device", Properties: map[string]string{"disk": "plan"}, Warnings: []string{"drift: it fell"}},
			{ID: "memory/put2", Blocks: 6, Properties: map[string]string{"disk": "plan"}},
		},
		Facts: []*facts.Fact{
			ratio(1, "2.00 [1.50, 2.50]", "different"), ratio(2, "1.01 [0.900, 1.12] ? 1.15", "unresolved"),
			{ID: 3, Kind: facts.Level, Metric: "throughput", Unit: "ops/s", Value: 12345, N: 6, Text: "12,300"},
		},
		Views: []facts.View{
			{ID: "items", Kind: "attribution", Title: "What each item brings", Doc: "Two items.", Notes: []string{"Nothing is missing."},
				Tables: []facts.Table{{ID: "memory", Title: "memory", Caption: "Ratios.",
					Columns: []facts.Column{{Key: "item", Title: "item", Text: true}, {Key: "engine", Title: "engine", Text: true}, {Key: "shapley", Title: "Shapley"}},
					Rows: []facts.Row{
						{Key: "X1", Cells: []facts.Value{{Text: "X1 a|b"}, {Text: "memory"}, {Fact: 1}}},
						{Key: "X2", Cells: []facts.Value{{Text: "X2"}, {Text: "memory"}, {Text: "n/a"}}},
					}, Notes: []string{"A note."}}},
				Figures: []facts.Figure{{ID: "items-memory", Kind: facts.FigureBars, Title: "Items", Caption: "Each item.", X: facts.Scale{Categories: []string{"X1"}},
					Y: facts.Scale{Label: "ratio", One: true}, Series: []facts.Series{{Name: "ratio", Points: []facts.Point{{Y: 2, Lo: num(1.5), Hi: num(2.5), Word: "different", Fact: 1}}}}}}},
			{ID: "ledger", Kind: "ledger", Title: "What was predicted", Tables: []facts.Table{{ID: "claims", Caption: "Ratios.",
				Columns: []facts.Column{{Key: "claim", Title: "claim", Text: true}}, Rows: []facts.Row{{Key: "X1", Cells: []facts.Value{{Text: "X1"}}}}}}},
		},
		Claims: []facts.Claim{
			{ID: "X1", Title: "Item one", Topic: "items", Verdict: "confirmed", Goals: []facts.Goal{{Predicted: "1.5 to 2", Verdict: "confirmed", Judged: []facts.Judgment{{Environment: "memory", Quantity: "puts", Fact: 1, Verdict: "confirmed"}}}}},
			{ID: "X2", Title: "Item two", Topic: "other", Verdict: facts.Mixed, Goals: []facts.Goal{
				{Name: "a", Predicted: "2", Verdict: "refuted", Judged: []facts.Judgment{{Environment: "memory", Fact: 2, Verdict: "refuted"}}},
				{Name: "b", Predicted: "3", Verdict: "not yet measured", Missing: "no cell", Judged: []facts.Judgment{}},
			}},
		},
	}
}

func TestMarkdown(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, writeKept(dir, tiny()))
	b, err := os.ReadFile(filepath.Join(dir, MarkdownFile))
	require.NoError(t, err)
	golden(t, "report.md", b)
}

func TestScreen(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Screen(&b, "results/tiny", tiny()))
	golden(t, "screen.txt", b.Bytes())
	for line := range strings.Lines(b.String()) {
		require.LessOrEqual(t, len([]rune(line)), screenWidth+1)
	}
}

func TestLongTablesAreCut(t *testing.T) {
	doc := tiny()
	table := &doc.Views[0].Tables[0]
	for len(table.Rows) < mostRows+3 {
		table.Rows = append(table.Rows, table.Rows[1])
	}
	var b bytes.Buffer
	require.NoError(t, view{doc, ""}.render(&b, "report.md.tmpl"))
	require.Contains(t, b.String(), "*3 more rows are in `report.html`.*")
	require.Equal(t, mostRows-1, strings.Count(b.String(), "|X2|memory|"))
}

// TestWrite makes all files, the same bytes each time, and leaves no figure of before.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, FiguresDir), 0o755))
	old := filepath.Join(dir, FiguresDir, "old.svg")
	require.NoError(t, os.WriteFile(old, nil, 0o644))
	require.NoError(t, Write(dir, tiny()))
	require.NoFileExists(t, old)
	names := []string{ResultsFile, MarkdownFile, PageFile, FiguresDir + "/items-memory.svg", FiguresDir + "/items-memory.png"}
	first := map[string][]byte{}
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		first[name] = b
	}
	require.NoError(t, Write(dir, tiny()))
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, first[name], b, name)
	}
	doc, err := facts.Read(filepath.Join(dir, ResultsFile))
	require.NoError(t, err)
	require.Equal(t, tiny(), doc)
}

// write makes a run's folder of records.
func write(t *testing.T, dir string, m record.Manifest, trials []record.Trial) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, record.WriteManifest(dir, m))
	l, _, err := record.OpenLog(dir)
	require.NoError(t, err)
	for _, tr := range trials {
		require.NoError(t, l.Append(tr))
	}
	require.NoError(t, l.Close())
}

// TestEveryRunHasAReport makes reports of runs that have little to say.
func TestEveryRunHasAReport(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 3, Blocks: 1, Level: "smoke", Samples: 20})
	few := m
	few.Level, few.PlanYAML = "default", ""
	for name, run := range map[string]struct {
		m      record.Manifest
		trials []record.Trial
	}{"smoke": {m, trials}, "one trial of an unknown plan": {few, trials[:1]}, "no trial": {few, nil}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, run.m, run.trials)
			doc, err := Document(dir)
			require.NoError(t, err)
			require.NoError(t, Write(dir, doc))
			var b bytes.Buffer
			require.NoError(t, Screen(&b, dir, doc))
			require.Contains(t, b.String(), "Report: "+dir)
		})
	}
}
