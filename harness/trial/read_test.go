package trial

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

func TestParseStat(t *testing.T) {
	// The command holds spaces and a parenthesis, as it may.
	u, err := parseStat([]byte("42 (a b) c) S 1 42 42 0 -1 4194560 1 2 3 4 250 130 0 0 20 0 9 0 1"))
	require.NoError(t, err)
	require.Equal(t, usage{userSeconds: 2.5, systemSeconds: 1.3}, u)
	for _, bad := range []string{"", "42 (a", "42 (a) S 1 2", "42 (a) S 1 42 42 0 -1 4194560 1 2 3 4 x -1 0 0"} {
		_, err := parseStat([]byte(bad))
		require.ErrorIs(t, err, ErrProc, bad)
	}
}

func TestParseHWM(t *testing.T) {
	n, err := parseHWM([]byte("Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t   2048 kB\n"))
	require.NoError(t, err)
	require.Equal(t, int64(2<<20), n)
	for _, bad := range []string{"", "VmHWM: x kB", "VmHWM: 1 MB", "VmHWM: 1"} {
		_, err := parseHWM([]byte(bad))
		require.ErrorIs(t, err, ErrProc, bad)
	}
}

func TestOwnUsageGrows(t *testing.T) {
	before, err := readUsage(os.Getpid())
	require.NoError(t, err)
	allocated := ownHeap()
	// Work until /proc's ticks show it, which the clock has done then.
	var after usage
	for after.userSeconds+after.systemSeconds <= before.userSeconds+before.systemSeconds {
		require.NotEmpty(t, bytes.Repeat([]byte{1}, 1<<20))
		after, err = readUsage(os.Getpid())
		require.NoError(t, err)
	}
	require.Greater(t, after.cpuNS, before.cpuNS)
	used := between(before, after)
	require.InDelta(t, float64(after.cpuNS-before.cpuNS)/1e9, used.CPUUserSeconds+used.CPUSystemSeconds, 1e-9)
	require.Positive(t, after.peakRSSBytes) // the kernel keeps it by CPU, so it may seem to shrink a little
	require.Greater(t, ownHeap().allocs, allocated.allocs)
	_, err = readUsage(1 << 30)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// page is a /metrics page with everything that is read, and more.
const page = `# HELP go_memstats_mallocs_total x
# TYPE go_memstats_mallocs_total counter
go_memstats_mallocs_total 1.5e+06
# TYPE go_memstats_alloc_bytes_total counter
go_memstats_alloc_bytes_total 100
# TYPE metastore_applied_ops_total counter
metastore_applied_ops_total 7
# TYPE metastore_other gauge
metastore_other 3
# TYPE metastore_raft_proposal_batch_size histogram
metastore_raft_proposal_batch_size_bucket{le="1"} 1
metastore_raft_proposal_batch_size_bucket{le="+Inf"} 2
metastore_raft_proposal_batch_size_sum 7
metastore_raft_proposal_batch_size_count 2
# TYPE metastore_raft_ready_entries histogram
metastore_raft_ready_entries_bucket{le="+Inf"} 1
metastore_raft_ready_entries_sum 3
metastore_raft_ready_entries_count 1
# TYPE metastore_raft_append_entries histogram
metastore_raft_append_entries_bucket{le="+Inf"} 2
metastore_raft_append_entries_sum 12
metastore_raft_append_entries_count 2
# TYPE metastore_raft_appends_in_flight histogram
metastore_raft_appends_in_flight_bucket{le="+Inf"} 2
metastore_raft_appends_in_flight_sum 5
metastore_raft_appends_in_flight_count 2
# TYPE metastore_wal_fsyncs_total counter
metastore_wal_fsyncs_total{policy="a"} 4
metastore_wal_fsyncs_total{policy="b"} 5
# TYPE metastore_wal_fsync_duration_seconds histogram
metastore_wal_fsync_duration_seconds_bucket{le="+Inf"} 9
metastore_wal_fsync_duration_seconds_sum 0.25
metastore_wal_fsync_duration_seconds_count 9
# TYPE metastore_wal_bytes_total counter
metastore_wal_bytes_total 4096
# TYPE metastore_storage_lock_wait_seconds histogram
metastore_storage_lock_wait_seconds_bucket{le="+Inf"} 1
metastore_storage_lock_wait_seconds_sum 0.001
metastore_storage_lock_wait_seconds_count 1
`

// parsePage reads a page of our store.
func parsePage(r io.Reader) (counters, error) { return parseCounters(r, false, (*reader).metastore) }

func TestParseCounters(t *testing.T) {
	c, err := parsePage(strings.NewReader(page))
	require.NoError(t, err)
	require.Equal(t, heap{allocs: 1_500_000, bytes: 100}, c.heap)
	m := c.since(counters{})
	require.Equal(t, []int64{7, 2, 7, 1, 3, 2, 12, 5, 9, 250_000_000, 4096, 1_000_000, 7}, []int64{
		m.AppliedOps, m.Proposals, m.ProposedOps, m.Readys, m.ReadyEntries, m.Appends, m.AppendEntries, m.AppendsInFlight, m.Fsyncs, m.FsyncNS, m.WALBytes, m.LockWaitNS, m.TotalAppliedOps,
	})
	m = c.since(c)
	require.Zero(t, m.AppliedOps)
	require.Equal(t, int64(7), m.TotalAppliedOps, "a total, not a difference")
	_, err = parsePage(strings.NewReader(strings.ReplaceAll(page, "metastore_wal_bytes_total", "renamed")))
	require.ErrorIs(t, err, ErrMetrics)
	require.ErrorContains(t, err, "metastore_wal_bytes_total: missing")
	_, err = parsePage(strings.NewReader(strings.ReplaceAll(page, "_applied_ops_total counter", "_applied_ops_total gauge")))
	require.ErrorContains(t, err, "metastore_applied_ops_total: is a GAUGE, want a counter")
	older, err := parseCounters(strings.NewReader(strings.ReplaceAll(page, "metastore_raft_append", "renamed")), true, (*reader).metastore)
	require.NoError(t, err)
	m = older.since(older)
	require.Equal(t, []int64{record.Untold, record.Untold, record.Untold, 0}, []int64{m.Appends, m.AppendEntries, m.AppendsInFlight, m.Readys})
	older, err = parseCounters(strings.NewReader(strings.ReplaceAll(page, "metastore_wal_bytes_total", "renamed")), true, (*reader).metastore)
	require.NoError(t, err)
	require.Equal(t, int64(record.Untold), older.since(older).WALBytes)
	_, err = parseCounters(strings.NewReader(strings.ReplaceAll(page, "metastore_applied_ops_total", "renamed")), true, (*reader).metastore)
	require.ErrorContains(t, err, "metastore_applied_ops_total: missing")
	_, err = parsePage(strings.NewReader("}{"))
	require.ErrorIs(t, err, ErrMetrics)
}

// TestParseStorage: the account of the storage library is read where there is
// one, totals as differences and sizes as they are at the end.
func TestParseStorage(t *testing.T) {
	const storage = `# TYPE metastore_storage_written_bytes_total counter
metastore_storage_written_bytes_total 10
# TYPE metastore_storage_flushed_bytes_total counter
metastore_storage_flushed_bytes_total 20
# TYPE metastore_storage_compacted_bytes_total counter
metastore_storage_compacted_bytes_total 30
# TYPE metastore_storage_compaction_read_bytes_total counter
metastore_storage_compaction_read_bytes_total 40
# TYPE metastore_storage_table_bytes gauge
metastore_storage_table_bytes 50
# TYPE metastore_storage_live_bytes gauge
metastore_storage_live_bytes 45
`
	read := func(m *record.Mechanism) []int64 {
		return []int64{
			m.StorageWrittenBytes, m.StorageFlushedBytes, m.StorageCompactedBytes, m.StorageCompactionReadBytes,
			m.StorageTableBytes, m.StorageLiveBytes,
		}
	}
	c, err := parsePage(strings.NewReader(page + storage))
	require.NoError(t, err)
	require.Equal(t, []int64{10, 20, 30, 40, 50, 45}, read(c.since(counters{})))
	require.Equal(t, []int64{0, 0, 0, 0, 50, 45}, read(c.since(c)))
	none, err := parsePage(strings.NewReader(page))
	require.NoError(t, err)
	require.Equal(t, make([]int64, 6), read(none.since(counters{})))

	_, err = parsePage(strings.NewReader(page + strings.ReplaceAll(storage, "live_bytes gauge", "live_bytes untyped")))
	require.ErrorContains(t, err, "metastore_storage_live_bytes: is a UNTYPED, want a counter or a gauge")
	_, err = parsePage(strings.NewReader(page + storage + "metastore_storage_live_bytes{a=\"b\"} 1\n"))
	require.ErrorContains(t, err, "metastore_storage_live_bytes: has 2 values, want one")
}

// etcdPage is what of an etcd member's /metrics is read.
const etcdPage = `# TYPE go_memstats_mallocs_total counter
go_memstats_mallocs_total 1000
# TYPE go_memstats_alloc_bytes_total counter
go_memstats_alloc_bytes_total 100
# TYPE etcd_mvcc_put_total counter
etcd_mvcc_put_total 40
# TYPE etcd_mvcc_delete_total counter
etcd_mvcc_delete_total 2
# TYPE etcd_disk_wal_fsync_duration_seconds histogram
etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 9
etcd_disk_wal_fsync_duration_seconds_sum 0.25
etcd_disk_wal_fsync_duration_seconds_count 9
# TYPE etcd_disk_wal_write_bytes_total gauge
etcd_disk_wal_write_bytes_total 4096
# TYPE etcd_disk_backend_commit_duration_seconds histogram
etcd_disk_backend_commit_duration_seconds_bucket{le="+Inf"} 3
etcd_disk_backend_commit_duration_seconds_sum 0.5
etcd_disk_backend_commit_duration_seconds_count 3
`

// TestParseEtcd: what a peer does not show is told apart from a zero, in the
// record and in what is made of it.
func TestParseEtcd(t *testing.T) {
	c, err := parseCounters(strings.NewReader(etcdPage), false, (*reader).etcd)
	require.NoError(t, err)
	require.Equal(t, heap{allocs: 1000, bytes: 100}, c.heap)
	const no = record.Untold
	want := record.Mechanism{
		TotalAppliedOps: 42, Proposals: no, ProposedOps: no, Readys: no, ReadyEntries: no,
		Appends: no, AppendEntries: no, AppendsInFlight: no, LockWaitNS: no,
	}
	require.Equal(t, &want, c.since(c))
	want.AppliedOps, want.Fsyncs, want.FsyncNS, want.WALBytes = 42, 9, 250_000_000, 4096
	want.StorageCommits, want.StorageCommitNS = 3, 500_000_000
	require.Equal(t, &want, c.since(counters{}))

	for _, metric := range []string{
		"etcd_mvcc_put_total", "etcd_mvcc_delete_total", "etcd_disk_wal_fsync_duration_seconds",
		"etcd_disk_wal_write_bytes_total", "etcd_disk_backend_commit_duration_seconds",
	} {
		_, err := parseCounters(strings.NewReader(strings.ReplaceAll(etcdPage, metric, "renamed")), false, (*reader).etcd)
		require.ErrorContains(t, err, metric+": missing")
	}
}

// FuzzCounters: no page may panic the parser, and none without all metrics may
// pass.
func FuzzCounters(f *testing.F) {
	f.Add([]byte(page))
	f.Add([]byte("a_bucket{le=\"+Inf\"} 1\n"))
	f.Fuzz(func(t *testing.T, page []byte) {
		if _, err := parsePage(bytes.NewReader(page)); err == nil {
			require.Contains(t, string(page), "metastore_applied_ops_total")
		}
	})
}

func TestArgv(t *testing.T) {
	s := spec(t, "put", "none")
	m := member{dir: "/data", peerURL: anyURL}
	got := strings.Join(s.argv(m)[1:], " ")
	require.Equal(t, "--data-dir=/data --log-level=error --listen-client-urls=http://127.0.0.1:0 "+
		"--listen-client-http-urls=http://127.0.0.1:0 --listen-peer-urls=http://127.0.0.1:0 --seed=7 --engine=memory --fault=none --propose=batch", got)

	s.Cell.Target, s.Etcd = targetEtcd, "/bin/peer-etcd"
	require.Equal(t, "/bin/peer-etcd --data-dir=/data --log-level=error --listen-client-urls=http://127.0.0.1:0 "+
		"--listen-client-http-urls=http://127.0.0.1:0 --listen-peer-urls=http://127.0.0.1:0", strings.Join(s.argv(m), " "))
}
