package facts

import (
	"cmp"
	"slices"

	"metastorebench/harness/plan"
)

// sweepView shows how metrics grow with one property, X, for each variant: a table in
// the order of variant and X, a figure for each metric unless the plan says which, and
// the model that is fitted, if one is.
func (b *builder) sweepView(v plan.View) (View, error) {
	places := b.selected(v.Where)
	variants := b.rows(v, places, v.X)
	places = inSweep(places, variants, v.X)
	t, err := b.cellTable(v, places, append(slices.Clone(variants), v.X))
	if err != nil {
		return View{}, err
	}
	made := View{Tables: []Table{t.Table}}
	for _, spec := range sweepFigures(v, b.apart(dotsOf(places, v.Ops, false), v.X)) {
		figs, err := b.draw(v, spec, places)
		if err != nil {
			return View{}, err
		}
		if v.Fit != "" && canFit(spec) {
			b.fit(v, figs, &made)
		}
		for _, d := range figs {
			made.Figures = append(made.Figures, d.Figure)
		}
	}
	return made, nil
}

// inSweep sorts places by variant, in the order in which these come, then by x.
func inSweep(places []*place, variants []string, x string) []*place {
	order := map[string]int{}
	for _, p := range places {
		if key := p.label(variants); order[key] == 0 {
			order[key] = len(order) + 1
		}
	}
	xs := valuesOf(places, x)
	sorted := slices.Clone(places)
	slices.SortStableFunc(sorted, func(p, q *place) int {
		return cmp.Or(cmp.Compare(order[p.label(variants)], order[q.label(variants)]),
			cmp.Compare(slices.Index(xs, p.properties[x]), slices.Index(xs, q.properties[x])))
	})
	return sorted
}

// sweepFigures are the figures that a sweep has unless its plan says: each metric
// against X, apart for each load and disk, which no axis would hold together.
func sweepFigures(v plan.View, differ []string) []plan.FigureSpec {
	per := slices.DeleteFunc(differ, func(name string) bool {
		return name != "disk" && (name == v.X || !slices.Contains(loads, name))
	})
	rest := slices.DeleteFunc(slices.Clone(v.Rows), func(name string) bool { return slices.Contains(per, name) })
	lines := func(metric string, ratio bool) plan.FigureSpec {
		return plan.FigureSpec{Kind: FigureLines, Metric: metric, Ratio: ratio, X: v.X, Lines: rest, Per: per}
	}
	specs := slices.Clone(v.Figures)
	if len(specs) == 0 {
		for _, name := range v.Metrics {
			specs = append(specs, lines(name, false))
		}
		for _, name := range v.Ratios {
			specs = append(specs, lines(name, true))
		}
	}
	if v.Fit != "" && !slices.ContainsFunc(specs, canFit) {
		specs = append(specs, lines(fitted, false))
	}
	return specs
}

// canFit reports whether a figure shows what a model is fitted to.
func canFit(spec plan.FigureSpec) bool {
	return spec.Kind == FigureLines && spec.Metric == fitted && !spec.Ratio
}
