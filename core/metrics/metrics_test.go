package metrics_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/metrics"
)

// TestNames pins the names and labels that dashboards and the harness read.
func TestNames(t *testing.T) {
	m := metrics.New("memory", "put", "batch_put")
	m.OpDone("put", nil, time.Millisecond)
	m.OpDone("put", status.Error(codes.ResourceExhausted, "full"), time.Millisecond)
	m.BatchDone("batch_put", 7, map[codes.Code]int{codes.InvalidArgument: 2}, time.Millisecond)
	m.Proposed(3)
	m.Ready(2)
	m.Appended(5, 3)
	m.Synced(2 * time.Millisecond)
	m.Wrote(100)
	m.LockWaited(time.Microsecond)
	m.Applied(3)
	m.Copied(metrics.CopyEntry, 300)
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	lines := "\n" + rec.Body.String()
	for _, want := range []string{
		`metastore_ops_total{engine="memory",operation="put",status="OK"} 1`,
		`metastore_ops_total{engine="memory",operation="put",status="ResourceExhausted"} 1`,
		`metastore_op_duration_seconds_count{engine="memory",operation="put"} 2`,
		`metastore_ops_total{engine="memory",operation="batch_put",status="OK"} 7`,
		`metastore_ops_total{engine="memory",operation="batch_put",status="InvalidArgument"} 2`,
		`metastore_op_duration_seconds_count{engine="memory",operation="batch_put"} 1`,
		`metastore_raft_proposal_batch_size_sum 3`,
		`metastore_raft_ready_entries_sum 2`,
		`metastore_raft_append_entries_sum 5`,
		`metastore_raft_appends_in_flight_sum 3`,
		`metastore_wal_fsyncs_total 1`,
		`metastore_write_copied_bytes_total{at="entry"} 300`,
		`metastore_wal_fsync_duration_seconds_sum 0.002`,
		`metastore_wal_bytes_total 100`,
		`metastore_storage_lock_wait_seconds_count 1`,
		`metastore_applied_ops_total 3`,
	} {
		require.Contains(t, lines, "\n"+want+"\n")
	}
	require.True(t, strings.Contains(lines, "\ngo_memstats_mallocs_total ") && strings.Contains(lines, "\nprocess_cpu_seconds_total "))
}
