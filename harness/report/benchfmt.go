package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/perf/benchfmt"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// benchMetrics are the columns that WriteBenchfmt adds to throughput.
var benchMetrics = []struct {
	unit   string
	metric stats.Metric
}{
	{"store-cpu-us/op", stats.StoreCPU},
	{"client-cpu-us/op", stats.ClientCPU},
	{"fsyncs/write", stats.FsyncsPerWrite},
	{"ops/proposal", stats.OpsPerProposal},
	{"WAL-B/write", stats.WALBytesPerWrite},
	{"allocs/op", stats.Allocs},
	{"B/op", stats.AllocBytes},
}

// WriteBenchfmt writes the run in the Go benchmark format, one line per valid
// trial and operation type, so that benchstat reads it: every option is a
// sub-name key to group, filter and compare by. Voids are left out.
//
// Percentiles are of the service time, and those named response- of the response
// time of an open loop. They are each trial's own; benchstat's statistics over them are over
// trials, as they should be.
func WriteBenchfmt(w io.Writer, dir string) error {
	run, err := read(dir)
	if err != nil {
		return err
	}
	out := benchfmt.NewWriter(w)
	for _, better := range []string{"ops/s better=higher", "ops/proposal better=higher", "p50-us better=lower", "p99-us better=lower",
		"response-p50-us better=lower", "response-p99-us better=lower"} {
		if _, err := fmt.Fprintf(w, "Unit %s\n", better); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	for _, c := range run.Cells {
		for _, t := range c.Trials {
			for i := range t.Ops {
				res, err := benchResult(run.Manifest, c, t, &t.Ops[i])
				if err != nil {
					return err
				}
				if err := out.Write(res); err != nil {
					return fmt.Errorf("report: %w", err)
				}
			}
		}
	}
	return nil
}

// benchResult is one line.
func benchResult(m record.Manifest, c *stats.Cell, t *record.Trial, op *record.OpStats) (*benchfmt.Result, error) {
	config := func(key, value string) benchfmt.Config {
		return benchfmt.Config{Key: key, Value: []byte(value), File: true}
	}
	r := &benchfmt.Result{
		Name: benchName(c, op.Op), Iters: int(op.Count),
		Config: []benchfmt.Config{
			config("plan", m.Plan), config("level", m.Level), config("commit", commit(m.Env)),
			config("durability", t.Durability), config("loop", t.Workload.Loop),
		},
	}
	add := func(value float64, ok bool, unit string) {
		if ok {
			r.Values = append(r.Values, benchfmt.Value{Value: value, Unit: unit})
		}
	}
	v, ok := stats.Throughput(op.Op)(t)
	add(v, ok, "ops/s")
	for _, clock := range []struct {
		prefix string
		times  func() (*hdr.Histogram, error)
	}{{"", op.ServiceTimes}, {"response-", func() (*hdr.Histogram, error) { return t.ResponseTimes(op) }}} {
		h, err := clock.times()
		if err != nil {
			return nil, fmt.Errorf("report: cell %s, block %d, %s: %w", t.Cell, t.Block, op.Op, err)
		}
		if h == nil {
			continue
		}
		for _, p := range []float64{50, 99} {
			enough := h.TotalCount() >= stats.MinSamples(p)
			add(float64(h.ValueAtPercentile(p))/1e3, enough, fmt.Sprintf("%sp%g-us", clock.prefix, p))
		}
	}
	for _, m := range benchMetrics {
		v, ok := m.metric(t)
		add(v, ok, m.unit)
	}
	return r, nil
}

// benchName is the workload with every option as a key, in a fixed order.
func benchName(c *stats.Cell, op string) benchfmt.Name {
	parts := []string{"Trial", "group=" + c.Group, "target=" + c.Target, "workload=" + c.Workload}
	for _, axis := range slices.Sorted(maps.Keys(c.Options)) {
		parts = append(parts, axis+"="+c.Options[axis])
	}
	return benchfmt.Name(strings.Join(append(parts, "op="+op), "/"))
}
