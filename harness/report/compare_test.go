package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

const (
	plain = "copies/memory/put50/native/perentry/perop-json-perop-default/arm="
	all   = "copies/memory/put50/native/perentry/batch-protobuf-batch-tuned/arm="
)

// aaDir writes a synthetic A/A run, changed before it is written.
func aaDir(t *testing.T, seed uint64, gain float64, change func(m *record.Manifest, trials []record.Trial)) string {
	t.Helper()
	m, trials := statstest.AA(statstest.Config{Seed: seed, Blocks: 10, Level: "full", Samples: 1200}, gain)
	if change != nil {
		change(&m, trials)
	}
	dir := t.TempDir()
	require.NoError(t, record.WriteManifest(dir, m))
	log, _, err := record.OpenLog(dir)
	require.NoError(t, err)
	for i := range trials {
		require.NoError(t, log.Append(trials[i]))
	}
	require.NoError(t, log.Close())
	return dir
}

// compare returns what Compare writes.
func compare(t *testing.T, o report.CompareOptions) string {
	t.Helper()
	if o.Metrics == nil {
		o.Metrics = []string{"throughput"}
	}
	var out bytes.Buffer
	require.NoError(t, report.Compare(&out, o))
	return out.String()
}

func TestCompareCellsOfOneRun(t *testing.T) {
	dir := aaDir(t, 1, 1, nil)
	out := compare(t, report.CompareOptions{A: dir + ":" + plain + "a", B: dir + ":" + all + "a", Metrics: []string{"throughput", "p99", "store-cpu", "response-p50"}})
	for _, want := range []string{
		"Paired by block", "Closed loop", "put throughput | ops/s", "put p99", "store-cpu", "|  10 |",
		"A and B differ in: apply perop and batch, codec json and protobuf, propose perop and batch, rpc default and tuned",
	} {
		require.Contains(t, out, want)
	}
	require.NotContains(t, out, "response-p50", "a closed loop has none")
	require.NotContains(t, out, "| unresolved")
	require.Regexp(t, `put throughput +\| ops/s .*\| +5\.\d+ \[\d\.\d+, \d\.\d+\] +\| different`, out)

	same := compare(t, report.CompareOptions{A: dir + ":" + plain + "a", B: dir + ":" + plain + "b"})
	require.NotContains(t, same, "different |", "copies do not differ")
}

func TestCompareRuns(t *testing.T) {
	before, after := aaDir(t, 1, 1, nil), aaDir(t, 2, 1.3, nil)
	out := compare(t, report.CompareOptions{A: before, B: after})
	require.Contains(t, out, "Two runs, unpaired")
	require.Regexp(t, all+"a` .* (unresolved|equivalent) +\\|", out)
	require.Regexp(t, all+"b` .*1\\.[23]\\d \\[1\\.\\d+, 1\\.\\d+\\] +\\| different +\\|", out)
	out = compare(t, report.CompareOptions{A: before, B: after, Cells: "*/arm=b"})
	require.NotContains(t, out, "arm=a")

	other := aaDir(t, 2, 1, func(m *record.Manifest, trials []record.Trial) {
		m.Env.CPUs, m.Env.Kernel = 64, "7.0"
		for i := range trials {
			trials[i].MeasureNS *= 2
			trials[i].Machine = &record.Machine{UserSeconds: 9, StealSeconds: 1}
		}
	})
	err := report.Compare(&bytes.Buffer{}, report.CompareOptions{A: before, B: other, Metrics: []string{"throughput"}})
	require.ErrorIs(t, err, report.ErrMachine)
	require.ErrorContains(t, err, "CPUs 2 and 64; kernel 6.1 and 7.0; --allow-different-machine")
	out = compare(t, report.CompareOptions{A: before, B: other, AllowDifferentMachine: true})
	require.Contains(t, out, "different machines: CPUs 2 and 64")
	require.Contains(t, out, "trials of 3.00 s and 6.00 s")
	require.Contains(t, out, "noisy neighbour: B, `"+plain+"a` (10.0 % of the CPU time stolen)")
}

func TestCompareRefusals(t *testing.T) {
	dir := aaDir(t, 1, 1, nil)
	unsafe := aaDir(t, 1, 1, func(_ *record.Manifest, trials []record.Trial) {
		for i := range trials {
			trials[i].Durability = record.TierUnsafe
		}
	})
	larger := aaDir(t, 1, 1, func(_ *record.Manifest, trials []record.Trial) {
		for i := range trials {
			trials[i].Workload.ValueBytes = 4096
		}
	})
	smoke := aaDir(t, 1, 1, func(m *record.Manifest, _ []record.Trial) { m.Level = "smoke" })
	newer := aaDir(t, 1, 1, nil)
	path := filepath.Join(newer, record.ManifestFile)
	manifest, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, bytes.Replace(manifest, []byte(`"schema": 1`), []byte(`"schema": 2`), 1), 0o644))
	for name, tc := range map[string]struct {
		o    report.CompareOptions
		is   error
		says string
	}{
		"itself":     {report.CompareOptions{A: dir, B: dir + "/."}, report.ErrCompare, "compared with itself"},
		"tier":       {report.CompareOptions{A: dir, B: unsafe}, stats.ErrTier, `"unsafe"`},
		"workload":   {report.CompareOptions{A: dir, B: larger}, stats.ErrWorkload, "value bytes 4096 and 256"},
		"smoke":      {report.CompareOptions{A: dir, B: smoke}, report.ErrCompare, "smoke run"},
		"schema":     {report.CompareOptions{A: dir, B: newer}, record.ErrSchema, "version 2"},
		"no cell":    {report.CompareOptions{A: dir + ":x", B: dir + ":" + all + "b"}, report.ErrCompare, `has no cell "x"; it has, for example, "copies/`},
		"one cell":   {report.CompareOptions{A: dir + ":" + all + "a", B: unsafe}, report.ErrCompare, "on both sides, or on neither"},
		"two globs":  {report.CompareOptions{A: dir + ":" + all + "a", B: dir + ":" + all + "b", Cells: "*"}, report.ErrCompare, "for whole runs"},
		"no match":   {report.CompareOptions{A: dir, B: unsafe, Cells: "rocksdb*"}, report.ErrCompare, `matches "rocksdb*"`},
		"bad glob":   {report.CompareOptions{A: dir, B: unsafe, Cells: "["}, report.ErrCompare, "syntax error"},
		"metric":     {report.CompareOptions{A: dir, B: dir, Metrics: []string{"speed"}}, report.ErrCompare, "throughput, p50, p99"},
		"no metric":  {report.CompareOptions{A: dir, B: dir, Metrics: []string{}}, report.ErrCompare, "no metric given"},
		"no value":   {report.CompareOptions{A: dir + ":" + all + "a", B: dir + ":" + all + "b", Metrics: []string{"response-p99"}}, report.ErrCompare, "no trial of both sides has response-p99"},
		"no records": {report.CompareOptions{A: t.TempDir(), B: dir}, nil, "manifest"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.o.Metrics == nil {
				tc.o.Metrics = []string{"throughput"}
			}
			var out bytes.Buffer
			err := report.Compare(&out, tc.o)
			require.ErrorContains(t, err, tc.says)
			if tc.is != nil {
				require.ErrorIs(t, err, tc.is)
			}
			require.Empty(t, out.String())
		})
	}
}
