package report_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/harness/stats"
)

// encoded is a histogram of n times d, and of tail times a longer one.
func encoded(t *testing.T, n int, d time.Duration, tail int, long time.Duration) string {
	t.Helper()
	h := record.NewHistogram()
	require.NoError(t, h.RecordValues(d.Nanoseconds(), int64(n)))
	require.NoError(t, h.RecordValues(long.Nanoseconds(), int64(tail)))
	s, err := record.EncodeHDR(h)
	require.NoError(t, err)
	return s
}

// stallRun is a run of plan stall with one open and one closed cell.
func stallRun(t *testing.T) *stats.Run {
	t.Helper()
	m := record.Manifest{Schema: record.Schema, Plan: "stall", Level: "default", Blocks: 2, Command: []string{"metabench", "run", "stall"}}
	var trials []record.Trial
	for _, loop := range []string{record.LoopOpen, record.LoopClosed} {
		cell := record.Cell{ID: "noop/" + loop + "/stall=200ms", Workload: loop, Target: "noop", Options: map[string]string{"stall": "200ms"}}
		m.Cells = append(m.Cells, cell)
		for block := range 2 {
			trial := record.Trial{
				Schema: record.Schema, Cell: cell.ID, Block: block, Order: len(trials), MeasureNS: 4e9, Durability: record.TierNone,
				Workload: record.Workload{Name: loop, Type: "put", API: "grpc", Loop: loop, Clients: 4, Conns: 1, KeyBytes: 8, ValueBytes: 64, Keys: 10, Mix: map[string]float64{"put": 1}},
				Ops:      []record.OpStats{{Op: record.OpPut, Count: 20_000, ServiceHDR: encoded(t, 19_996, time.Duration(block+1)*100*time.Microsecond, 4, 200*time.Millisecond)}},
			}
			if loop == record.LoopOpen {
				trial.Workload.Arrivals, trial.Workload.OfferedOpsPerSecond = record.ArrivalsConstant, 5000
				trial.Ops[0].ResponseHDR = encoded(t, 19_000, 150*time.Microsecond, 1000, 190*time.Millisecond)
				trial.OpenLoop = &record.OpenLoop{
					Due: 20_002, Sent: 20_000, Unsent: 2, MaxBacklog: 996,
					SendLagHDR: encoded(t, 19_000, 40*time.Microsecond, 1000, 189*time.Millisecond), TimingErrorHDR: encoded(t, 19_000, 40*time.Microsecond, 0, time.Second),
				}
			}
			trials = append(trials, trial)
		}
	}
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	return run
}

func TestStallSection(t *testing.T) {
	got, err := report.Section(report.Input{Run: stallRun(t), RunPath: "results/stall", Document: "EXPERIMENTS.md", Section: "stall"})
	require.NoError(t, err)
	path := filepath.Join("testdata", "stall.md")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "rewrite with -update if the change is meant")
}

// The export for benchstat has both clocks of an open loop.
func TestBenchfmtOfOpenLoop(t *testing.T) {
	run := stallRun(t)
	dir := t.TempDir()
	manifest, err := json.Marshal(run.Manifest)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, record.ManifestFile), manifest, 0o644))
	var lines []byte
	for _, c := range run.Cells {
		for _, trial := range c.Trials {
			line, err := json.Marshal(trial)
			require.NoError(t, err)
			lines = append(append(lines, line...), '\n')
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "records.jsonl"), lines, 0o644))
	var out strings.Builder
	require.NoError(t, report.WriteBenchfmt(&out, dir))
	require.Contains(t, out.String(), "loop: open")
	require.Equal(t, 2, strings.Count(out.String(), " 190054.399 response-p99-us"), "a line for each trial of the open cell")
}

func TestPaceOf(t *testing.T) {
	run := stallRun(t)
	open, closed := run.Cells[0], run.Cells[1]
	p, err := stats.PaceOf(open)
	require.NoError(t, err)
	require.Equal(t, []int64{40_004, 4, 996, 40_004, 38_000}, []int64{p.Due, p.Unsent, p.MaxBacklog, p.SendLag.Hist.TotalCount(), p.TimingError.Hist.TotalCount()})
	p, err = stats.PaceOf(closed)
	require.NoError(t, err)
	require.Zero(t, p.SendLag.Blocks)
	require.True(t, open.Open())
	require.False(t, closed.Open())
	open.Trials[1].OpenLoop.SendLagHDR = "damaged"
	_, err = stats.PaceOf(open)
	require.ErrorIs(t, err, record.ErrHistogram)
	require.ErrorContains(t, err, "block 1, send lag")
}
