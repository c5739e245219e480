package facts

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
	"metastorebench/harness/stats"
)

// aaBlocks is the number of blocks of one A/A run unless the plan says.
const aaBlocks = 10

// aaComparison is a copy against its twin over the blocks of one run.
type aaComparison struct {
	metric string // its heading
	infer.Effect
}

// aaView says how often a variant was called different from itself: the blocks are
// divided into runs, and in each the copies are compared on all metrics, as one family.
func (b *builder) aaView(v plan.View) (View, error) {
	blocks := cmp.Or(v.Blocks, aaBlocks)
	runs, err := b.aaRuns(v, blocks)
	if err != nil {
		return View{}, err
	}
	if len(runs) == 0 || len(slices.Concat(runs...)) == 0 {
		return View{Notes: []string{fmt.Sprintf("No A/A run: there are %d blocks and %d pairs of copies; a run takes %d blocks of one pair.", b.run.Manifest.Blocks, len(b.run.Copies()), blocks)}}, nil
	}
	t := newTable("aa", fmt.Sprintf("The same variant under two names (%s): %d runs of %d blocks each, in which every metric is compared as in any report; the comparisons of one run are one family. Different, alone: p < %g, each comparison by itself, which is one in twenty by construction. Rates with their 95 %% Clopper-Pearson interval, which takes comparisons for independent. Interval: by which ratio the ends of the interval lie from the estimate.",
		b.copyNames(), len(runs), blocks, infer.Alpha),
		textColumn("metric"), Column{Key: "comparisons", Title: "comparisons"}, Column{Key: "alone", Title: "different, alone, %"},
		Column{Key: "reported", Title: "different, as reported, %"}, Column{Key: "interval", Title: "interval, ratio"})
	all := slices.Concat(runs...)
	for _, name := range metricsIn(all) {
		of := slices.DeleteFunc(slices.Clone(all), func(c aaComparison) bool { return c.metric != name })
		t.add(name, b.aaRow(name, of)...)
	}
	t.add("all", b.aaRow("all", all)...)
	wrong := 0 // runs with any false difference
	for _, r := range runs {
		if slices.ContainsFunc(r, aaComparison.reported) {
			wrong++
		}
	}
	t.add("runs", word("runs with one or more"), word(format.Count(int64(len(runs)))), known(0), b.rateOf(wrong, len(runs)), known(0))
	if left := b.run.Manifest.Blocks % blocks; left > 0 {
		t.note(fmt.Sprintf("%d blocks left over.", left))
	}
	t.note(fmt.Sprintf("Called different, as reports call it. Of comparisons: %s. Of runs: %s.", atMost(count(all, aaComparison.reported), len(all)), atMost(wrong, len(runs))))
	return View{Tables: []Table{t.Table}, Figures: []Figure{b.pValues(v, all, blocks)}}, nil
}

// aaRuns makes the comparisons of all complete runs of blocks, each run a family.
func (b *builder) aaRuns(v plan.View, blocks int) ([][]aaComparison, error) {
	levels, ratios, err := metricsOf(v)
	if err != nil {
		return nil, err
	}
	metrics := slices.Concat(levels, ratios)
	var runs [][]aaComparison
	for from := 0; from+blocks <= b.run.Manifest.Blocks; from += blocks {
		var run []aaComparison
		for _, pair := range b.run.Copies() {
			for _, m := range metrics {
				found, err := b.aaCompare(pair.A.Between(from, from+blocks), pair.B.Between(from, from+blocks), m)
				if err != nil {
					return nil, err
				}
				run = append(run, found...)
			}
		}
		var family []*infer.Effect
		for i := range run {
			family = append(family, &run[i].Effect)
		}
		infer.Judge(infer.Margin, family...)
		runs = append(runs, run)
	}
	return runs, nil
}

// aaCompare compares two copies on a metric of each operation type that has it.
func (b *builder) aaCompare(one, two *stats.Cell, m metric.Metric) ([]aaComparison, error) {
	ops := []string{""}
	if m.PerOp {
		ops = one.Ops()
	}
	var found []aaComparison
	for _, op := range ops {
		c, err := stats.CompareAny(two, one, b.read(m, op))
		if errors.Is(err, stats.ErrNoPairs) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if c.Interval {
			found = append(found, aaComparison{strings.TrimSpace(m.Title + " " + op), c.Effect})
		}
	}
	return found, nil
}

func (c aaComparison) alone() bool    { return c.P() < infer.Alpha }
func (c aaComparison) reported() bool { return c.Word == infer.Different }

func count(all []aaComparison, is func(aaComparison) bool) int {
	n := 0
	for _, c := range all {
		if is(c) {
			n++
		}
	}
	return n
}

func metricsIn(all []aaComparison) []string {
	var names []string
	for _, c := range all {
		if !slices.Contains(names, c.metric) {
			names = append(names, c.metric)
		}
	}
	return names
}

// copyNames are the pairs of copies.
func (b *builder) copyNames() string {
	var names []string
	for _, pair := range b.run.Copies() {
		names = append(names, pair.A.ID+" and "+pair.B.ID)
	}
	return strings.Join(names, "; ")
}

func (b *builder) aaRow(name string, of []aaComparison) []Value {
	widths := make([]float64, len(of))
	for i, c := range of {
		widths[i] = math.Sqrt(c.Hi / c.Lo)
	}
	return []Value{word(name), word(format.Count(int64(len(of)))), b.rateOf(count(of, aaComparison.alone), len(of)), b.rateOf(count(of, aaComparison.reported), len(of)),
		word(format.Number(infer.Mean(widths).Value))}
}

// rateOf is k of n in percent with its interval.
func (b *builder) rateOf(k, n int) Value {
	lo, hi := infer.Proportion(int64(k), int64(n))
	return known(b.shareFact(percent(infer.Estimate{Value: float64(k) / float64(n), Lo: lo, Hi: hi, N: n, Interval: true}), ""))
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

// pValues draws all comparisons' p-values by rank: without any difference they lie on
// the diagonal.
func (b *builder) pValues(v plan.View, all []aaComparison, blocks int) Figure {
	ps := make([]float64, len(all))
	for i, c := range all {
		ps[i] = c.P()
	}
	slices.Sort(ps)
	measured := Series{Name: "measured"}
	for i, p := range ps {
		measured.Points = append(measured.Points, Point{X: Number((float64(i) + 0.5) / float64(len(ps))), Y: Number(p)})
	}
	return Figure{
		ID: b.figureID(slug(v.ID + " p values")), Kind: FigureLines, Title: fmt.Sprintf("p-values of a variant against itself, by rank, n=%d comparisons of %d blocks", len(ps), blocks),
		Caption: "Each comparison by itself, sorted. Where nothing differs, p-values are evenly spread, along the line of no difference; a curve below it would be differences that are not there.",
		X:       Scale{Label: "share of the comparisons"}, Y: Scale{Label: "p-value"},
		Series: []Series{measured, {Name: "no difference", Style: StyleTarget, Points: []Point{{X: 0, Y: 0}, {X: 1, Y: 1}}}},
	}
}
