package report_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var keep = flag.String("keep", "", "leave the runs of synthetic records and their figures in this folder, to look at")

const skeleton = "# Title\n\nBy hand.\n\n<!-- metabench:begin phase1 -->\nold\n<!-- metabench:end phase1 -->\n\nMore by hand, kept  as is.\n"

// section reports a synthetic run without figures.
func section(t testing.TB, c statstest.Config) string {
	t.Helper()
	m, trials := statstest.Phase1(c)
	return sectionOf(t, m, trials)
}

// sectionOf reports a run of these records without figures.
func sectionOf(t testing.TB, m record.Manifest, trials []record.Trial) string {
	t.Helper()
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	s, err := report.Section(report.Input{Run: run, RunPath: "results/reference/" + m.Plan, Document: "EXPERIMENTS.md", Section: m.Plan})
	require.NoError(t, err)
	return s
}

func TestGoldenSections(t *testing.T) {
	for name, c := range map[string]statstest.Config{
		"full.md":    {Seed: 3, Blocks: 6, Level: "full", Samples: 200},
		"default.md": {Seed: 3, Blocks: 2, Level: "default", Samples: 200},
		"smoke.md":   {Seed: 3, Blocks: 1, Level: "smoke", Samples: 50},
	} {
		got := section(t, c)
		path := filepath.Join("testdata", name)
		if *update {
			require.NoError(t, os.MkdirAll("testdata", 0o755))
			require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), got, "%s; rewrite with -update if the change is meant", name)
	}
}

// golden returns a section that TestGoldenSections has compared.
func golden(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(b)
}

func TestWhatASectionSays(t *testing.T) {
	full := golden(t, "full.md")
	for _, want := range []string{
		"0123456789abcdef0123456789abcdef01234567", "Synthetic CPU", "ext4", "kernel 6.1.0",
		"Skipped, because synthetic: RocksDB is not linked in: 16 cells",
		"Void, taken out of every number: `factorial/memory/put50/native/perentry/batch-json-perop-default`, block 1",
		"Not measured: rocksdb, put1, native disk: synthetic: RocksDB is not linked in.",
		"1 of 6 blocks have no partner", "6 to 11", "3,386", "at least 20,000 ops/s", "### Claims ledger", "below 5 ms (from 10)",
		"### Sync policies", "### Share of the ceiling", "### One client", "### Step by step",
	} {
		require.Contains(t, full, want)
	}
	require.NotContains(t, full, "n=6: needs", "six blocks have an interval")
	few := golden(t, "default.md")
	require.Contains(t, few, "n=2: needs 3 or more blocks for a 95 % interval")
	require.NotContains(t, few, "NaN")

	smoke := golden(t, "smoke.md")
	require.Contains(t, smoke, "smoke run")
	require.NotContains(t, smoke, "puts/s", "a smoke run compares nothing")
}

func TestTablesAreRectangular(t *testing.T) {
	width := 0
	for line := range strings.Lines(golden(t, "default.md")) {
		if !strings.HasPrefix(line, "|") {
			width = 0
			continue
		}
		if width == 0 {
			width = len([]rune(line))
		}
		require.Len(t, []rune(line), width, line)
	}
}

func TestUnsafeCellsAreRefused(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 1, Blocks: 1, Level: "default", Samples: 20})
	cell := trials[len(trials)/2].Cell
	for i := range trials {
		if trials[i].Cell == cell {
			trials[i].Durability = record.TierUnsafe
		}
	}
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	_, err = report.Section(report.Input{Run: run})
	require.ErrorIs(t, err, stats.ErrTier)
}

func TestRecordedTextCannotBreakTheDocument(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 1, Blocks: 1, Level: "smoke", Samples: 20})
	m.Env.CPUModel = "a | b"
	trials[0].Void = "two\n<!-- metabench:end phase1 -->\nlines"
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	body, err := report.Section(report.Input{Run: run})
	require.NoError(t, err)
	require.Contains(t, body, `a \| b`)
	doc, err := report.Splice(skeleton, "phase1", body)
	require.NoError(t, err)
	_, err = report.Extract(doc, "phase1")
	require.NoError(t, err)
}

// runDir writes a synthetic run and a document.
func runDir(t *testing.T, level string) report.Options {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "results", "phase1")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	m, trials := statstest.Phase1(statstest.Config{Seed: 3, Blocks: 1, Level: level, Samples: 60})
	require.NoError(t, record.WriteManifest(dir, m))
	log, _, err := record.OpenLog(dir)
	require.NoError(t, err)
	for _, tr := range trials[:20] {
		require.NoError(t, log.Append(tr))
	}
	require.NoError(t, log.Close())
	doc := filepath.Join(root, "EXPERIMENTS.md")
	require.NoError(t, os.WriteFile(doc, []byte(skeleton), 0o644))
	return report.Options{RunDir: dir, ExperimentsPath: doc, Section: "phase1"}
}

