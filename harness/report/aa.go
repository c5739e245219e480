package report

import (
	"fmt"
	"math"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/plots"
)

// aaBlocks is the number of blocks of one A/A run: that of a reference run.
const aaBlocks = 10

// aaMetrics are compared as in any report.
var aaMetrics = []struct {
	name   string
	metric stats.Metric
}{
	{"put throughput", puts},
	{"p50 service time", stats.ServicePercentile(record.OpPut, 50)},
	{"p99 service time", stats.ServicePercentile(record.OpPut, 99)},
	{"store CPU/op", stats.StoreCPU},
	{"allocations/op", stats.Allocs},
	{"fsyncs/write", stats.FsyncsPerWrite},
}

// aaRun is one table: every metric of every pair of copies over ten blocks.
type aaRun struct{ comparisons []aaComparison }

type aaComparison struct {
	metric string
	*stats.Comparison
}

// aaRuns makes the comparisons of all complete runs of blocks, each corrected as
// one table.
func aaRuns(r *stats.Run) ([]aaRun, error) {
	var runs []aaRun
	for from := 0; from+aaBlocks <= r.Manifest.Blocks; from += aaBlocks {
		var run aaRun
		var family []*infer.Effect
		for _, pair := range r.Copies() {
			a, b := pair.A.Between(from, from+aaBlocks), pair.B.Between(from, from+aaBlocks)
			for _, m := range aaMetrics {
				c, err := against(b, a, m.metric)
				if err != nil {
					return nil, err
				}
				if c.Interval {
					run.comparisons = append(run.comparisons, aaComparison{m.name, &c})
					family = append(family, &c.Effect)
				}
			}
		}
		infer.Judge(infer.Margin, family...)
		runs = append(runs, run)
	}
	return runs, nil
}

// aaCount counts the comparisons that were called different.
type aaCount struct {
	n, alone, corrected int
	widths              []float64 // half widths of the intervals, as ratios
}

func (n *aaCount) add(c *stats.Comparison) {
	n.n++
	n.widths = append(n.widths, math.Sqrt(c.Hi/c.Lo))
	if c.P() < infer.Alpha {
		n.alone++
	}
	if c.Word == infer.Different {
		n.corrected++
	}
}

// aaTables says how often a variant was called different from itself.
func (b *builder) aaTables() error {
	runs, err := aaRuns(b.Run)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		b.printf("No A/A run: %s, one run takes %d.\n\n", plural(b.Run.Manifest.Blocks, "block"), aaBlocks)
		return nil
	}
	t := &table{
		caption: fmt.Sprintf("The same variant under two names (%s), closed loop: %s of %d blocks each, in which every metric is compared as in any report; the comparisons of one run are one family. Different, alone: p < %g, each comparison by itself, which is one in twenty by construction. Rates in percent with their 95 %% Clopper-Pearson interval, which takes comparisons for independent. Interval: by which ratio the ends of the interval lie from the estimate, median.",
			b.aaVariants(), plural(len(runs), "run"), aaBlocks, infer.Alpha),
		head: []column{text("metric"), num("comparisons"), num("different, alone"), num("rate, %"), num("different, as reported"), num("rate, %"), num("interval, ratio")},
	}
	var all aaCount
	for _, m := range aaMetrics {
		var n aaCount
		for _, r := range runs {
			for _, c := range r.comparisons {
				if c.metric == m.name {
					n.add(c.Comparison)
					all.add(c.Comparison)
				}
			}
		}
		t.add(n.row(m.name)...)
	}
	t.add(all.row("all")...)
	if left := b.Run.Manifest.Blocks % aaBlocks; left > 0 {
		t.note(plural(left, "block") + " left over")
	}
	b.part("How often is a variant called different from itself?", t)
	b.aaVerdict(runs, all)
	return nil
}

// aaVariants names the pairs of copies.
func (b *builder) aaVariants() string {
	var names []string
	for _, pair := range b.Run.Copies() {
		names = append(names, "`"+pair.A.ID+"` and `"+pair.B.ID+"`")
	}
	return strings.Join(names, "; ")
}

func (n *aaCount) row(name string) []string {
	return []string{name, fmt.Sprint(n.n), fmt.Sprint(n.alone), rate(n.alone, n.n), fmt.Sprint(n.corrected), rate(n.corrected, n.n),
		median(stats.Summarize(n.widths))}
}

// rate writes k of n in percent with its interval.
func rate(k, n int) string {
	if n == 0 {
		return none
	}
	lo, hi := infer.Proportion(int64(k), int64(n))
	return fmt.Sprintf("%s [%s, %s]", format.Number(100*float64(k)/float64(n)), format.Number(100*lo), format.Number(100*hi))
}

// aaVerdict says in words whether at most 5 % were called different.
func (b *builder) aaVerdict(runs []aaRun, all aaCount) {
	wrong := 0 // runs with any false difference
	for _, r := range runs {
		for _, c := range r.comparisons {
			if c.Word == infer.Different {
				wrong++
				break
			}
		}
	}
	b.printf("Called different, as reports call it: %s %% of the comparisons; %s. Runs with one such comparison or more: %d of %d, %s %%; %s. Each by itself: %s %% of the comparisons; %s.\n\n",
		rate(all.corrected, all.n), atMost(all.corrected, all.n), wrong, len(runs), rate(wrong, len(runs)), atMost(wrong, len(runs)),
		rate(all.alone, all.n), atMost(all.alone, all.n))
}

// atMost judges a rate against Alpha.
func atMost(k, n int) string {
	limit := fmt.Sprintf("%.0f %%", 100*infer.Alpha)
	lo, _ := infer.Proportion(int64(k), int64(n))
	switch {
	case float64(k) <= infer.Alpha*float64(n):
		return "at most " + limit
	case lo <= infer.Alpha:
		return "more than " + limit + ", which the interval contains"
	}
	return "more than " + limit + ", beyond chance"
}

// aaFigures draws the p-values of all comparisons.
func aaFigures(r *stats.Run) ([]*plots.Figure, error) {
	runs, err := aaRuns(r)
	if err != nil {
		return nil, err
	}
	var p []float64
	for _, run := range runs {
		for _, c := range run.comparisons {
			p = append(p, c.P())
		}
	}
	if len(p) == 0 {
		return nil, nil
	}
	f, err := plots.PValues("aa-p-values", fmt.Sprintf("A/A: p-values of a variant against itself, n=%d comparisons of %d blocks", len(p), aaBlocks), p)
	if err != nil {
		return nil, err
	}
	return []*plots.Figure{f}, nil
}
