package report

import (
	"fmt"
	"strings"

	"metastorebench/harness/claims"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// headline answers first: all items together against the baseline, in puts and
// then in all that the other workloads do.
func (b *builder) headline() error {
	t := table{
		caption: fmt.Sprintf("Puts, all items on against all off%s. The plan's figure for phase %d is %s (M1). Closed loop. %s", b.batchNote(), b.phase(), predicted("M1", b.goal()), ratioLegend),
		head: []column{text("engine"), text("workload"), num("clients"), text("disk"), num("n (blocks)"),
			num("baseline, puts/s"), num("full, puts/s"), num("ratio"), num("baseline p50, ms"), num("full p50, ms"), num("baseline p99, ms"), num("full p99, ms")},
	}
	others := table{
		caption: fmt.Sprintf("The other workloads, by operation type, all items on against all off%s. A type's clients are its own. Closed loop. %s", b.batchNote(), ratioLegend),
		head: []column{text("engine"), text("workload"), num("clients"), text("disk"), text("operation"), num("n (blocks)"),
			num("baseline, ops/s"), num("full, ops/s"), num("ratio"), num("baseline p50, ms"), num("full p50, ms"), num("baseline p99, ms"), num("full p99, ms")},
	}
	for _, s := range b.study {
		if s.WritesOnly() {
			if err := b.headlineRow(&t, s, record.OpPut, s.Store(), s.Load(), fmt.Sprint(s.Clients()), s.Options["disk"]); err != nil {
				return err
			}
			continue
		}
		for _, op := range s.Ops() {
			if err := b.headlineRow(&others, s, op, s.Store(), s.Load(), fmt.Sprint(s.Clients()), s.Options["disk"], op); err != nil {
				return err
			}
		}
	}
	name := fmt.Sprintf("Full phase %d against %s", b.phase(), b.baselineName())
	b.part(name, &t)
	b.part(name+": other workloads", &others)
	b.absent()
	return nil
}

// headlineRow compares the ends of a stratum in one operation type.
func (b *builder) headlineRow(t *table, s *stats.Stratum, op string, lead ...string) error {
	base, full, m := s.Baseline(), s.Full(), stats.Throughput(op)
	r, err := against(full, base, m)
	if err != nil {
		return err
	}
	lb, err := latency(base, op)
	if err != nil {
		return err
	}
	lf, err := latency(full, op)
	if err != nil {
		return err
	}
	t.row(lead...).text(fmt.Sprint(r.N), spread(over(base, m)), spread(over(full, m))).ratio(r).
		text(millis(lb, 50), millis(lf, 50), millis(lb, 99), millis(lf, 99))
	for _, end := range []struct {
		name string
		cell *stats.Cell
	}{{"baseline", base}, {"full", full}} {
		if end.cell != nil && end.cell.Measured() {
			t.warn(place(s)+", "+end.name, b.Run.Warnings(end.cell, m)...)
		}
	}
	return nil
}

// baselineName is what a phase is measured against: the phase before it, in full.
func (b *builder) baselineName() string {
	if b.phase() == 1 {
		return "the baseline"
	}
	return fmt.Sprintf("full phase %d", b.phase()-1)
}

// batchNote warns of latencies that are those of batches.
func (b *builder) batchNote() string {
	if !b.hasFactor(itemBatchAPI) {
		return ""
	}
	return " (the latency of an operation in a batch is its batch's)"
}

// absent names what the headline lacks: strata whose baseline was not measured.
func (b *builder) absent() {
	for _, s := range b.Run.Strata(b.factors) {
		base := s.Baseline()
		if s.Apart() || base == nil || base.Measured() {
			continue
		}
		reason := base.SkipReason
		if reason == "" {
			reason = "no valid trial of the baseline"
		}
		b.printf("Not measured: %s, %s, %s disk: %s.\n\n", s.Store(), s.Load(), s.Options["disk"], strings.TrimSuffix(inline(reason), "."))
	}
}

// predicted writes a claim's range as the plan does, unrounded: "6 to 11", "at
// least 20,000", "below 5".
func predicted(id, quantity string) string {
	c, _ := claims.ByID(id)
	q, ok := c.Quantity(quantity)
	if !ok {
		return none
	}
	return q.Range().String()
}
