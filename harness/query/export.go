package query

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"metastorebench/harness/format"
	"metastorebench/harness/metric"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// Formats of Export beside CSV and JSON.
const (
	Benchfmt = "benchfmt" // the Go benchmark format, which benchstat reads
	HGRM     = "hgrm"     // percentile files, which HdrHistogram's plotter reads
)

// ExportFormats lists what Export accepts, the default first.
func ExportFormats() []string { return []string{Benchfmt, format.CSV, format.JSON, HGRM} }

// Export writes the valid trials of the run in dir, one line for each and each operation
// type, with every metric of the registry that some of them have: as benchfmt, CSV or
// JSON on w. HGRM writes a file for each cell and operation type into out, which is made,
// and their names on w: service times in milliseconds of all blocks, merged, and of an
// open loop response times too.
func Export(w io.Writer, dir, as, out string) error {
	if !slices.Contains(ExportFormats(), as) {
		return fmt.Errorf("query: unknown format %q; accepted: %s", as, strings.Join(ExportFormats(), ", "))
	}
	if (as == HGRM) != (out != "") {
		return fmt.Errorf("query: format %s; accepted: a directory with %s, which writes several files, and none with the others", as, HGRM)
	}
	run, err := stats.Read(dir)
	if err != nil {
		return err
	}
	switch as {
	case HGRM:
		return exportHGRM(w, run, out)
	case Benchfmt:
		return exportBenchfmt(w, run)
	}
	return exportTable(w, run, as)
}

// column is a metric that trials have; perOp ones are of the line's operation type.
type column struct {
	metric.Metric
	machine metric.Machine
}

// columnsOf are the metrics that some trial has.
func columnsOf(run *stats.Run) []column {
	machine := machineOf(run)
	var all []column
	for _, m := range metric.All() {
		if slices.ContainsFunc(run.Recorded, func(t *record.Trial) bool {
			return t.Void == "" && slices.ContainsFunc(t.Ops, func(o record.OpStats) bool {
				_, ok := m.Of(machine, o.Op)(t)
				return ok
			})
		}) {
			all = append(all, column{m, machine})
		}
	}
	return all
}

// unit is what benchstat calls the metric: its name and unit, "p99-ms".
func (c column) unit() string {
	switch c.Unit {
	case "":
		return c.Name
	case "%":
		return c.Name + "-percent"
	}
	return c.Name + "-" + c.Unit
}

func exportBenchfmt(w io.Writer, run *stats.Run) error {
	columns := columnsOf(run)
	b := bufio.NewWriter(w)
	for _, c := range columns {
		if c.Better != metric.Neither {
			fmt.Fprintf(b, "Unit %s better=%s\n", c.unit(), c.Better) // an error stays in b
		}
	}
	out := benchfmt.NewWriter(b)
	for _, c := range run.Cells {
		for _, t := range c.Trials {
			for i := range t.Ops {
				if err := out.Write(benchResult(run.Manifest, c, t, &t.Ops[i], columns)); err != nil {
					return fmt.Errorf("query: %w", err)
				}
			}
		}
	}
	return b.Flush()
}

// benchResult is one line. Every option is a key of the name, so that benchstat groups
// and compares by them.
func benchResult(m record.Manifest, c *stats.Cell, t *record.Trial, op *record.OpStats, columns []column) *benchfmt.Result {
	name := []string{"Trial", "group=" + c.Group, "target=" + c.Target, "workload=" + c.Workload}
	for _, axis := range slices.Sorted(maps.Keys(c.Options)) {
		name = append(name, axis+"="+c.Options[axis])
	}
	r := &benchfmt.Result{Name: benchfmt.Name(strings.Join(append(name, "op="+op.Op), "/")), Iters: int(op.Count)}
	for _, kv := range [][2]string{
		{"plan", m.Plan}, {"level", m.Level}, {"commit", m.Env.Commit[:min(12, len(m.Env.Commit))]}, {"durability", t.Durability}, {"loop", t.Workload.Loop},
	} {
		r.Config = append(r.Config, benchfmt.Config{Key: kv[0], Value: []byte(kv[1]), File: true})
	}
	for _, col := range columns {
		if v, ok := col.Of(col.machine, op.Op)(t); ok {
			r.Values = append(r.Values, benchfmt.Value{Value: v, Unit: col.unit()})
		}
	}
	return r
}

