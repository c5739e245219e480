package report

import (
	"cmp"
	"fmt"
	"slices"

	"metastorebench/harness/format"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// planBaseline puts a later phase beside the store that the whole plan starts
// from, which its run measures in a group of its own.
func (b *builder) planBaseline() error {
	t := table{
		caption: fmt.Sprintf("The ends of this run against the store that the plan starts from, in puts%s. Closed loop. %s", b.batchNote(), ratioLegend),
		head: []column{text("engine"), text("workload"), num("clients"), text("disk"), text("variant"), num("n"), num("puts/s"),
			num("ratio to the plan's baseline"), num("p50, ms"), num("p99, ms")},
	}
	for _, start := range b.Run.Cells {
		if start.Group != stats.GroupPlanBaseline || !start.Measured() {
			continue
		}
		for _, s := range b.study {
			if !s.WritesOnly() || s.Workload != start.Workload || s.Store() != stats.StoreName(start.Options) || s.Options["disk"] != start.Options["disk"] {
				continue
			}
			if err := b.endRows(&t, s, start); err != nil {
				return err
			}
		}
	}
	b.part("Against the plan's own baseline", &t)
	return nil
}

// endRows has the plan's baseline and the ends of a stratum.
func (b *builder) endRows(t *table, s *stats.Stratum, start *stats.Cell) error {
	ends := []struct {
		name string
		cell *stats.Cell
	}{
		{"the plan's baseline", start},
		{fmt.Sprintf("%s, wal=%s", b.baselineName(), s.Baseline().Options[axisWAL]), s.Baseline()},
	}
	if i := s.Index(itemBatchAPI); i >= 0 {
		ends = append(ends, struct {
			name string
			cell *stats.Cell
		}{fmt.Sprintf("full phase %d without the batch API", b.phase()), s.At(s.All() &^ (1 << i))})
	}
	ends = append(ends, struct {
		name string
		cell *stats.Cell
	}{fmt.Sprintf("full phase %d", b.phase()), s.Full()})
	for _, end := range ends {
		if end.cell == nil || !end.cell.Measured() {
			continue
		}
		r, err := against(end.cell, start, puts)
		if err != nil {
			return err
		}
		l, err := putLatency(end.cell)
		if err != nil {
			return err
		}
		t.row(s.Store(), s.Load(), fmt.Sprint(end.cell.Clients()), s.Options["disk"], end.name, presence(end.cell), spread(over(end.cell, puts))).
			ratio(r).text(millis(l, 50), millis(l, 99))
		b.doubt(t, "`"+end.cell.ID+"`", end.cell)
	}
	return nil
}

// batchSizes has a row per size of a batch, and one for a call of its own for each
// operation.
func (b *builder) batchSizes() error {
	t := table{
		caption: "All items but the size of a batch as in full phase 2, by the number of operations in one call, each client sending one call at a time. Every operation counts, with the latency of its call. Ratio: to one operation in a call of etcd's service (unary). Other columns: medians of the blocks, per operation. Closed loop. " + ratioLegend,
		head: []column{text("disk"), text("operation"), num("clients"), num("operations in a call"), num("n"), num("ops/s"), num("ratio"), num("p50, ms"), num("p99, ms"),
			num("store CPU, us/op"), num("client CPU, us/op"), num("fsyncs/write"), num("WAL bytes/write"), num("alloc bytes/op")},
	}
	cells := slices.DeleteFunc(slices.Clone(b.Run.Cells), func(c *stats.Cell) bool {
		return c.Group != stats.GroupBatchSizes && c.Group != stats.GroupBatchUnary || !c.Measured()
	})
	slices.SortStableFunc(cells, func(x, y *stats.Cell) int {
		return cmp.Or(cmp.Compare(x.Options["disk"], y.Options["disk"]), cmp.Compare(x.Ops()[0], y.Ops()[0]), cmp.Compare(inCall(x), inCall(y)))
	})
	for _, c := range cells {
		for _, op := range c.Ops() {
			r, err := against(c, unaryTwin(cells, c), stats.Throughput(op))
			if err != nil {
				return err
			}
			l, err := latency(c, op)
			if err != nil {
				return err
			}
			size := "unary"
			if n := inCall(c); n > 0 {
				size = format.Count(int64(n))
			}
			row := t.row(c.Options["disk"], op, fmt.Sprint(c.Clients()), size, presence(c), spread(over(c, stats.Throughput(op)))).ratio(r).text(millis(l, 50), millis(l, 99))
			for _, m := range []stats.Metric{stats.StoreCPU, stats.ClientCPU, stats.FsyncsPerWrite, stats.WALBytesPerWrite, stats.AllocBytes} {
				row.text(median(over(c, m)))
			}
			t.warn("`"+c.ID+"`", b.Run.Warnings(c, stats.Throughput(op))...)
		}
	}
	b.part("Batch sizes", &t)
	return nil
}

// inCall is the number of operations in one call of a measured cell, 0 for calls
// of one operation each.
func inCall(c *stats.Cell) int { return c.Trials[0].Workload.BatchOps }

// unaryTwin is the cell among cells that sends c's operations one by one, nil if
// there is none.
func unaryTwin(cells []*stats.Cell, c *stats.Cell) *stats.Cell {
	for _, u := range cells {
		if inCall(u) == 0 && u.Options["disk"] == c.Options["disk"] && u.Options["engine"] == c.Options["engine"] &&
			u.Clients() == c.Clients() && slices.Equal(u.Ops(), c.Ops()) {
			return u
		}
	}
	return nil
}

// indexes has a row per index, workload and operation type.
func (b *builder) indexes() error {
	const axis, baseline = "index", "hash"
	t := table{
		caption: "Every index of the memory engine under the same loads, by operation type. Ratio: to index=hash under the same load; in a mix, an operation type gains what another one leaves it. Latency: service time, histograms of all blocks merged. Closed loop. " + ratioLegend,
		head: []column{text("workload"), text("operation"), num("clients"), text("index"), num("n"), num("ops/s"), num("ratio"), num("p50, ms"), num("p99, ms"),
			num("store CPU, us/op")},
	}
	for _, f := range b.families(stats.GroupIndexes, axis) {
		for _, op := range f.cells[0].Ops() {
			for _, c := range f.cells {
				m := stats.Throughput(op)
				r, err := against(c, f.at(axis, baseline), m)
				if err != nil {
					return err
				}
				l, err := latency(c, op)
				if err != nil {
					return err
				}
				t.row(f.workload, op, fmt.Sprint(f.clients), c.Options[axis], presence(c), spread(over(c, m))).ratio(r).
					text(millis(l, 50), millis(l, 99), median(over(c, stats.StoreCPU)))
				t.warn("`"+c.ID+"`, "+op, b.Run.Warnings(c, m)...)
			}
		}
	}
	b.part("Indexes", &t)
	return nil
}

// storage says what the engines that persist make of the bytes that come in. Its
// many rows are folded up.
func (b *builder) storage() error {
	const mib = 1.0 / (1 << 20)
	t := table{
		caption: "Engines that persist. Written: keys and values, as stored, that came in during the window. Write amplification: bytes flushed and compacted into table files within the window, per byte written; 0 where nothing left the memory tables, and above what lasts where data of before the window was flushed in it. Space amplification: table files at the window's end per byte of live data in them, as the library estimates it; n/a without table files. The Raft log comes on top, in its own column. Medians of the blocks. " + b.loops(),
		head: []column{text("cell"), num("n"), num("written, MiB"), num("write amplification"), num("table files, MiB"), num("space amplification"),
			num("WAL bytes/write"), num("fsyncs/write")},
	}
	for _, c := range b.Run.Cells {
		written := over(c, stats.Scale(stats.StorageWritten, mib))
		if c.Group == stats.GroupSync || written.N == 0 || !slices.Contains(c.Ops(), record.OpPut) {
			continue
		}
		t.add("`"+c.ID+"`", presence(c), median(written), median(over(c, stats.WriteAmplification)), median(over(c, stats.Scale(stats.StorageTables, mib))),
			median(over(c, stats.SpaceAmplification)), median(over(c, stats.WALBytesPerWrite)), median(over(c, stats.FsyncsPerWrite)))
	}
	if len(t.rows) > 0 && b.phase() > 1 {
		b.printf("### What the engines write\n\n<details><summary>Write and space amplification of %s</summary>\n\n%s</details>\n\n", plural(len(t.rows), "cell"), t.markdown(b.Run.Questions, ""))
	}
	return nil
}
