package report

import (
	"fmt"
	"strings"

	"metastorebench/harness/claims"
	"metastorebench/harness/stats"
	"metastorebench/harness/verdict"
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
		if s.Group == stats.GroupSync || stats.Traced(s.Options) || base == nil || base.Measured() {
			continue
		}
		reason := base.SkipReason
		if reason == "" {
			reason = "no valid trial of the baseline"
		}
		b.printf("Not measured: %s, %s, %s disk: %s.\n\n", s.Options["engine"], s.Workload, s.Options["disk"], strings.TrimSuffix(inline(reason), "."))
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
	return verdict.RangeOf(q).String()
}