// TestFiguresAndTablesAgree: a comparison has one interval and one word wherever it
// stands.
func TestFiguresAndTablesAgree(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "phase1")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	m, trials := statstest.Phase1(statstest.Config{Seed: 3, Blocks: 4, Level: "full", Samples: 60})
	require.NoError(t, record.WriteManifest(dir, m))
	log, _, err := record.OpenLog(dir)
	require.NoError(t, err)
	for _, tr := range trials {
		require.NoError(t, log.Append(tr))
	}
	require.NoError(t, log.Close())
	o := report.Options{RunDir: dir, ExperimentsPath: filepath.Join(root, "EXPERIMENTS.md"), Section: "phase1"}
	require.NoError(t, os.WriteFile(o.ExperimentsPath, []byte(skeleton), 0o644))
	require.NoError(t, report.Generate(o))
	doc, err := os.ReadFile(o.ExperimentsPath)
	require.NoError(t, err)
	svg, err := os.ReadFile(filepath.Join(dir, "figures", "waterfall-factorial-memory-put50-native.svg"))
	require.NoError(t, err)
	ratios := regexp.MustCompile(`x ([0-9.,]+ \[[^<]*)<`).FindAllSubmatch(svg, -1)
	require.Len(t, ratios, 5, "four items and all")
	for _, r := range ratios {
		require.Contains(t, string(doc), " "+string(r[1])+" |", "the figure's ratio stands in a table")
	}
}

func TestGenerateThenCheck(t *testing.T) {
	o := runDir(t, "default")
	require.ErrorIs(t, report.Command(o, true), report.ErrStale)
	require.NoError(t, report.Command(o, false))
	require.NoError(t, report.Command(o, true))

	doc, err := os.ReadFile(o.ExperimentsPath)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(doc), "# Title\n\nBy hand.\n\n<!-- metabench:begin phase1 -->\n"))
	require.True(t, strings.HasSuffix(string(doc), "<!-- metabench:end phase1 -->\n\nMore by hand, kept  as is.\n"))
	require.Contains(t, string(doc), "`bin/metabench report results/phase1 --experiments EXPERIMENTS.md --section phase1`")
	figure := "results/phase1/figures/throughput-factorial-memory-put50-native.png"
	require.Contains(t, string(doc), "("+figure+")")
	require.FileExists(t, filepath.Join(filepath.Dir(o.ExperimentsPath), figure))

	require.NoError(t, report.Generate(o))
	again, err := os.ReadFile(o.ExperimentsPath)
	require.NoError(t, err)
	require.Equal(t, string(doc), string(again))

	edited := strings.Replace(string(doc), "### What was run", "### What was ran", 1)
	require.NoError(t, os.WriteFile(o.ExperimentsPath, []byte(edited), 0o644))
	err = report.Check(o)
	require.ErrorIs(t, err, report.ErrStale)
	require.ErrorContains(t, err, `is "### What was ran", want "### What was run"`)

	require.NoError(t, report.Generate(o))
	require.NoError(t, os.Remove(filepath.Join(filepath.Dir(o.ExperimentsPath), figure)))
	require.ErrorIs(t, report.Check(o), report.ErrStale)
}

func TestSmokeHasNoFigures(t *testing.T) {
	o := runDir(t, "smoke")
	require.NoError(t, report.Generate(o))
	files, err := os.ReadDir(filepath.Join(o.RunDir, report.FiguresDir))
	require.NoError(t, err)
	require.Empty(t, files)
}

func TestGenerateRefusals(t *testing.T) {
	err := report.Generate(report.Options{})
	for _, want := range []string{"no run folder given", "no document given", "no section given"} {
		require.ErrorContains(t, err, want)
	}
	o := runDir(t, "smoke")
	o.Section = "phase9"
	require.ErrorIs(t, report.Generate(o), report.ErrMarkers)
	doc, err := os.ReadFile(o.ExperimentsPath)
	require.NoError(t, err)
	require.Equal(t, skeleton, string(doc), "a refused report leaves the document alone")
	o.RunDir = t.TempDir()
	require.ErrorIs(t, report.Generate(o), os.ErrNotExist)
}

func BenchmarkSection(b *testing.B) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 3, Blocks: 12, Level: "full", Samples: 500})
	b.ReportMetric(float64(len(trials)), "trials")
	for b.Loop() {
		run, err := stats.NewRun(m, trials)
		require.NoError(b, err)
		_, err = report.Section(report.Input{Run: run})
		require.NoError(b, err)
	}
}
