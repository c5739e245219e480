package report_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/report"
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
