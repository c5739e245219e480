package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/harness/stats/statstest"
)

const benchOutput = `command: go test -bench . -count 6 ./codec
cpu: Test
pkg: example/codec
BenchmarkCodec/encode-2	1000	270 ns/op	132.0 entry-bytes	152 B/op	2 allocs/op
BenchmarkCodec/encode-2	1000	260 ns/op	132.0 entry-bytes	152 B/op	2 allocs/op
BenchmarkCodec/encode-2	1000	280 ns/op	132.0 entry-bytes	152 B/op	2 allocs/op
BenchmarkCodec/encode-2	1000	290 ns/op	132.0 entry-bytes	152 B/op	2 allocs/op
BenchmarkCodec/encode-2	1000	250 ns/op	132.0 entry-bytes	152 B/op	2 allocs/op
BenchmarkCodec/encode-2	1000	275 ns/op	132.0 entry-bytes	152 B/op	2 allocs/op
BenchmarkCodec/decode-2	1000	1000 ns/op	600 B/op	13 allocs/op
PASS
`

func TestBenchSection(t *testing.T) {
	root := t.TempDir()
	doc := filepath.Join(root, "E.md")
	dir := filepath.Join(root, "results", "bench")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(doc, []byte("by hand\n<!-- metabench:begin bench -->\n<!-- metabench:end bench -->\n"), 0o644))
	o := report.Options{RunDir: dir, ExperimentsPath: doc, Section: "bench"}
	path := filepath.Join(dir, "codec.txt")

	require.NoError(t, os.WriteFile(path, []byte("nothing\n"), 0o644))
	require.ErrorIs(t, report.Generate(o), report.ErrBench)

	require.NoError(t, os.WriteFile(path, []byte(benchOutput), 0o644))
	require.NoError(t, report.Generate(o))
	got, err := os.ReadFile(doc)
	require.NoError(t, err)
	for _, want := range []string{
		"by hand\n",
		"Records: `results/bench/codec.txt`; command: `go test -bench . -count 6 ./codec`; cpu: `Test`.",
		"| benchmark            |   n |          ns/op | B/op | allocs/op | entry-bytes |",
		"| codec Codec/encode-2 |   6 | 273 [250, 290] |  152 |      2.00 |         132 |",
		"| codec Codec/decode-2 |   1 |          1,000 |  600 |      13.0 |         n/a |",
	} {
		require.Contains(t, string(got), want)
	}
	require.NoError(t, report.Check(o))
	require.NoError(t, os.WriteFile(path, []byte(benchOutput+"BenchmarkMore 1 5 ns/op\n"), 0o644))
	require.ErrorIs(t, report.Check(o), report.ErrStale)
}

// TestExport reads the export back with benchstat's own reader.
func TestExport(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 7, Blocks: 2, Level: "full", Samples: 1500})
	dir := t.TempDir()
	require.NoError(t, record.WriteManifest(dir, m))
	log, _, err := record.OpenLog(dir)
	require.NoError(t, err)
	valid := 0
	for i := range trials {
		require.NoError(t, log.Append(trials[i]))
		if trials[i].Void == "" {
			valid += len(trials[i].Ops)
		}
	}
	require.NoError(t, log.Close())

	var out bytes.Buffer
	require.NoError(t, report.WriteBenchfmt(&out, dir))
	r := benchfmt.NewReader(&out, "export")
	lines := 0
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.Result:
			lines++
			require.Contains(t, string(rec.Name), "/workload=")
			require.Equal(t, "phase1", rec.GetConfig("plan"))
			v, ok := rec.Value("ops/s")
			require.True(t, ok && v > 0, "%s", rec.Name)
		case *benchfmt.SyntaxError:
			t.Fatal(rec)
		}
	}
	require.NoError(t, r.Err())
	require.Equal(t, valid, lines)
}
