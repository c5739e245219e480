package query

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"metastorebench/harness/format"
	"metastorebench/harness/record"
	"metastorebench/harness/stats/statstest"
)

// aa writes a run of two variants under two names each.
func aa(t *testing.T, seed uint64, gain float64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "aa")
	m, trials := statstest.AA(statstest.Config{Seed: seed, Blocks: 6, Level: "default", Samples: 2000}, gain)
	write(t, dir, m, trials)
	return dir
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

func compare(t *testing.T, o CompareOptions) string {
	t.Helper()
	if o.Format == "" {
		o.Format = format.Text
	}
	var b strings.Builder
	require.NoError(t, Compare(&b, o))
	return b.String()
}

func TestCompareCells(t *testing.T) {
	dir := aa(t, 1, 2)
	out := compare(t, CompareOptions{A: dir + ":perop arm=a", B: dir + ":perop/b", Metrics: []string{"throughput", "p50"}})
	require.Regexp(t, `(?m)^B against A  put throughput  ops/s +[\d,]+ \[.*\] +(1\.9|2\.0)\d \[.*\]  6  different$`, out)
	require.Contains(t, out, "B against A  put p50         ms")
	require.Contains(t, out, "Paired by block.")
	require.Contains(t, out, "A and B differ in: arm a and b")

	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(compare(t, CompareOptions{A: dir + ":perop,a", B: dir + ":perop,b", Metrics: []string{"throughput"}, Format: format.JSON})), &rows))
	require.Len(t, rows, 1)
	require.InDelta(t, 2, rows[0]["B/A"], 0.3)
	require.Less(t, rows[0]["B/A_lo"], rows[0]["B/A_hi"])
}

func TestCompareRuns(t *testing.T) {
	a, b := aa(t, 1, 1), aa(t, 2, 1)
	out := compare(t, CompareOptions{A: a, B: b, Metrics: []string{"throughput"}, Cells: "*/arm=a"})
	require.Equal(t, 2, strings.Count(out, "put throughput"))
	require.Contains(t, out, "Two runs, unpaired")
}

func TestCompareRefuses(t *testing.T) {
	dir, other := aa(t, 1, 1), aa(t, 2, 1)
	smoke := filepath.Join(t.TempDir(), "smoke")
	m, trials := statstest.AA(statstest.Config{Seed: 1, Blocks: 1, Level: "smoke", Samples: 20}, 1)
	write(t, smoke, m, trials)
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	m, trials = statstest.AA(statstest.Config{Seed: 1, Blocks: 2, Level: "default", Samples: 20}, 1)
	m.Env.CPUs += 62
	write(t, elsewhere, m, trials)
	for _, tt := range []struct {
		o    CompareOptions
		is   error
		says string
	}{
		{CompareOptions{A: dir, B: other, Metrics: []string{"speed", "p98"}}, ErrCompare, `unknown metric "speed", "p98"; accepted: throughput, `},
		{CompareOptions{A: dir, B: other}, ErrCompare, "no metric given"},
		{CompareOptions{A: dir + ":memory", B: dir + ":perop,b", Metrics: []string{"p50"}}, ErrCompare, `"memory" means 4 cells of ` + dir + "; name more parts of one of: copies/memory/put50"},
		{CompareOptions{A: dir + ":pebble", B: dir + ":perop,b", Metrics: []string{"p50"}}, ErrCompare, `has no measured cell "pebble"; accepted: an id, or parts of it`},
		{CompareOptions{A: dir + ":perop,a", B: dir, Metrics: []string{"p50"}}, ErrCompare, "name a cell on both sides, or on neither"},
		{CompareOptions{A: dir, B: dir, Metrics: []string{"p50"}}, ErrCompare, "is compared with itself"},
		{CompareOptions{A: dir, B: other, Metrics: []string{"p50"}, Cells: "pebble*"}, ErrCompare, `matches "pebble*"`},
		{CompareOptions{A: dir, B: smoke, Metrics: []string{"p50"}}, ErrCompare, "is a smoke run"},
		{CompareOptions{A: dir, B: elsewhere, Metrics: []string{"p50"}}, ErrMachine, "CPU"},
		{CompareOptions{A: dir, B: dir + "x", Metrics: []string{"p50"}}, os.ErrNotExist, "manifest"},
		{CompareOptions{A: dir, B: other, Metrics: []string{"p50"}, Format: "xml"}, nil, `unknown format "xml"; accepted: text`},
	} {
		if tt.o.Format == "" {
			tt.o.Format = format.Text
		}
		err := Compare(&strings.Builder{}, tt.o)
		require.ErrorContains(t, err, tt.says)
		if tt.is != nil {
			require.ErrorIs(t, err, tt.is)
		}
	}
	require.Contains(t, compare(t, CompareOptions{A: dir, B: elsewhere, Metrics: []string{"throughput"}, AllowDifferentMachine: true}), "different machines: CPUs 2 and 64")
}

