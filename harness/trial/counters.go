package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"metastorebench/harness/record"
)

// ErrMetrics says that the store's /metrics cannot be used.
var ErrMetrics = errors.New("store's metrics")

// counters are the store's totals since it started.
type counters struct {
	record.Mechanism
	heap   heap
	stages *stageSums // nil unless the store traces its stages
}

// countersOf says how to read the counters of each kind of target that has any.
var countersOf = map[string]func(*reader) counters{
	targetMetastore: (*reader).metastore,
	targetEtcd:      (*reader).etcd,
}

// scrape reads the counters of a target that has any: those of the member that
// clients talk to, with the allocations of all members.
func (t *target) scrape(ctx context.Context) (counters, error) {
	c, err := t.scrapeMember(ctx, t.line.HTTP)
	for _, p := range t.procs {
		if err != nil || p.Ready.HTTP == t.line.HTTP {
			continue
		}
		var other counters
		other, err = t.scrapeMember(ctx, p.Ready.HTTP)
		c.heap.allocs += other.heap.allocs
		c.heap.bytes += other.heap.bytes
	}
	return c, err
}

// scrapeMember reads the counters of one member from /metrics at host:port.
func (t *target) scrapeMember(ctx context.Context, endpoint string) (c counters, err error) {
	err = t.metrics(ctx, endpoint, func(r io.Reader) error {
		c, err = parseCounters(r, t.older, countersOf[t.kind])
		return err
	})
	return c, err
}

// metrics has the page /metrics at host:port read.
func (t *target) metrics(ctx context.Context, endpoint string, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+endpoint+"/metrics", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMetrics, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: HTTP status %s", ErrMetrics, resp.Status)
	}
	return read(resp.Body)
}

// parseCounters reads Prometheus's text format. A metric that is missing is an
// error: a renamed counter must not turn into a column of zeros. Only of an older
// store what explains a throughput may be missing: it is record.Untold.
func parseCounters(r io.Reader, older bool, read func(*reader) counters) (counters, error) {
	families, err := parseFamilies(r)
	if err != nil {
		return counters{}, err
	}
	f := reader{families: families, older: older}
	c := read(&f)
	c.TotalAppliedOps = c.AppliedOps
	c.heap = heap{
		allocs: f.counter("go_memstats_mallocs_total"),
		bytes:  f.counter("go_memstats_alloc_bytes_total"),
	}
	return c, errors.Join(f.errs...)
}

func parseFamilies(r io.Reader) (map[string]*dto.MetricFamily, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMetrics, err)
	}
	return families, nil
}

// CounterPrefix begins the names of the store's own counters.
const CounterPrefix = "metastore_"