func exportTable(w io.Writer, run *stats.Run, as string) error {
	columns := columnsOf(run)
	axes := map[string]bool{}
	for _, c := range run.Cells {
		for axis := range c.Options {
			axes[axis] = true
		}
	}
	options := slices.Sorted(maps.Keys(axes))
	t := format.Table{Columns: format.Words("cell", "group", "workload", "target", "durability")}
	t.Columns = append(t.Columns, format.Words(options...)...)
	t.Columns = append(t.Columns, format.Words("block", "order", "op", "count")...)
	for _, c := range columns {
		t.Columns = append(t.Columns, format.Column{Key: c.Name})
	}
	for _, c := range run.Cells {
		for _, tr := range c.Trials {
			for _, op := range tr.Ops {
				row := []any{c.ID, c.Group, c.Workload, c.Target, tr.Durability}
				for _, axis := range options {
					row = append(row, c.Options[axis])
				}
				row = append(row, tr.Block, tr.Order, op.Op, op.Count)
				for _, col := range columns {
					row = append(row, valueOf(col, tr, op.Op))
				}
				t.Rows = append(t.Rows, row)
			}
		}
	}
	return t.Write(w, as)
}

// valueOf is nil for what the trial does not have.
func valueOf(c column, t *record.Trial, op string) any {
	if v, ok := c.Of(c.machine, op)(t); ok {
		return v
	}
	return nil
}

func exportHGRM(w io.Writer, run *stats.Run, out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	for _, c := range run.Cells {
		for _, op := range c.Ops() {
			for _, clock := range []struct {
				name string
				of   func(*stats.Cell, string) (stats.Latency, error)
			}{{"", stats.LatencyOf}, {"-response", stats.ResponseOf}} {
				l, err := clock.of(c, op)
				if err != nil {
					return err
				}
				if l.Blocks == 0 {
					continue
				}
				path := filepath.Join(out, strings.ReplaceAll(c.ID, "/", "_")+"-"+op+clock.name+".hgrm")
				err = writeHGRM(path, l)
				if _, werr := fmt.Fprintln(w, path); err != nil || werr != nil {
					return errors.Join(err, werr)
				}
			}
		}
	}
	return nil
}

// halfTicks is how many lines a percentile file has for each halving of what is left,
// as HdrHistogram's own tools write them.
const halfTicks = 5

// writeHGRM writes a percentile distribution in milliseconds, as far as operations ended.
func writeHGRM(path string, l stats.Latency) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")
	for _, at := range l.Hist.CumulativeDistributionWithTicks(halfTicks) {
		if at.ValueAt >= record.Infinite {
			break
		}
		if at.Quantile >= 100 {
			fmt.Fprintf(&b, "%12.6f %14.12f %10d\n", float64(at.ValueAt)/1e6, 1.0, at.Count)
			continue
		}
		fmt.Fprintf(&b, "%12.6f %14.12f %10d %14.2f\n", float64(at.ValueAt)/1e6, at.Quantile/100, at.Count, 1/(1-at.Quantile/100))
	}
	fmt.Fprintf(&b, "#[Mean    = %12.6f, StdDeviation   = %12.6f]\n", l.Hist.Mean()/1e6, l.Hist.StdDev()/1e6)
	fmt.Fprintf(&b, "#[Max     = %12.6f, Total count    = %12d]\n", float64(l.Hist.Max())/1e6, l.Hist.TotalCount())
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	return nil
}
