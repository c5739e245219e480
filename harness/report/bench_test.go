package report_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
		"| codec Codec/encode-2 |   6 | 271 [256, 286] |  152 |      2.00 |         132 |",
		"| codec Codec/decode-2 |   1 |          1,000 |  600 |      13.0 |         n/a |",
	} {
		require.Contains(t, string(got), want)
	}
	require.NoError(t, report.Check(o))
	require.NoError(t, os.WriteFile(path, []byte(benchOutput+"BenchmarkMore 1 5 ns/op\n"), 0o644))
	require.ErrorIs(t, report.Check(o), report.ErrStale)
}

// benchDocument is the document of a folder of one file of Go benchmark output.
func benchDocument(t *testing.T, output string) (o report.Options, text string) {
	t.Helper()
	root := t.TempDir()
	o = report.Options{RunDir: filepath.Join(root, "bench"), ExperimentsPath: filepath.Join(root, "E.md"), Section: "bench"}
	require.NoError(t, os.MkdirAll(o.RunDir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(o.RunDir, "out.txt"), []byte(output), 0o644))
	require.NoError(t, os.WriteFile(o.ExperimentsPath, []byte("<!-- metabench:begin bench -->\n<!-- metabench:end bench -->\n"), 0o644))
	require.NoError(t, report.Generate(o))
	require.NoError(t, report.Check(o))
	got, err := os.ReadFile(o.ExperimentsPath)
	require.NoError(t, err)
	return o, string(got)
}

// repeatedly makes six repeats of lines "NAME VALUE UNIT", with a drift of the value
// that all lines share and a little noise of their own.
func repeatedly(lines ...string) string {
	var b strings.Builder
	for round := range 6 {
		for i, l := range lines {
			name, rest, _ := strings.Cut(l, " ")
			value, unit, _ := strings.Cut(rest, " ")
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(&b, "%s 1 %g %s\n", name, v*(1+0.01*float64(round)+1e-5*float64(7*(round+i)*(i+1)%11)), unit)
		}
	}
	return b.String()
}

func indexOutput() string {
	return "pkg: x/index/btree\n" + repeatedly(
		"BenchmarkIndex/n=1000/op=limit/k=10-2 1000 ns/op", "BenchmarkIndex/n=10000/op=range/k=10-2 500 ns/op",
		"BenchmarkIndex/n=10000/op=limit/k=10-2 10000 ns/op", "BenchmarkIndex/n=10000/op=get-2 200 ns/op", "BenchmarkIndex/n=10000/op=put-2 400 ns/op") +
		"pkg: x/index/hash\n" + repeatedly(
		"BenchmarkIndex/n=1000/op=limit/k=10-2 20000 ns/op", "BenchmarkIndex/n=10000/op=range/k=10-2 300000 ns/op",
		"BenchmarkIndex/n=10000/op=limit/k=10-2 2000000 ns/op", "BenchmarkIndex/n=10000/op=get-2 50 ns/op", "BenchmarkIndex/n=10000/op=put-2 100 ns/op")
}

func TestBenchIndexes(t *testing.T) {
	o, text := benchDocument(t, indexOutput())
	for _, want := range []string{
		"### Ranges by index",
		"P2.2, \"BTree index: a range of 10 among 10,000 keys in 23 steps for 23,000 (1000x)\": in time 0.512 [0.503, 0.522] us on btree and 307 [302, 313] us on hash, 600 [600, 600] times as much. Goal of at least 500: reached.",
		"From 1,000 to 10,000 keys the time of a range of 10 over all keys, whose answer carries their number, grows by a factor of 100 [100, 100] on hash, 10.0 [10.0, 10.0] on btree.",
		"| hash  |   6 |       307 [302, 313] |              1 |",
		"600 [600, 600]",
		"0.250 [0.250, 0.250]",
		"![bench-index-range](bench/figures/bench-index-range.png)",
		"| range     | 10,000 |      10 |",
	} {
		require.Contains(t, text, want)
	}
	require.NoError(t, os.Remove(filepath.Join(o.RunDir, "figures", "bench-index-limit.png")))
	require.ErrorIs(t, report.Check(o), report.ErrStale)
}

func TestBenchLogAgainstDevice(t *testing.T) {
	_, text := benchDocument(t, "pkg: x/walbench\n"+repeatedly(
		"BenchmarkSave/entry=1024/batch=64/log=etcd-2 200 MB/s", "BenchmarkSave/entry=1024/batch=64/log=wal-2 320 MB/s", "BenchmarkSave/entry=1024/batch=64/log=raw-2 400 MB/s",
		"BenchmarkSave/entry=256/batch=256/log=raw-2 400 MB/s", "BenchmarkSave/entry=256/batch=256/log=wal-2 200 MB/s", "BenchmarkSave/entry=256/batch=1/log=wal-2 2 MB/s"))
	for _, want := range []string{
		"entries of 256 B 0.500 [0.500, 0.500], missed; entries of 1,024 B 0.800 [0.800, 0.800], reached.",
		"|      256 |       1 |       0.25 |   0 |            n/a | 2.05 [2.01, 2.09] |                  n/a |                  n/a |",
		"|    1,024 |      64 |         64 |   6 | 410 [402, 418] |    328 [322, 334] | 0.800 [0.800, 0.800] | 0.500 [0.500, 0.500] |",
		"bench-wal-device.png",
	} {
		require.Contains(t, text, want)
	}
}

