package report

import (
	"fmt"
	"math"

	"metastorebench/harness/attrib"
	"metastorebench/harness/stats"
)

// attribution divides the total gain of each full factorial among the items.
func (b *builder) attribution() error {
	headed := false
	for _, s := range b.study {
		if !s.WritesOnly() {
			continue
		}
		blocks, left, complete := s.LogFactorial(puts)
		if !complete || len(blocks) < 2 {
			continue
		}
		speed, err := attrib.Factorial(len(s.Factors), blocks, stats.Confidence)
		if err != nil {
			return fmt.Errorf("%s: %w", place(s), err)
		}
		cpuBlocks, _, _ := s.LogFactorial(stats.StoreCPU)
		cpu, err := attrib.Factorial(len(s.Factors), cpuBlocks, stats.Confidence)
		if err != nil {
			return fmt.Errorf("%s: store CPU: %w", place(s), err)
		}
		if !headed {
			b.printf("### Attribution: which item made it fast\n\n")
			headed = true
		}
		b.printf("#### %s\n\n", place(s))
		b.printf("%s%s", shares(s, speed, cpu, left), interactions(s, speed))
	}
	return nil
}

// shares is a row per item in the classical views and as a Shapley share, then
// the totals.
func shares(s *stats.Stratum, speed, cpu *attrib.Result, left int) *table {
	t := &table{
		caption: fmt.Sprintf("Ratio of put throughput that each item makes, closed loop, n=%d blocks: geometric mean [95 %% t interval]; ~ marks an interval that contains 1. Alone: against the baseline. Ladder: in the plan's order, on top of the items before it. Last: all against all but it. Average: over all settings of the others. Shapley: over all orders; these multiply to the total exactly, and the share is the part of the total's logarithm, if the total's interval leaves out 1. The last column is the same for the store's CPU time per operation (below 1 is less). Not corrected for the number of comparisons.", speed.Total.N),
		head:    []column{text("item"), num("alone"), num("ladder"), num("last"), num("average"), num("Shapley"), num("share, %"), num("Shapley, store CPU/op")},
	}
	if left > 0 {
		t.note(fmt.Sprintf("%d incomplete blocks left out", left))
	}
	for i, f := range s.Factors {
		share := none // parts of a total that may be nothing say nothing
		if speed.Total.Excludes(0) {
			share = stats.Number(100 * speed.Shapley[i].Log / speed.Total.Log)
		}
		t.add(f.ID+" "+f.Axis, estimate(speed.Alone[i]), estimate(speed.Ladder[i]), estimate(speed.Last[i]), estimate(speed.Main[i]),
			estimate(speed.Shapley[i]), share, estimate(cpu.Shapley[i]))
	}
	var product float64
	for _, e := range speed.Alone {
		product += e.Log
	}
	t.add("all, measured", none, none, none, none, estimate(speed.Total), "100", estimate(cpu.Total))
	t.add("product of alone", stats.Number(math.Exp(product)), none, none, none, none, none, none)
	t.add("measured / product", estimate(speed.Residual), none, none, none, none, none, none)
	return t
}

// interactions has a row per pair of items whose effects do not multiply, by
// the interval.
func interactions(s *stats.Stratum, r *attrib.Result) *table {
	t := &table{
		caption: "Pairs of items whose effects do not simply multiply: the ratio by which one changes the other's effect, with an interval that leaves out 1. Below 1 they stand in each other's way, above 1 they help each other.",
		head:    []column{text("pair"), num("interaction")},
	}
	for i := range s.Factors {
		for j := i + 1; j < len(s.Factors); j++ {
			if e := r.Interaction[i][j]; e.Excludes(0) {
				t.add(s.Factors[i].Axis+" x "+s.Factors[j].Axis, estimate(e))
			}
		}
	}
	return t
}

// estimate writes "ratio [lo, hi]", with ~ if that contains 1.
func estimate(e attrib.Estimate) string {
	ratio, lo, hi := e.Ratio()
	if e.N < 2 {
		return stats.Number(ratio)
	}
	mark := ""
	if !e.Excludes(0) {
		mark = " ~"
	}
	return fmt.Sprintf("%s [%s, %s]%s", stats.Number(ratio), stats.Number(lo), stats.Number(hi), mark)
}
