package report

import (
	"fmt"
	"strconv"
	"strings"

	"metastorebench/harness/claims"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// headline answers first: all items together against the baseline.
func (b *builder) headline() error {
	t := table{
		caption: fmt.Sprintf("Puts, all items on against all off. The plan's figure for phase 1 is %s (M1). Closed loop. %s", predicted("M1", claims.Phase1), ratioLegend),
		head: []column{text("engine"), text("workload"), num("clients"), text("disk"), num("n (blocks)"),
			num("baseline, puts/s"), num("full, puts/s"), num("ratio"), num("baseline p50, ms"), num("full p50, ms"), num("baseline p99, ms"), num("full p99, ms")},
	}
	for _, s := range b.study {
		if !s.WritesOnly() {
			continue
		}
		base, full := s.Baseline(), s.Full()
		r, err := against(full, base, puts)
		if err != nil {
			return err
		}
		lb, err := putLatency(base)
		if err != nil {
			return err
		}
		lf, err := putLatency(full)
		if err != nil {
			return err
		}
		t.row(s.Options["engine"], s.Workload, fmt.Sprint(s.Clients()), s.Options["disk"], fmt.Sprint(r.N),
			spread(over(base, puts)), spread(over(full, puts))).ratio(r).
			text(millis(lb, 50), millis(lf, 50), millis(lb, 99), millis(lf, 99))
		b.doubt(&t, place(s)+", baseline", base)
		b.doubt(&t, place(s)+", full", full)
	}
	b.part("Full phase 1 against the baseline", &t)
	b.absent()
	return nil
}

// absent names what the headline lacks: strata whose baseline was not measured.
func (b *builder) absent() {
	for _, s := range b.Run.Strata(b.factors) {
		base := s.Baseline()
		if s.Group == stats.GroupSync || base == nil || base.Measured() {
			continue
		}
		reason := base.SkipReason
		if reason == "" {
			reason = "no valid trial of the baseline"
		}
		b.printf("Not measured: %s, %s, %s disk: %s.\n\n", s.Options["engine"], s.Workload, s.Options["disk"], strings.TrimSuffix(inline(reason), "."))
	}
}

// items puts each item's prediction beside its effect alone and last.
func (b *builder) items() error {
	t := table{
		caption: "Ratio of put throughput. Alone: the item against the baseline. Last: all items against all but this one. The plan predicts the effect of an item alone. Closed loop. " + ratioLegend,
		head: []column{text("item"), text("engine"), text("workload"), num("clients"), text("disk"), num("predicted"),
			num("alone"), num("n"), num("last"), num("n")},
	}
	for i, f := range b.factors {
		for _, s := range b.study {
			if !s.WritesOnly() {
				continue
			}
			alone, err := against(s.At(1<<i), s.Baseline(), puts)
			if err != nil {
				return err
			}
			last, err := against(s.Full(), s.At(s.All()&^(1<<i)), puts)
			if err != nil {
				return err
			}
			if alone.N == 0 && last.N == 0 {
				continue
			}
			t.row(f.ID+" "+f.Axis, s.Options["engine"], s.Workload, fmt.Sprint(s.Clients()), s.Options["disk"], predicted(f.ID, claims.Effect)).
				ratio(alone).text(fmt.Sprint(alone.N)).ratio(last).text(fmt.Sprint(last.N))
		}
	}
	b.part("The plan's items, predicted and measured", &t)
	return nil
}

// targets puts the plan's targets beside what was measured, for puts of many
// clients.
func (b *builder) targets() error {
	t := table{
		caption: "Throughput and p99 service time of puts; other operations are in the tables below. Closed loop; medians over the blocks, merged histograms for T3. T4 is the store's share of the machine's CPU time, T5 its peak resident memory with this test's few keys, T7 failed operations of all.",
		head: []column{text("target"), text("unit"), text("engine"), text("workload"), num("clients"), text("disk"),
			num("plan, baseline"), num("measured, baseline"), num("n"), num("plan, phase 1"), num("measured, phase 1"), num("n")},
	}
	for _, id := range []string{"T1", "T2", "T3", "T4", "T5", "T7"} {
		c, _ := claims.ByID(id)
		for _, s := range b.study {
			if s.Clients() < 2 || c.Engine != "" && c.Engine != s.Options["engine"] {
				continue
			}
			base, nb, err := b.targetValue(c, s.Baseline())
			if err != nil {
				return err
			}
			full, nf, err := b.targetValue(c, s.Full())
			if err != nil {
				return err
			}
			q, _ := c.Quantity(claims.Phase1)
			t.add(id, q.Unit, s.Options["engine"], s.Workload, fmt.Sprint(s.Clients()), s.Options["disk"],
				predicted(id, claims.Baseline), base, nb, predicted(id, claims.Phase1), full, nf)
		}
	}
	b.part("The plan's targets, predicted and measured", &t)
	return nil
}

// targetValue measures a target's quantity on a cell, with its n.
func (b *builder) targetValue(c claims.Claim, cell *stats.Cell) (value, n string, err error) {
	metric := stats.Throughput(record.OpPut)
	switch c.ID {
	case "T3":
		l, err := putLatency(cell)
		return millis(l, 99), fmt.Sprintf("%d blocks", l.Blocks), err
	case "T4":
		metric = stats.Scale(stats.CPUShare(b.Run.Manifest.Env.CPUs), 100)
	case "T5":
		metric = stats.Scale(stats.PeakRSS, 1e-6)
	case "T7":
		metric = stats.Scale(stats.ErrorRate, 100)
	}
	s := over(cell, metric)
	return spread(s), fmt.Sprintf("%d blocks", s.N), nil
}

// predicted writes a claim's range as the plan does, unrounded: "6 to 11", "at
// least 20,000", "below 5".
func predicted(id, quantity string) string {
	c, _ := claims.ByID(id)
	q, ok := c.Quantity(quantity)
	exact := func(v float64) string { return stats.Separate(strconv.FormatFloat(v, 'f', -1, 64)) }
	switch {
	case !ok:
		return none
	case q.Max == nil:
		return "at least " + exact(*q.Min)
	case q.Min == nil:
		return "below " + exact(*q.Max)
	case *q.Min == *q.Max:
		return exact(*q.Min)
	}
	return exact(*q.Min) + " to " + exact(*q.Max)
}