func export(t *testing.T, dir, as, out string) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, Export(&b, dir, as, out))
	return b.String()
}

func TestExportBenchfmt(t *testing.T) {
	text := export(t, aa(t, 1, 1), Benchfmt, "")
	require.Contains(t, text, "Unit throughput-ops/s better=higher\n")
	r := benchfmt.NewReader(strings.NewReader(text), "export")
	n := 0
	for r.Scan() {
		if res, ok := r.Result().(*benchfmt.Result); ok {
			n++
			require.Equal(t, "aa", res.GetConfig("plan"))
			require.Contains(t, string(res.Name), "Trial/group=copies/target=metastore/workload=put50/")
			v, ok := res.Value("throughput-ops/s")
			require.True(t, ok)
			require.Positive(t, v)
		}
	}
	require.NoError(t, r.Err())
	require.Equal(t, 24, n)
}

func TestExportTables(t *testing.T) {
	dir := aa(t, 1, 1)
	lines := strings.Split(strings.TrimSpace(export(t, dir, format.CSV, "")), "\n")
	require.Len(t, lines, 1+24)
	require.True(t, strings.HasPrefix(lines[0], "cell,group,workload,target,durability,apply,arm,codec,"), lines[0])
	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(export(t, dir, format.JSON, "")), &rows))
	require.Len(t, rows, 24)
	require.Positive(t, rows[0]["throughput"])
}

// TestExportHGRM reads the files as HdrHistogram's plotter does: lines of four fields
// apart by spaces, the value first and 1/(1-percentile) last.
func TestExportHGRM(t *testing.T) {
	out := filepath.Join(t.TempDir(), "hgrm")
	names := strings.Fields(export(t, aa(t, 1, 1), HGRM, out))
	require.Len(t, names, 4)
	b, err := os.ReadFile(names[0])
	require.NoError(t, err)
	value, inverse := 0.0, 0.0
	points := 0
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) != 4 || fields[0] == "Value" || fields[0][0] == '#' {
			continue
		}
		v, err := strconv.ParseFloat(fields[0], 64)
		require.NoError(t, err)
		x, err := strconv.ParseFloat(fields[3], 64)
		require.NoError(t, err)
		require.GreaterOrEqual(t, v, value)
		require.GreaterOrEqual(t, x, inverse)
		value, inverse = v, x
		points++
	}
	require.Greater(t, points, 20)
	require.Contains(t, string(b), "Total count    =        12000]")

	require.ErrorContains(t, Export(&strings.Builder{}, "x", HGRM, ""), "a directory with hgrm")
	require.ErrorContains(t, Export(&strings.Builder{}, "x", "xml", ""), `unknown format "xml"; accepted: benchfmt, csv, json, hgrm`)
	require.ErrorIs(t, Export(&strings.Builder{}, filepath.Join(out, "none"), Benchfmt, ""), os.ErrNotExist)
}