// Counters starts the store of a spec, stops it and returns the names of all
// counters, gauges and histograms of its own that it shows, in order. Those that
// come with their first use are not among them.
func Counters(ctx context.Context, s Spec) (names []string, err error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	t, err := start(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.discard()) }()
	err = t.metrics(ctx, t.line.HTTP, func(r io.Reader) error {
		families, err := parseFamilies(r)
		for name := range families {
			if strings.HasPrefix(name, CounterPrefix) {
				names = append(names, name)
			}
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

// metastore reads the counters of our store.
func (f *reader) metastore() (c counters) {
	c.AppliedOps = f.counter("metastore_applied_ops_total")
	c.Proposals, c.ProposedOps = f.histogram("metastore_raft_proposal_batch_size", 1)
	c.Readys, c.ReadyEntries = f.histogram("metastore_raft_ready_entries", 1)
	c.Appends, c.AppendEntries = f.histogram("metastore_raft_append_entries", 1)
	_, c.AppendsInFlight = f.histogram("metastore_raft_appends_in_flight", 1)
	c.Fsyncs = f.shown("metastore_wal_fsyncs_total")
	_, c.FsyncNS = f.histogram("metastore_wal_fsync_duration_seconds", 1e9)
	c.WALBytes = f.shown("metastore_wal_bytes_total")
	_, c.LockWaitNS = f.histogram("metastore_storage_lock_wait_seconds", 1e9)
	c.StorageWrittenBytes = f.optional("metastore_storage_written_bytes_total")
	c.StorageFlushedBytes = f.optional("metastore_storage_flushed_bytes_total")
	c.StorageCompactedBytes = f.optional("metastore_storage_compacted_bytes_total")
	c.StorageCompactionReadBytes = f.optional("metastore_storage_compaction_read_bytes_total")
	c.StorageTableBytes = f.optional("metastore_storage_table_bytes")
	c.StorageLiveBytes = f.optional("metastore_storage_live_bytes")
	c.stages = f.stages()
	return c
}

// reader takes values from metric families and collects what is wrong.
type reader struct {
	families map[string]*dto.MetricFamily
	older    bool // what shown and histogram read may be missing
	errs     []error
}

func (r *reader) fail(name, what string) {
	r.errs = append(r.errs, fmt.Errorf("%w: %s: %s", ErrMetrics, name, what))
}

// counter sums up a counter over its labels.
func (r *reader) counter(name string) int64 {
	family, ok := r.families[name]
	if !ok {
		r.fail(name, "missing")
		return 0
	}
	sum := 0.0
	for _, m := range family.GetMetric() {
		if m.GetCounter() == nil {
			r.fail(name, "is a "+family.GetType().String()+", want a counter")
			return 0
		}
		sum += m.GetCounter().GetValue()
	}
	return int64(sum)
}

// shown is counter, but for an older store without it.
func (r *reader) shown(name string) int64 {
	if _, ok := r.families[name]; !ok && r.older {
		return record.Untold
	}
	return r.counter(name)
}

// optional returns the value of a counter or gauge that not every store has, 0
// if it is missing.
func (r *reader) optional(name string) int64 {
	family, ok := r.families[name]
	if !ok {
		return 0
	}
	return r.single(name, family)
}

// number returns the value of a counter or gauge that has to be there.
func (r *reader) number(name string) int64 {
	family, ok := r.families[name]
	if !ok {
		r.fail(name, "missing")
		return 0
	}
	return r.single(name, family)
}

// single returns the value of a counter or gauge without labels.
func (r *reader) single(name string, family *dto.MetricFamily) int64 {
	if len(family.GetMetric()) != 1 {
		r.fail(name, fmt.Sprintf("has %d values, want one", len(family.GetMetric())))
		return 0
	}
	switch m := family.GetMetric()[0]; family.GetType() {
	case dto.MetricType_COUNTER:
		return int64(m.GetCounter().GetValue())
	case dto.MetricType_GAUGE:
		return int64(m.GetGauge().GetValue())
	}
	r.fail(name, "is a "+family.GetType().String()+", want a counter or a gauge")
	return 0
}

// histogram sums up a histogram's count and sum over its labels; scale converts
// the sum's unit.
func (r *reader) histogram(name string, scale float64) (count, sum int64) {
	family, ok := r.families[name]
	if !ok && r.older {
		return record.Untold, record.Untold
	}
	if !ok {
		r.fail(name, "missing")
		return 0, 0
	}
	total := 0.0
	for _, m := range family.GetMetric() {
		if m.GetHistogram() == nil {
			r.fail(name, "is a "+family.GetType().String()+", want a histogram")
			return 0, 0
		}
		count += int64(m.GetHistogram().GetSampleCount())
		total += m.GetHistogram().GetSampleSum()
	}
	return count, int64(total * scale)
}

// since returns the mechanism of the window between two readings.
func (c counters) since(before counters) *record.Mechanism {
	return &record.Mechanism{
		AppliedOps:      c.AppliedOps - before.AppliedOps,
		Proposals:       told(c.Proposals, before.Proposals),
		ProposedOps:     told(c.ProposedOps, before.ProposedOps),
		Readys:          told(c.Readys, before.Readys),
		ReadyEntries:    told(c.ReadyEntries, before.ReadyEntries),
		Appends:         told(c.Appends, before.Appends),
		AppendEntries:   told(c.AppendEntries, before.AppendEntries),
		AppendsInFlight: told(c.AppendsInFlight, before.AppendsInFlight),
		Fsyncs:          told(c.Fsyncs, before.Fsyncs),
		FsyncNS:         told(c.FsyncNS, before.FsyncNS),
		WALBytes:        told(c.WALBytes, before.WALBytes),
		LockWaitNS:      told(c.LockWaitNS, before.LockWaitNS),
		TotalAppliedOps: c.TotalAppliedOps,

		StorageWrittenBytes:        c.StorageWrittenBytes - before.StorageWrittenBytes,
		StorageFlushedBytes:        c.StorageFlushedBytes - before.StorageFlushedBytes,
		StorageCompactedBytes:      c.StorageCompactedBytes - before.StorageCompactedBytes,
		StorageCompactionReadBytes: c.StorageCompactionReadBytes - before.StorageCompactionReadBytes,
		StorageTableBytes:          c.StorageTableBytes,
		StorageLiveBytes:           c.StorageLiveBytes,
		StorageCommits:             c.StorageCommits - before.StorageCommits,
		StorageCommitNS:            c.StorageCommitNS - before.StorageCommitNS,
	}
}

// told is the difference of two totals that not every target shows.
func told(after, before int64) int64 {
	if after == record.Untold {
		return record.Untold
	}
	return after - before
}
