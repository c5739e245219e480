package metrics

import (
	"errors"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"metastorebench/core/engine"
)

// storageMetric is one field of an engine's account.
type storageMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(engine.StorageStats) int64
}

func storageTotal(name, help string, value func(engine.StorageStats) int64) storageMetric {
	return storageMetric{prometheus.NewDesc(name, help, nil, nil), prometheus.CounterValue, value}
}

func storageSize(name, help string, value func(engine.StorageStats) int64) storageMetric {
	return storageMetric{prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, value}
}

// storageMetrics exist only while an engine that keeps account is open.
var storageMetrics = []storageMetric{
	storageTotal("metastore_storage_written_bytes_total", "Keys and values brought in by batches, as stored.",
		func(s engine.StorageStats) int64 { return s.WrittenBytes }),
	storageTotal("metastore_storage_flushed_bytes_total", "Table files written from memtables.",
		func(s engine.StorageStats) int64 { return s.FlushedBytes }),
	storageTotal("metastore_storage_compacted_bytes_total", "Table files written by compactions.",
		func(s engine.StorageStats) int64 { return s.CompactedBytes }),
	storageTotal("metastore_storage_compaction_read_bytes_total", "Bytes read by compactions.",
		func(s engine.StorageStats) int64 { return s.CompactionReadBytes }),
	storageSize("metastore_storage_table_bytes", "Size of the table files that hold data.",
		func(s engine.StorageStats) int64 { return s.TableBytes }),
	storageSize("metastore_storage_live_bytes", "Estimate of the table files' size without overwritten and deleted data.",
		func(s engine.StorageStats) int64 { return s.LiveBytes }),
	storageTotal("metastore_storage_visited_keys_total", "Stored keys that scans and counts have stepped over.",
		func(s engine.StorageStats) int64 { return s.VisitedKeys }),
}

// storage shows the account of the engine that is open.
type storage struct {
	engine atomic.Pointer[engine.Metered]
}

var _ prometheus.Collector = (*storage)(nil)

// Storage shows the account of e from now on, instead of the one before. After
// e is closed nothing is shown.
func (m *Metrics) Storage(e engine.Metered) { m.storage.engine.Store(&e) }

// Describe implements prometheus.Collector.
func (s *storage) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range storageMetrics {
		ch <- m.desc
	}
}

// Collect implements prometheus.Collector. An account that cannot be had fails
// the scrape: zeros would look like one.
func (s *storage) Collect(ch chan<- prometheus.Metric) {
	e := s.engine.Load()
	if e == nil {
		return
	}
	stats, err := (*e).StorageStats()
	if errors.Is(err, engine.ErrClosed) {
		return
	}
	for _, m := range storageMetrics {
		if err != nil {
			ch <- prometheus.NewInvalidMetric(m.desc, err)
			continue
		}
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, float64(m.value(stats)))
	}
}
