package facts_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/facts"
)

const benchOutput = `command: go test -bench X
commit: 0123456789abcdef
date: 2026-01-02
goos: linux
pkg: m/fast
BenchmarkX/n=10/log=a-2  100  2000 ns/op  1.0 MB/s
BenchmarkX/n=10/log=b-2  100  4000 ns/op  2.0 MB/s
BenchmarkX/n=10/log=a-2  100  2020 ns/op  1.1 MB/s
BenchmarkX/n=10/log=b-2  100  4000 ns/op  2.2 MB/s
BenchmarkX/n=10/log=a-2  100  1990 ns/op  0.9 MB/s
BenchmarkX/n=10/log=b-2  100  4010 ns/op  1.8 MB/s
BenchmarkX/n=100/log=a-2  100  3000000 ns/op  3.0 MB/s
BenchmarkX/encode/log=c-2  7  5 ns/op
`

func benchFolder(t *testing.T, plan string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.txt"), []byte(benchOutput), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, facts.BenchFile), []byte(plan), 0o644))
	return dir
}

func TestBenchmarks(t *testing.T) {
	doc, err := facts.OfBenchmarks(benchFolder(t, `
title: Benchmarks
views:
  - {id: rate, file: x.txt, title: Rates, doc: How fast., where: {n: ["10", "100"]}, rows: [n], columns: log, units: [MB/s], order: [b], against: a, better: higher, figure: {x: n, log: true}}
  - {id: all, file: x.txt, title: Everything, rows: [pkg, name, n, log]}
  - {id: later, file: not-yet.txt, title: Not measured yet}
`))
	require.NoError(t, err)
	require.Len(t, doc.Views, 2)
	for address, want := range map[string]string{
		"rate/10/b_ratio":                "2.00 [2.00, 2.00]",
		"all/fast, X, 10, a/ns/op":       "2,000 [1,970, 2,040]",
		"all/fast, X/encode, -, c/ns/op": "5.00",
	} {
		f, err := doc.At(address)
		require.NoError(t, err)
		require.Equal(t, want, f.Text, address)
	}
	f, err := doc.At("rate/10/b_ratio")
	require.NoError(t, err)
	require.Equal(t, "better", f.Better)
	table := doc.Views[0].Tables[0]
	require.Equal(t, "b, MB/s", table.Columns[2].Title)
	require.Equal(t, "n/a", table.Rows[1].Cells[2].Text) // b has no n=100
	figure := doc.Views[0].Figures[0]
	require.Equal(t, []string{"b", "a"}, []string{figure.Series[0].Name, figure.Series[1].Name})
	require.Len(t, figure.Series[1].Points, 2)
	require.Contains(t, table.Caption, "`go test -bench X`, commit `0123456789ab`, 2026-01-02.")
}

func TestBenchmarksCountAndScale(t *testing.T) {
	doc, err := facts.OfBenchmarks(benchFolder(t, `
title: Benchmarks
views:
  - {id: us, file: x.txt, title: Times, where: {log: [a]}, rows: [n], units: [ns/op]}
  - {id: sums, file: x.txt, title: Sums, where: {log: [b]}, rows: [n], units: [ns/op], counts: true}
`))
	require.NoError(t, err)
	require.Equal(t, "us/op", doc.Views[0].Tables[0].Columns[2].Title)
	f, err := doc.At("us/100/ns/op")
	require.NoError(t, err)
	require.Equal(t, "3,000", f.Text)
	f, err = doc.At("sums/10/ns/op")
	require.NoError(t, err)
	require.Equal(t, "12,010", f.Text)
}

func TestBenchmarksNameAllThatIsWrong(t *testing.T) {
	_, err := facts.OfBenchmarks(benchFolder(t, `
title: Benchmarks
views:
  - {id: bad, file: x.txt, title: Bad, rows: [size, n], columns: log, units: [puts/s]}
  - {id: none, file: x.txt, title: None, where: {log: [z]}, rows: [n]}
`))
	require.ErrorIs(t, err, facts.ErrBench)
	require.ErrorContains(t, err, `view bad: no benchmark has part "size"; there are: log, n, name, pkg`)
	require.ErrorContains(t, err, `no benchmark has unit "puts/s"; there are: MB/s, ns/op`)
	require.ErrorContains(t, err, "view none: no benchmark of x.txt is map[log:[z]]")

	_, err = facts.OfBenchmarks(benchFolder(t, "title: Benchmarks\nviews: []\n"))
	require.ErrorContains(t, err, "x.txt is in no view of benchmarks.yaml")
	_, err = facts.OfBenchmarks(benchFolder(t, "title: Benchmarks\nviews: [{id: a, file: x.txt, colour: red}]\n"))
	require.ErrorContains(t, err, "field colour not found")
	_, err = facts.OfBenchmarks(benchFolder(t, "title: Benchmarks\nviews: [{id: a, file: x.txt, columns: log}]\n"))
	require.ErrorContains(t, err, "view 1: accepted: an id, a file, one unit if there are columns")
	_, err = facts.OfBenchmarks(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
}
