// Package metrics holds the node's Prometheus metrics, under the names that
// DESIGN.md fixes, with the Go and process collectors beside them.
//
// The hot path's collectors are resolved once, so that an observation costs a
// few atomic operations. All methods are safe for concurrent use.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Metrics are one node's metrics in a registry of their own.
type Metrics struct {
	registry *prometheus.Registry

	ops        *prometheus.CounterVec
	opSeconds  *prometheus.HistogramVec
	succeeded  map[string]prometheus.Counter
	durations  map[string]prometheus.Observer
	batchSize  prometheus.Histogram
	readySize  prometheus.Histogram
	appendSize prometheus.Histogram
	inFlight   prometheus.Histogram
	fsyncs     prometheus.Counter
	fsyncTime  prometheus.Histogram
	walBytes   prometheus.Counter
	lockWait   prometheus.Histogram
	appliedOps prometheus.Counter
	copied     map[string]prometheus.Counter
	storage    storage
}

// New returns the metrics of a node that runs the named engine. operations are
// the operation names that OpDone will be given.
func New(engine string, operations ...string) *Metrics {
	// From 16 us to 2.1 s, doubling.
	latency := prometheus.ExponentialBuckets(16e-6, 2, 18)
	sizes := prometheus.ExponentialBuckets(1, 2, 13)
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		ops: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "metastore_ops_total", Help: "Operations answered, by gRPC status code. Those of a batch count one by one.",
			ConstLabels: prometheus.Labels{"engine": engine},
		}, []string{"operation", "status"}),
		opSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "metastore_op_duration_seconds", Help: "Time from the decoded request to the answer. A batch counts once.",
			Buckets: latency, ConstLabels: prometheus.Labels{"engine": engine},
		}, []string{"operation"}),
		batchSize:  histogram("metastore_raft_proposal_batch_size", "Commands in one proposed log entry.", sizes),
		readySize:  histogram("metastore_raft_ready_entries", "New log entries in one Ready that had any.", sizes),
		appendSize: histogram("metastore_raft_append_entries", "Log entries in one message from this leader to a follower.", sizes),
		inFlight:   histogram("metastore_raft_appends_in_flight", "Messages with log entries that a follower has yet to answer when one is sent to it, that one included.", sizes),
		fsyncs:     counter("metastore_wal_fsyncs_total", "Syncs of the Raft log."),
		fsyncTime:  histogram("metastore_wal_fsync_duration_seconds", "Duration of a sync of the Raft log, device profile included.", latency),
		walBytes:   counter("metastore_wal_bytes_total", "Bytes written to the Raft log, framing included."),
		lockWait:   histogram("metastore_storage_lock_wait_seconds", "Waits for the storage lock; uncontended acquisitions are not counted.", prometheus.ExponentialBuckets(1e-6, 4, 12)),
		appliedOps: counter("metastore_applied_ops_total", "Write commands applied to the engine since the start, those of a replayed log included."),
		copied:     make(map[string]prometheus.Counter),
		succeeded:  make(map[string]prometheus.Counter),
		durations:  make(map[string]prometheus.Observer),
	}
	for _, op := range operations {
		m.succeeded[op] = m.ops.WithLabelValues(op, "OK")
		m.durations[op] = m.opSeconds.WithLabelValues(op)
	}
	copies := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "metastore_write_copied_bytes_total",
		Help: "Bytes of write commands copied, or written by an encoder, on their way: encoded, put into a log entry, decoded to be applied. The log's own buffer is metastore_wal_bytes_total.",
	}, []string{"at"})
	for _, at := range []string{CopyEncode, CopyEntry, CopyDecode} {
		m.copied[at] = copies.WithLabelValues(at)
	}
	m.registry.MustRegister(
		copies, m.ops, m.opSeconds, m.batchSize, m.readySize, m.appendSize, m.inFlight, m.fsyncs, m.fsyncTime, m.walBytes, m.lockWait, m.appliedOps, &m.storage,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
}

// Handler serves the metrics in the Prometheus text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// OpDone counts one answered request; op must be one of the names given to New.
func (m *Metrics) OpDone(op string, err error, d time.Duration) {
	m.durations[op].Observe(d.Seconds())
	if err == nil {
		m.succeeded[op].Inc()
		return
	}
	m.ops.WithLabelValues(op, status.Code(err).String()).Inc()
}

// BatchDone counts one answered batch: ok operations that were carried out, and
// the others by code. op must be one of the names given to New.
func (m *Metrics) BatchDone(op string, ok int, failed map[codes.Code]int, d time.Duration) {
	m.durations[op].Observe(d.Seconds())
	m.succeeded[op].Add(float64(ok))
	for code, n := range failed {
		m.ops.WithLabelValues(op, code.String()).Add(float64(n))
	}
}

// The places that Copied may be given.
const (
	CopyEncode = "encode"
	CopyEntry  = "entry"
	CopyDecode = "decode"
)

// Copied counts bytes of write commands copied at one of the places above.
func (m *Metrics) Copied(at string, bytes int) { m.copied[at].Add(float64(bytes)) }

// Proposed counts one proposed log entry of ops commands.
func (m *Metrics) Proposed(ops int) { m.batchSize.Observe(float64(ops)) }

// Ready counts one Ready with new entries.
func (m *Metrics) Ready(entries int) { m.readySize.Observe(float64(entries)) }

// Appended counts one message of so many entries to a follower that has yet to
// answer inFlight of them, this one included.
func (m *Metrics) Appended(entries, inFlight int) {
	m.appendSize.Observe(float64(entries))
	m.inFlight.Observe(float64(inFlight))
}

// Synced counts one sync of the log.
func (m *Metrics) Synced(d time.Duration) {
	m.fsyncs.Inc()
	m.fsyncTime.Observe(d.Seconds())
}

// Wrote counts bytes written to the log.
func (m *Metrics) Wrote(bytes int) { m.walBytes.Add(float64(bytes)) }

// LockWaited counts one contended acquisition of the storage lock.
func (m *Metrics) LockWaited(d time.Duration) { m.lockWait.Observe(d.Seconds()) }

// Applied counts commands applied.
func (m *Metrics) Applied(ops int) { m.appliedOps.Add(float64(ops)) }
