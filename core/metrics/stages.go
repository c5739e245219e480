package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"metastorebench/core/trace"
)

// Descriptions of the stage trace's metrics, which exist only while stages are
// traced.
var (
	stageSeconds = prometheus.NewDesc("metastore_stage_seconds",
		"Time that traced writes spent in a stage; see package core/trace.", []string{"stage"}, nil)
	stageTotal = prometheus.NewDesc("metastore_stage_total_seconds",
		"Time from the arrival of traced writes to their reply, measured apart from the stages.", nil, nil)
	stageIncomplete = prometheus.NewDesc("metastore_stage_incomplete_total",
		"Traced writes that were carried out with a stage missing or out of order; always 0 in a sound store.", nil, nil)
)

// stages sums up traced writes. All of its metrics are read under one lock, so
// that in every scrape the stages are those of the same writes as the total.
type stages struct {
	mu         sync.Mutex
	count      uint64
	sums       trace.Times
	total      time.Duration
	incomplete uint64
}

var (
	_ trace.Observer       = (*stages)(nil)
	_ prometheus.Collector = (*stages)(nil)
)

// Stages registers the stage trace's metrics and returns the Observer that they
// are made of. It may be called once.
func (m *Metrics) Stages() trace.Observer {
	s := &stages{}
	m.registry.MustRegister(s)
	return s
}

// Traced implements trace.Observer.
func (s *stages) Traced(times trace.Times, total time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	for i, d := range times {
		s.sums[i] += d
	}
	s.total += total
}

// Incomplete implements trace.Observer.
func (s *stages) Incomplete() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.incomplete++
}

// Describe implements prometheus.Collector.
func (s *stages) Describe(out chan<- *prometheus.Desc) {
	out <- stageSeconds
	out <- stageTotal
	out <- stageIncomplete
}

// Collect implements prometheus.Collector.
func (s *stages) Collect(out chan<- prometheus.Metric) {
	s.mu.Lock()
	count, sums, total, incomplete := s.count, s.sums, s.total, s.incomplete
	s.mu.Unlock()
	for _, stage := range trace.Stages() {
		out <- prometheus.MustNewConstSummary(stageSeconds, count, sums[stage].Seconds(), nil, stage.String())
	}
	out <- prometheus.MustNewConstSummary(stageTotal, count, total.Seconds(), nil)
	out <- prometheus.MustNewConstMetric(stageIncomplete, prometheus.CounterValue, float64(incomplete))
}
