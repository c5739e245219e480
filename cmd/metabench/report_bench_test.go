package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/stats/statstest"
)

// BenchmarkReport measures `metabench report` over a packed run of about 10,000
// trials, as a process of its own: time, and the peak of its memory.
//
//	go test ./cmd/metabench -run '^$' -bench Report -benchtime 1x
func BenchmarkReport(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "run")
	require.NoError(b, os.MkdirAll(dir, 0o755))
	m, trials := statstest.Phase1(statstest.Config{Seed: 1, Blocks: 60, Level: "full", Samples: 2000})
	require.NoError(b, record.WriteManifest(dir, m))
	log, _, err := record.OpenLog(dir)
	require.NoError(b, err)
	for i := range trials {
		require.NoError(b, log.Append(trials[i]))
	}
	require.NoError(b, log.Close())
	require.NoError(b, record.Pack(dir))
	var peak int64
	for b.Loop() {
		cmd := exec.Command(os.Args[0], "report", dir)
		out, err := cmd.CombinedOutput()
		require.NoError(b, err, "%s", out)
		peak = max(peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss<<10) // Linux counts KiB
	}
	b.ReportMetric(float64(len(trials)), "trials")
	b.ReportMetric(float64(peak), "peak-RSS-B")
}
