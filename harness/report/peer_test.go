package report_test

import (
	"strings"
	"testing"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/harness/stats"
)

// peerRun is a run of plan peer in which a cell does so many operations a
// second, give or take 2 % by block.
func peerRun(t *testing.T, perSecond map[string]int64, blocks int) *stats.Run {
	t.Helper()
	m := record.Manifest{
		Schema: record.Schema, Plan: "peer", Level: "default", Seed: 1, Blocks: blocks, Env: record.Environment{CPUs: 2},
		PlanYAML: "baseline: {engine: memory}",
		Peers:    []record.Peer{{Target: "etcd", Version: "v3.7.3", GoVersion: "go1.26.0", SHA256: "0123456789abcdef", Modules: map[string]string{"go.etcd.io/bbolt": "v1.5.0"}}},
	}
	var trials []record.Trial
	for _, c := range []record.Cell{
		{ID: "etcd/put50", Workload: "put50", Target: "etcd"},
		{ID: "etcd/range10-of-100k", Workload: "range10-of-100k", Target: "etcd"},
		{ID: "memory/put50/index=ranked", Workload: "put50", Target: "metastore"},
		{ID: "memory/range10-of-100k/index=ranked", Workload: "range10-of-100k", Target: "metastore"},
		{ID: "pebble/put50", Workload: "put50", Target: "metastore"},
		{ID: "etcd/members=3/put50", Workload: "put50", Target: "etcd"},
		{ID: "memory/members=3/put50", Workload: "put50", Target: "metastore"},
	} {
		c.Options = map[string]string{"engine": "memory", "members": "1"}
		if strings.Contains(c.ID, "members=3") {
			c.Options["members"] = "3"
		}
		m.Cells = append(m.Cells, c)
		for block := range blocks {
			if rate := perSecond[c.ID]; rate > 0 {
				trials = append(trials, peerTrial(t, c, block, rate))
			}
		}
	}
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	return run
}

func peerTrial(t *testing.T, c record.Cell, block int, perSecond int64) record.Trial {
	t.Helper()
	op := record.OpPut
	if c.Workload != "put50" {
		op = record.OpRange
	}
	count := perSecond + perSecond*int64(block%3-1)/50
	h := hdr.New(1000, 60e9, 3)
	require.NoError(t, h.RecordValues(2_000_000, count))
	encoded, err := record.EncodeHDR(h)
	require.NoError(t, err)
	trial := record.Trial{
		Schema: record.Schema, Cell: c.ID, Block: block, MeasureNS: 1e9, Durability: record.TierSynced,
		Effective: map[string]string{"version": "3.7.3", "unsafe-no-fsync": "false"},
		Workload:  record.Workload{Name: c.Workload, Loop: record.LoopClosed, Clients: 50, Conns: 1, RangeKeys: 100_000, RangeLimit: 10, Mix: map[string]float64{op: 1}},
		Ops:       []record.OpStats{{Op: op, Count: count, ServiceHDR: encoded}},
		Store:     record.Process{CPUUserSeconds: 0.5, PeakRSSBytes: 50e6, HeapAllocs: 10 * count},
		Client:    record.Process{CPUUserSeconds: 0.5},
	}
	if op == record.OpPut {
		trial.Mechanism = &record.Mechanism{AppliedOps: count, Fsyncs: count / 10, FsyncNS: 1e8, WALBytes: 300 * count, LockWaitNS: record.Untold}
		if c.Target == "etcd" {
			trial.Mechanism.StorageCommits, trial.Mechanism.StorageCommitNS = 10, 2e7
		}
	}
	return trial
}

func peerSection(t *testing.T, r *stats.Run) string {
	t.Helper()
	s, err := report.Section(report.Input{Run: r, RunPath: "results/reference/peer", Document: "EXPERIMENTS.md", Section: "peer"})
	require.NoError(t, err)
	require.NotContains(t, s, "NaN")
	return s
}

func TestPeerSection(t *testing.T) {
	rates := map[string]int64{
		"etcd/put50": 5000, "memory/put50/index=ranked": 7500, "pebble/put50": 5000,
		"etcd/range10-of-100k": 500, "memory/range10-of-100k/index=ranked": 10_000,
	}
	got := peerSection(t, peerRun(t, rates, 6))
	for _, want := range []string{
		"The peer: etcd v3.7.3, built with go1.26.0 and go.etcd.io/bbolt v1.5.0; SHA-256 of the executable 0123456789ab.",
		"`unsafe-no-fsync=false`",
		"keeps every version of every key", "a range spans 100,000 keys and is answered with 10 of them and the count of all",
		"| 15.0: met", "| 1.80: missed", "put50, puts", "range10-of-100k, ranges", "memory, index=ranked",
		"0.100 / 0.100", "300 / 300", "n/a / n/a",
		"under put50 etcd's storage made 10.0 commits/s of 2.00 ms",
	} {
		require.Contains(t, got, want)
	}
	require.NotContains(t, got, "under range10-of-100k etcd's storage")
	require.Contains(t, peerSection(t, peerRun(t, rates, 2)), "15.0: not judged, without an interval")
}

// TestPeerOfAsManyMembers: a cluster is compared with a cluster, and judged by a
// goal of its own.
func TestPeerOfAsManyMembers(t *testing.T) {
	rates := map[string]int64{
		"etcd/put50": 5000, "memory/put50/index=ranked": 10_000,
		"etcd/members=3/put50": 3000, "memory/members=3/put50": 4800,
	}
	got := peerSection(t, peerRun(t, rates, 6))
	for _, want := range []string{"memory, members=3", "| 1.50: met", "| 1.80: met"} {
		require.Contains(t, got, want)
	}
	require.Equal(t, 1, strings.Count(got, "1.50: "))

	rates["memory/members=3/put50"] = 4000
	require.Contains(t, peerSection(t, peerRun(t, rates, 6)), "| 1.50: missed")
}

// Without the peer there is nothing to compare, and the section says only what
// was run.
func TestPeerThatWasNotMeasured(t *testing.T) {
	got := peerSection(t, peerRun(t, map[string]int64{"memory/put50/index=ranked": 7500}, 6))
	require.NotContains(t, got, "### Throughput against etcd")
	require.Contains(t, got, "7, of which 1 measured")
}
