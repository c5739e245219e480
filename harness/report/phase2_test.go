package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

func TestGoldenPhase2(t *testing.T) {
	m, trials := statstest.Phase2(statstest.Config{Seed: 5, Blocks: 6, Level: "full", Samples: 300})
	goldenSection(t, "phase2.md", sectionOf(t, m, trials))
}

func TestGoldenSweep(t *testing.T) {
	m, trials := statstest.Sweep(statstest.Config{Seed: 5, Blocks: 6, Level: "full", Samples: 300})
	goldenSection(t, "sweep.md", sectionOf(t, m, trials))
}

// goldenSection compares a section with a file of testdata.
func goldenSection(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "%s; rewrite with -update if the change is meant", name)
}

// TestPhase2OnAKnownSystem reads verdicts off statstest's model.
func TestPhase2OnAKnownSystem(t *testing.T) {
	m, trials := statstest.Phase2(statstest.Config{Seed: 6, Blocks: 8, Level: "full", Samples: 1500})
	headline, every := ledgerOf(t, m, trials)
	is := func(id string, want infer.Verdict, why string) {
		t.Helper()
		require.Equal(t, string(want), headline[id][headVerdict], headline[id])
		require.Contains(t, headline[id][headWhy], why)
	}
	is("P2.1", infer.Partly, "; trap: the plan starts from a sync per entry, and the baseline here syncs per Ready; group / perentry makes")
	is("P2.2", infer.Partly, "lies above 6 to 11; put throughput (put50) with it: ")
	is("P2.4", infer.Partly, "lies below 1.5")
	is("P1.1", infer.NotYet, "an item of phase 1, not switched on")
	is("B1", infer.NotYet, "the run of phase 1 traces")
	is("M4", infer.Confirmed, "this is its speed alone")
	require.Equal(t, "memory, range10, 50 clients, native disk", headline["P2.2"][headEnvironment], "a claim about ranges")
	require.Equal(t, "rocksdb, put50, 50 clients, native disk", headline["P2.4"][headEnvironment], "a claim about one engine")
	require.Contains(t, every["T1"][0][everyRecord], "put50/unary/", "T1 is about single operations")
	require.Contains(t, every["T6"][0][everyRecord], "put50/batch/", "T6 is about batches")
	for _, row := range every["P2.1"] {
		require.Contains(t, row[everyEnvironment], "put50", "reads sync nothing")
	}
	reads := 0
	for _, row := range every["P2.3"] {
		reads += strings.Count(row[everyEnvironment], "read-zipf")
	}
	require.Equal(t, 3, reads, "the batch API is for gets too, on each engine")
}

// TestUnsafeIsNeverRanked finds the asynchronous log nowhere but apart.
func TestUnsafeIsNeverRanked(t *testing.T) {
	full := golden(t, "phase2.md")
	_, policies, found := strings.Cut(full, "### Sync policies\n")
	require.True(t, found)
	policies, apart, found := strings.Cut(policies, "### The unsafe log, apart\n")
	require.True(t, found)
	require.NotContains(t, policies, "async")
	require.Contains(t, apart, "**Unsafe: acknowledged before it is synced")
	require.Contains(t, full, "wal=async (unsafe: not to be ranked) / wal=group")

	m, trials := statstest.Phase2(statstest.Config{Seed: 5, Blocks: 1, Level: "full", Samples: 20})
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	var unsafe, safe *stats.Cell
	for _, c := range run.Cells {
		switch {
		case c.Durability == record.TierUnsafe:
			unsafe = c
		case c.Group == stats.GroupSync && c.Options["wal"] == "group":
			safe = c
		}
	}
	_, err = stats.Compare(unsafe, safe, stats.Throughput(record.OpPut))
	require.ErrorIs(t, err, stats.ErrTier)
	_, err = stats.UnsafeSpeed(safe, unsafe, stats.Throughput(record.OpPut))
	require.ErrorIs(t, err, stats.ErrTier)
}

func TestWhatAPhase2SectionSays(t *testing.T) {
	full := golden(t, "phase2.md")
	for _, want := range []string{
		"### Full phase 2 against full phase 1\n", "### Full phase 2 against full phase 1: other workloads", "The plan's figure for phase 2 is 2.5 (M1)",
		"### Against the plan's own baseline", "full phase 2 without the batch API",
		"Range throughput: the ratio that each item makes", "What a get costs", "P2.4 engine-profile",
		"### Group commit against a sync per Ready", "a single client's p50 may rise by 5 % at most",
		"### Batch sizes", "### Indexes", "### What the engines write",
	} {
		require.Contains(t, full, want)
	}
	require.NotContains(t, full, "P2.4 engine-profile | memory", "the memory engine has no profile")
	require.NotContains(t, full, "NaN")

	sweep := golden(t, "sweep.md")
	for _, want := range []string{"bytes of a value", "pebble, engine-profile=tuned", "engine-profile=tuned / default", "16,384", "write amplification", "### Loading", "250,000 (250,000 to 250,000)"} {
		require.Contains(t, sweep, want)
	}
}

// TestSweepIntoADocument draws a sweep and adds its section to a document that
// lacks it.
func TestSweepIntoADocument(t *testing.T) {
	root := t.TempDir()
	if *keep != "" {
		root = *keep
	}
	dir, doc := filepath.Join(root, "results", "sweep-values"), filepath.Join(root, "EXPERIMENTS.md")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	m, trials := statstest.Sweep(statstest.Config{Seed: 3, Blocks: 2, Level: "default", Samples: 60})
	require.NoError(t, record.WriteManifest(dir, m))
	log, _, err := record.OpenLog(dir)
	require.NoError(t, err)
	for _, tr := range trials {
		require.NoError(t, log.Append(tr))
	}
	require.NoError(t, log.Close())
	require.NoError(t, os.WriteFile(doc, []byte(skeleton), 0o644))
	o := report.Options{RunDir: dir, ExperimentsPath: doc, Section: m.Plan}
	require.NoError(t, report.Generate(o))
	require.NoError(t, report.Check(o))
	made, err := os.ReadFile(doc)
	require.NoError(t, err)
	require.Contains(t, string(made), "\n## Cost against the size of a value\n\n<!-- metabench:begin sweep-values -->\n")
	for _, name := range []string{"sweep-throughput-put-native", "sweep-bandwidth-put-native", "sweep-write-amplification-put-native"} {
		drawn, err := os.ReadFile(filepath.Join(dir, report.FiguresDir, name+".svg"))
		require.NoError(t, err)
		for _, want := range []string{"bytes of a value", "rocksdb, engine-profile=tuned", "n=2"} {
			require.True(t, strings.Contains(string(drawn), want), "%s: %q", name, want)
		}
	}
}
