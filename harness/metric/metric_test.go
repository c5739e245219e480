package metric_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/metric"
	"metastorebench/harness/record"
)

// trial is a second of 100 puts and 300 gets of which 100 more failed.
func trial() *record.Trial {
	return &record.Trial{
		MeasureNS: 1e9,
		Workload:  record.Workload{KeyBytes: 8, ValueBytes: 992, PreloadKeys: 500},
		Ops: []record.OpStats{
			{Op: record.OpPut, Count: 100},
			{Op: record.OpGet, Count: 300, Errors: map[string]int64{"Unavailable": 100}},
		},
		Store:  record.Process{CPUUserSeconds: 0.003, CPUSystemSeconds: 0.001, PeakRSSBytes: 5e6, HeapAllocs: 800, HeapAllocBytes: 4000},
		Client: record.Process{CPUUserSeconds: 0.002, HeapAllocs: -1, HeapAllocBytes: -1},
		Mechanism: &record.Mechanism{
			AppliedOps: 100, Proposals: 25, ProposedOps: 100, Readys: 5, ReadyEntries: 25, Fsyncs: 20, FsyncNS: 2e8, WALBytes: 5000,
			LockWaitNS: 4000, Appends: 10, AppendEntries: 40, AppendsInFlight: 5,
			StorageWrittenBytes: 2 << 20, StorageFlushedBytes: 2 << 20, StorageCompactedBytes: 4 << 20,
			StorageTableBytes: 3 << 20, StorageLiveBytes: 1 << 20, StorageCommits: 4, StorageCommitNS: 8e6,
		},
		Preload: &record.Preload{DurationNS: 5e8, Mechanism: &record.Mechanism{StorageWrittenBytes: 10, StorageFlushedBytes: 15}},
	}
}

// TestValues: what each metric reads out of one trial, by hand.
func TestValues(t *testing.T) {
	machine := metric.Machine{CPUs: 2}
	for _, tc := range []struct {
		name, op string
		want     float64
	}{
		{"throughput", record.OpPut, 100}, {"throughput", record.OpGet, 300}, {"bandwidth", record.OpPut, 0.1},
		{"failed_share", "", 20}, {"store_cpu", "", 10}, {"client_cpu", "", 5}, {"cpu_share", "", 0.2},
		{"allocs", "", 2}, {"alloc_bytes", "", 10}, {"peak_rss", "", 5},
		{"fsyncs_per_write", "", 0.2}, {"writes_per_fsync", "", 5}, {"fsync_mean", "", 10_000}, {"sync_share", "", 20},
		{"ops_per_proposal", "", 4}, {"proposals_per_write", "", 0.25}, {"entries_per_ready", "", 5},
		{"entries_per_append", "", 4}, {"appends_in_flight", "", 0.5}, {"wal_bytes_per_write", "", 50}, {"lock_wait", "", 10},
		{"write_amplification", "", 3}, {"space_amplification", "", 3}, {"storage_written", "", 2}, {"storage_tables", "", 3},
		{"storage_commit_rate", "", 4}, {"storage_commit_mean", "", 2}, {"preload_rate", "", 1000}, {"preload_write_amplification", "", 1.5},
	} {
		got, ok := metric.Must(tc.name).Of(machine, tc.op)(trial())
		require.True(t, ok, tc.name)
		require.InDelta(t, tc.want, got, 1e-9, tc.name)
	}
}

// TestNothingIsInvented: a trial without a counter does not have the metric.
func TestNothingIsInvented(t *testing.T) {
	tr := trial()
	tr.Mechanism, tr.Store.HeapAllocs, tr.Preload = nil, -1, nil
	for _, name := range []string{"fsyncs_per_write", "sync_share", "allocs", "lock_wait", "preload_rate", "stage_append", "append_share", "response_p99"} {
		_, ok := metric.Must(name).Of(metric.Machine{CPUs: 2}, record.OpPut)(tr)
		require.False(t, ok, name)
	}
	_, ok := metric.Must("throughput").Of(metric.Machine{}, record.OpRange)(tr)
	require.False(t, ok, "no ranges were sent")
	for _, m := range metric.All() {
		_, ok := m.Of(metric.Machine{}, record.OpPut)(&record.Trial{})
		require.False(t, ok, "%s of an empty trial", m.Name)
	}
}