func TestBenchCommitLog(t *testing.T) {
	_, text := benchDocument(t, "pkg: x/logbench\n"+repeatedly(
		"BenchmarkCommitLog/callers=10/system=etcd-2 20000 CPU-ns/put 40000 puts/s", "BenchmarkCommitLog/callers=10/system=metastore-2 10000 CPU-ns/put 60000 puts/s",
		"BenchmarkCommitLog/callers=1000/system=tidwall-group-2 3000 CPU-ns/put 300000 puts/s", "BenchmarkCommitLog/callers=1000/system=metastore-2 4000 CPU-ns/put 400000 puts/s 0.002 fsyncs/put 3e6 p99-ns 12 allocs/op",
		"BenchmarkCommitLog/callers=1000/system=metastore-hash-2 2000 CPU-ns/put 500000 puts/s",
		"BenchmarkCommitLog/callers=1000/system=hashicorp-2 5000 CPU-ns/put 200000 puts/s", "BenchmarkCommitLog/callers=1000/system=etcd-2 8000 CPU-ns/put 100000 puts/s"))
	for _, want := range []string{
		"### The commit log beside its peers",
		"a share of the best peer's, a bare log included, by the number of callers, and the goal of at most 0.600: 10: 0.500 [0.500, 0.500] of etcd, reached; 1,000: 1.33 [1.33, 1.33] of tidwall-group, missed.",
		"that of the best peer with consensus, by the number of callers, and the goal of at most 0.600: 10: 0.500 [0.500, 0.500] of etcd, reached; 1,000: 0.800 [0.800, 0.800] of hashicorp, missed.",
		"|   1,000 | metastore      |   6 |",
		"|   1,000 | metastore-hash |   6 |", "|   1,000 | hashicorp      |   6 |",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "|      10 | hashicorp") // it was not measured there
}

func TestBenchPowerCuts(t *testing.T) {
	_, text := benchDocument(t, `BenchmarkPowerCuts/wal=group-2 1 25000 acknowledged 1000 cuts 0 cuts-with-loss 0 lost
BenchmarkPowerCuts/wal=perready-2 1 24000 acknowledged 1000 cuts 0 cuts-with-loss 0 lost
BenchmarkPowerCuts/wal=async-2 1 26000 acknowledged 1000 cuts 800 cuts-with-loss 4321 lost
`)
	for _, want := range []string{
		"Of the writes that they had acknowledged, the synced policies lost 0 in 2,000 cuts. async, which is unsafe, lost 4,321 of 26,000, in 800 of 1,000 cuts.",
		"| group    | synced | 1,000 |           0 |       25,000 |     0 |",
		"| async    | unsafe | 1,000 |         800 |       26,000 | 4,321 |",
	} {
		require.Contains(t, text, want)
	}
}

func TestBenchRestartAndPolicies(t *testing.T) {
	_, text := benchDocument(t, repeatedly("BenchmarkRestart/puts=10000-2 900000 puts/s", "BenchmarkRestart/entries=1000000-2 250000 entries/s 2e9 ns/op 3e8 log-bytes"))
	require.Contains(t, text, "A log of 1,000,000 entries is read and applied at 256,000 [251,000, 261,000] entries/s. Goal of at least 300,000: missed.")
	require.Contains(t, text, "| 10,000 puts       |   0 |     n/a |      n/a |                        n/a | 922,000 [905,000, 940,000] |")
	require.Contains(t, text, "| 1,000,000 entries |   6 |     300 |     2.00 | 256,000 [251,000, 261,000] |                        n/a |")

	_, text = benchDocument(t, repeatedly("BenchmarkWALPolicy/disk=native/clients=1000/wal=perready-2 200000 puts/s",
		"BenchmarkWALPolicy/disk=native/clients=1000/wal=group-2 500000 puts/s"))
	require.Contains(t, text, "| native |   1,000 |   6 | 205,000 [201,000, 209,000] | 512,000 [503,000, 522,000] | 2.50 [2.50, 2.50] |")

	_, text = benchDocument(t, repeatedly("BenchmarkOneClient/disk=native-2 104 group-p50-ns 100 perready-p50-ns"))
	require.Contains(t, text, "Goal of at most 1.05: open, it lies within the interval")
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
