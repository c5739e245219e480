package report

import (
	"fmt"

	"metastorebench/harness/format"
	"metastorebench/harness/stats"
)

// openLegend explains the columns of openTable.
const openLegend = "Response time is from the intended start, service time from the send; a closed loop has no intended starts. Histograms of all blocks merged; (from, to): the blocks' own. Send lag: from the intended start to the send. Timing error: the same for operations that found a free client, the generator's own. Unsent: given up after waiting too long for one. Lag, error, unsent and backlog are of all operation types together."

// openLoop is the table of the cells that were measured in an open loop, in
// whatever plan.
func (b *builder) openLoop() error {
	var cells []*stats.Cell
	for _, c := range b.Run.Cells {
		if c.Open() {
			cells = append(cells, c)
		}
	}
	t, err := openTable(cells)
	if err != nil {
		return err
	}
	b.part("Open loop: response and service time", t)
	return nil
}

// stall is the section of plan stall: what open and closed loop make of the same
// planted stall.
func (b *builder) stall() error {
	b.printf("The no-op server answers nothing for the time that a cell's `stall` says, once in every trial. Every operation that is due in that time suffers: the response time of the open loop says so. The service time knows of those few only that had been sent, and a closed loop sends no others.\n\n")
	t, err := openTable(b.Run.Cells)
	if err != nil {
		return err
	}
	b.part("A stall, by two loops and two clocks", t)
	return nil
}

// openTable has a row for each operation type of the cells.
func openTable(cells []*stats.Cell) (*table, error) {
	t := &table{
		caption: openLegend,
		head: []column{text("cell"), text("loop"), text("operation"), num("n"), num("operations"), num("offered, /s"), num("completed, /s"),
			num("response p50, ms"), num("p99, ms"), num("p99.9, ms"), num("service p50, ms"), num("p99, ms"), num("p99.9, ms"),
			num("send lag p99, ms"), num("timing error p99, ms"), num("unsent"), num("backlog")},
	}
	for _, c := range cells {
		for _, op := range c.Ops() {
			row, err := openRow(c, op)
			if err != nil {
				return nil, err
			}
			t.add(row...)
		}
	}
	return t, nil
}

func openRow(c *stats.Cell, op string) ([]string, error) {
	response, _, err := percentiles(c, op, stats.ResponseOf)
	if err != nil {
		return nil, err
	}
	service, count, err := percentiles(c, op, stats.LatencyOf)
	if err != nil {
		return nil, err
	}
	row := []string{"`" + c.ID + "`", loopText(c.Trials[0].Workload), op, presence(c), format.Count(count),
		median(stats.Over(c, stats.Offered(op))), spread(stats.Over(c, stats.Throughput(op)))}
	row = append(append(row, response...), service...)
	pace, err := paceColumns(c)
	return append(row, pace...), err
}

// paceColumns are send lag, timing error, unsent operations and backlog.
func paceColumns(c *stats.Cell) ([]string, error) {
	if !c.Open() {
		return []string{none, none, none, none}, nil
	}
	p, err := stats.PaceOf(c)
	if err != nil {
		return nil, err
	}
	unsent := fmt.Sprintf("%s of %s", format.Count(p.Unsent), format.Count(p.Due))
	return []string{millis(p.SendLag, 99), millis(p.TimingError, 99), unsent, format.Count(p.MaxBacklog)}, nil
}

// percentiles are p50, p99 and p99.9 in milliseconds, merged over the blocks,
// with the range of the blocks' own where there are two or more that each have
// enough operations; count is the number of operations merged.
func percentiles(c *stats.Cell, op string, of func(*stats.Cell, string) (stats.Latency, error)) (texts []string, count int64, err error) {
	merged, err := of(c, op)
	if err != nil {
		return nil, 0, err
	}
	blocks := make([]stats.Latency, len(c.Trials))
	for i, trial := range c.Trials {
		one := *c
		one.Trials = c.Trials[i : i+1]
		if blocks[i], err = of(&one, op); err != nil {
			return nil, 0, fmt.Errorf("block %d: %w", trial.Block, err)
		}
	}
	for _, p := range []float64{50, 99, 99.9} {
		text := millis(merged, p)
		if from, to, ok := between(blocks, p); ok {
			text += fmt.Sprintf(" (%s, %s)", format.Number(from/1e6), format.Number(to/1e6))
		}
		texts = append(texts, text)
	}
	return texts, merged.Hist.TotalCount(), nil
}

// between is the range of one percentile over two or more blocks, in
// nanoseconds.
func between(blocks []stats.Latency, p float64) (from, to float64, ok bool) {
	var values []float64
	for _, b := range blocks {
		ns, ok := b.Percentile(p)
		if !ok {
			return 0, 0, false
		}
		values = append(values, float64(ns))
	}
	s := stats.Summarize(values)
	return s.Min, s.Max, len(values) > 1
}
