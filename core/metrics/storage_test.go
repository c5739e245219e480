package metrics

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
)

// metered is an engine of which only the account exists.
type metered struct {
	engine.Engine
	stats engine.StorageStats
	err   error
}

func (m *metered) StorageStats() (engine.StorageStats, error) { return m.stats, m.err }

func TestStorage(t *testing.T) {
	m := New("pebble")
	scrape := func() (int, string) {
		rec := httptest.NewRecorder()
		m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
		return rec.Code, "\n" + rec.Body.String()
	}
	code, page := scrape()
	require.Equal(t, http.StatusOK, code)
	require.NotContains(t, page, "metastore_storage_table_bytes", "no engine is open")

	e := &metered{stats: engine.StorageStats{
		WrittenBytes: 1, FlushedBytes: 2, CompactedBytes: 3, CompactionReadBytes: 4, TableBytes: 5, LiveBytes: 6, VisitedKeys: 7,
	}}
	m.Storage(e)
	_, page = scrape()
	for _, want := range []string{
		"metastore_storage_written_bytes_total 1",
		"metastore_storage_flushed_bytes_total 2",
		"metastore_storage_compacted_bytes_total 3",
		"metastore_storage_compaction_read_bytes_total 4",
		"metastore_storage_table_bytes 5",
		"metastore_storage_live_bytes 6",
		"metastore_storage_visited_keys_total 7",
	} {
		require.Contains(t, page, "\n"+want+"\n")
	}

	e.err = errors.New("the account is lost")
	code, page = scrape()
	require.Equal(t, http.StatusInternalServerError, code)
	require.Contains(t, page, "the account is lost")

	e.err = engine.ErrClosed
	code, page = scrape()
	require.Equal(t, http.StatusOK, code)
	require.NotContains(t, page, "metastore_storage_table_bytes")
}
