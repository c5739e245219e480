package report

import (
	"fmt"
	"slices"

	"metastorebench/harness/stats"
)

// cellTables prints every cell of every stratum: a wide table for puts alone,
// one with columns per operation type for mixes.
func (b *builder) cellTables() error {
	if len(b.study) > 0 {
		b.printf("### All cells\n\n")
	}
	for _, s := range b.study {
		if slices.ContainsFunc(s.Rows, func(r stats.Row) bool { return r.Cell.Open() }) {
			continue // a table of its own: what an open loop completes is what it is offered
		}
		write := b.mixTable
		if s.WritesOnly() {
			write = b.putTable
		}
		if err := write(s); err != nil {
			return err
		}
	}
	return nil
}

// putTable has one row per cell of a stratum of puts.
func (b *builder) putTable(s *stats.Stratum) error {
	b.printf("#### %s\n\n", place(s))
	t := table{
		caption: "Puts, closed loop. Throughput: median (min to max) of the blocks; ratio: to the baseline. Latency: service time, histograms of all blocks merged. Other columns: medians. " + ratioLegend,
		head:    []column{text("cell")},
	}
	for _, f := range s.Factors {
		t.head = append(t.head, text(f.Name()))
	}
	t.head = append(t.head, num("n"), num("puts/s"), num("ratio"), num("p50, ms"), num("p99, ms"), num("store CPU, us/op"), num("client CPU, us/op"),
		num("fsyncs/write"), num("ops/proposal"), num("entries/Ready"), num("WAL bytes/write"), num("allocs/op"), num("alloc bytes/op"))
	mechanisms := []stats.Metric{stats.StoreCPU, stats.ClientCPU, stats.FsyncsPerWrite, stats.OpsPerProposal, stats.EntriesPerReady,
		stats.WALBytesPerWrite, stats.Allocs, stats.AllocBytes}
	if members := s.Options["members"]; members != "" && members != "1" {
		t.head = append(t.head, num("entries/append"), num("appends in flight"))
		mechanisms = append(mechanisms, stats.EntriesPerAppend, stats.AppendsInFlight)
	}
	for _, row := range s.Rows {
		c := row.Cell
		cells := []string{s.Label(row.Setting)}
		for i, f := range s.Factors {
			cells = append(cells, f.Value(row.Setting.Has(i)))
		}
		r, err := against(c, s.Baseline(), puts)
		if err != nil {
			return err
		}
		l, err := putLatency(c)
		if err != nil {
			return err
		}
		out := t.row(cells...).text(presence(c), spread(over(c, puts))).ratio(r).text(millis(l, 50), millis(l, 99))
		for _, m := range mechanisms {
			out.text(median(over(c, m)))
		}
		b.doubt(&t, s.Label(row.Setting), c)
	}
	b.WriteString(t.markdown(b.Run.Questions, place(s)))
	return nil
}

// mixTable has one row per cell and columns per operation type. Types are never
// added up.
func (b *builder) mixTable(s *stats.Stratum) error {
	b.printf("#### %s\n\n", place(s))
	t := table{
		caption: "Per operation type, closed loop. Throughput: median of the blocks; ratio: to the baseline's same type; p99: service time, histograms merged. A put and a get are two operations. " + ratioLegend,
		head:    []column{text("cell"), num("n")},
	}
	ops := s.Ops()
	for _, op := range ops {
		t.head = append(t.head, num(op+"/s"), num(op+" ratio"), num(op+" p99, ms"))
	}
	t.head = append(t.head, num("store CPU, us/op"), num("fsyncs/write"), num("ops/proposal"))
	for _, row := range s.Rows {
		c := row.Cell
		out := t.row(s.Label(row.Setting), presence(c))
		for _, op := range ops {
			r, err := against(c, s.Baseline(), stats.Throughput(op))
			if err != nil {
				return err
			}
			l, err := stats.LatencyOf(c, op)
			if err != nil {
				return err
			}
			out.text(median(stats.Over(c, stats.Throughput(op)))).ratio(r).text(millis(l, 99))
			t.warn(s.Label(row.Setting), b.Run.Warnings(c, stats.Throughput(op))...)
		}
		out.text(median(over(c, stats.StoreCPU)), median(over(c, stats.FsyncsPerWrite)), median(over(c, stats.OpsPerProposal)))
	}
	b.WriteString(t.markdown(b.Run.Questions, place(s)))
	return nil
}

// presence is a cell's n, or why it has none.
func presence(c *stats.Cell) string {
	switch {
	case c.Measured() && c.Voided > 0:
		return fmt.Sprintf("%d (%d void)", len(c.Trials), c.Voided)
	case c.Measured():
		return fmt.Sprint(len(c.Trials))
	case c.SkipReason != "":
		return "skipped"
	case c.Voided > 0:
		return fmt.Sprintf("0 (%d void)", c.Voided)
	}
	return "not run"
}