// TestStages: parts of a traced write, and its rest, add up to what the client measured.
func TestStages(t *testing.T) {
	tr := trial()
	tr.Ops = []record.OpStats{{Op: record.OpPut, Count: 1000, ServiceHDR: histogram(t, 1000)}}
	tr.Stages = &record.Stages{Samples: 10, TotalNS: 3e6, SumNS: map[string]int64{record.StageAppend: 2e6, record.StageApply: 1e6}}
	read := func(name string) float64 {
		v, ok := metric.Must(name).Of(metric.Machine{}, "")(tr)
		require.True(t, ok, name)
		return v
	}
	require.InDelta(t, 200, read("stage_append"), 1e-9)
	require.InDelta(t, 100*200/read("service_mean"), read("append_share"), 1e-9)
	require.InDelta(t, read("service_mean"), 300+read("stage_outside"), 1e-9)
	require.InDelta(t, 100, read("append_share")+read("apply_share")+read("rpc_outside_share"), 1e-9)
}

func histogram(t *testing.T, n int) string {
	t.Helper()
	h := record.NewHistogram()
	for i := range n {
		require.NoError(t, h.RecordValue(int64(i+1)*1000))
	}
	text, err := record.EncodeHDR(h)
	require.NoError(t, err)
	return text
}

func TestPercentileOfATrial(t *testing.T) {
	tr := record.Trial{Ops: []record.OpStats{{Op: record.OpPut, ServiceHDR: histogram(t, 1000)}}}
	v, ok := metric.Must("p99").Of(metric.Machine{}, record.OpPut)(&tr)
	require.True(t, ok)
	require.InEpsilon(t, 0.99, v, 0.002, "in milliseconds")
	_, ok = metric.Must("p99.9").Of(metric.Machine{}, record.OpPut)(&tr)
	require.False(t, ok, "one operation lies beyond, ten are needed")
	_, ok = metric.Must("p50").Of(metric.Machine{}, record.OpGet)(&tr)
	require.False(t, ok)
	tr.Ops[0].ServiceHDR = "damaged"
	_, ok = metric.Must("p50").Of(metric.Machine{}, record.OpPut)(&tr)
	require.False(t, ok)
}

func TestMinSamples(t *testing.T) {
	for p, want := range map[float64]int64{0: 10, 50: 20, 90: 100, 99: 1000, 99.9: 10_000, 99.99: 100_000} {
		require.Equal(t, want, metric.MinSamples(p), "p%g", p)
	}
}

// TestRegistry: every entry is complete, and has a name of its own.
func TestRegistry(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9_.]*$`)
	seen := map[string]bool{}
	for _, m := range metric.All() {
		require.Regexp(t, name, m.Name)
		require.False(t, seen[m.Name], "%s twice", m.Name)
		seen[m.Name] = true
		require.NotEmpty(t, m.Title, m.Name)
		require.NotEmpty(t, m.Source, m.Name)
		require.Contains(t, []metric.Direction{metric.Higher, metric.Lower, metric.Neither}, m.Better, m.Name)
		require.Contains(t, []metric.Summary{metric.Blocks, metric.Sums, metric.Merged, metric.Counted}, m.Summary, m.Name)
		require.Equal(t, m.Summary == metric.Merged, m.Percentile > 0, m.Name)
	}
	require.Equal(t, "p99, ms", metric.Must("p99").Heading())
	_, err := metric.ByName("speed")
	require.ErrorContains(t, err, `unknown metric "speed"; accepted: throughput, `)
}
