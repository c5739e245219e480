package facts

import (
	"fmt"
	"slices"

	"metastorebench/harness/format"
	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
)

// ladderSame are the properties of a place that is climbed, where a view names none.
var ladderSame = []string{plan.AxisEngine, plan.PropWorkload, plan.AxisDisk, plan.AxisAPI, plan.AxisMembers}

// climb is one place with the plan's rungs that were measured there, the lowest first.
type climb struct {
	rungs []*place
}

// ladderView has a row for each rung of each place: levels, the ratio to the lowest rung,
// and the step from the rung below.
func (b *builder) ladderView(v plan.View) (View, error) {
	levels, ratios, err := metricsOf(v)
	if err != nil {
		return View{}, err
	}
	levels, ratios = throughputAlone(levels), throughputAlone(ratios)
	climbs, names, err := b.climbs(v)
	if err != nil {
		return View{}, err
	}
	t := newTable("ladder", "Levels: mean of the blocks [95 % interval]; percentiles out of the merged histograms. Ratio: to the lowest rung of the same place; step: to the rung before.")
	for _, name := range append(names, propRung, "operation") {
		t.Columns = append(t.Columns, textColumn(name))
	}
	t.Columns = append(t.Columns, Column{Key: "n", Title: "n"})
	for _, m := range levels {
		t.Columns = append(t.Columns, metricColumn(m))
	}
	for _, m := range ratios {
		t.Columns = append(t.Columns, ratioColumn(m), Column{Key: m.Name + "_step", Title: m.Title + " step"})
	}
	for _, c := range climbs {
		for i := range c.rungs {
			if err := b.rungRows(t, v, c, i, names, levels, ratios); err != nil {
				return View{}, err
			}
		}
	}
	made := View{Tables: []Table{t.Table}}
	made.Figures, err = b.ladderFigures(v, climbs, levels[0])
	return made, err
}

// ladderFigures draw what the view asks for or, without that, a metric over the rungs: a
// figure for each place but for its load, of the first operation type that all loads
// have. In both stands what claims say that a rung should reach.
func (b *builder) ladderFigures(v plan.View, climbs []climb, m metric.Metric) ([]Figure, error) {
	var places []*place
	for _, rung := range b.asked.Rungs {
		for _, c := range climbs {
			for _, p := range c.rungs {
				if p.properties[plan.PropRung] == rung.Name {
					places = append(places, p)
				}
			}
		}
	}
	specs := v.Figures
	if len(specs) == 0 {
		per := slices.DeleteFunc(slices.Clone(ladderSame), func(name string) bool {
			return name == plan.PropWorkload || name == plan.AxisAPI || len(valuesOf(places, name)) < 2
		})
		v.Ops = sharedOp(places, v.Ops)
		specs = []plan.FigureSpec{{Kind: plan.FigureLines, Metric: m.Name, X: plan.PropRung, Per: per, Log: true}}
	}
	var figs []Figure
	for _, spec := range specs {
		drawn, err := b.draw(v, spec, places)
		if err != nil {
			return nil, err
		}
		for _, d := range drawn {
			if spec.X == plan.PropRung && !spec.Ratio {
				d.Series = append(d.Series, b.targets(d, spec.Metric)...)
			}
			figs = append(figs, d.Figure)
		}
	}
	return figs, nil
}

// sharedOp is the first operation type of those asked for that all places have; what was
// asked for if there is none.
func sharedOp(places []*place, asked []string) []string {
	for _, p := range places {
		for _, op := range opsOf(p, asked) {
			if !slices.ContainsFunc(places, func(q *place) bool { return !slices.Contains(q.cell.Ops(), op) }) {
				return []string{op}
			}
		}
	}
	return asked
}

// targets are the levels of a metric that claims want to be reached on the rungs of a
// figure, a series for each claim that speaks of its cells.
func (b *builder) targets(d drawn, name string) []Series {
	var all []Series
	for _, c := range b.asked.Claims {
		s := Series{Name: c.ID + " wants", Style: StyleTarget}
		for _, g := range c.Goals {
			bound := g.Min
			if bound == nil {
				bound = g.Max
			}
			if g.Rule != plan.RuleReach || g.Metric != name || bound == nil || len(g.Where[plan.PropRung]) != 1 {
				continue
			}
			speaks := func(at dot) bool { return at.matches(g.Where) && (g.Op == "" || g.Op == at.op) }
			if slices.ContainsFunc(slices.Concat(d.of...), speaks) {
				s.Points = append(s.Points, Point{X: Number(slices.Index(d.X.Categories, g.Where[plan.PropRung][0])), Y: Number(*bound)})
			}
		}
		if len(s.Points) > 0 {
			all = append(all, s)
		}
	}
	return all
}

// climbs are the places of the cells that a view selects, in the plan's order, and the
// properties that tell them apart. Two cells on one rung of a place are an error.
func (b *builder) climbs(v plan.View) (all []climb, names []string, err error) {
	same := v.Same
	if len(same) == 0 {
		same = ladderSame
	}
	var places []*place
	for _, p := range b.selected(v.Where) {
		if p.cell.Measured() && p.properties[propRung] != "" {
			places = append(places, p)
		}
	}
	at := map[string]int{}
	for _, rung := range b.asked.Rungs {
		for _, p := range places {
			if p.properties[propRung] != rung.Name {
				continue
			}
			key := p.label(same)
			i, known := at[key]
			if !known {
				i = len(all)
				at[key], all = i, append(all, climb{})
			}
			if n := len(all[i].rungs); n > 0 && all[i].rungs[n-1].properties[propRung] == rung.Name {
				return nil, nil, fmt.Errorf("%s and %s are both %s of %s: name more properties in same, or in where", all[i].rungs[n-1].cell.ID, p.cell.ID, rung.Name, key)
			}
			all[i].rungs = append(all[i].rungs, p)
		}
	}
	slices.SortStableFunc(all, func(x, y climb) int { return x.rungs[0].index - y.rungs[0].index })
	if names = v.Rows; len(names) == 0 {
		names = slices.DeleteFunc(slices.Clone(same), func(name string) bool { return len(valuesOf(places, name)) < 2 })
	}
	return all, names, nil
}

// rungRows adds a row for each operation type of a rung.
func (b *builder) rungRows(t *table, v plan.View, c climb, i int, names []string, levels, ratios []metric.Metric) error {
	p := c.rungs[i]
	ops := opsOf(p, v.Ops)
	for _, op := range ops {
		label := append(slices.Clone(names), propRung)
		key := p.label(label)
		var cells []Value
		for _, name := range label {
			cells = append(cells, word(p.properties[name]))
		}
		if cells = append(cells, word(op), word(format.Count(int64(len(p.cell.Trials))))); len(ops) > 1 {
			key += ", " + op
		}
		for _, m := range levels {
			id, err := b.level(p, m, op)
			if err != nil {
				return err
			}
			cells = append(cells, known(id))
		}
		for _, m := range ratios {
			if i == 0 {
				cells = append(cells, word("1"), word(none))
				continue
			}
			for _, below := range []*place{c.rungs[0], c.rungs[i-1]} {
				id, err := b.ratio(p, below, m, op, v.ID)
				if err != nil {
					return fmt.Errorf("%s: %w", key, err)
				}
				cells = append(cells, known(id))
			}
		}
		t.add(key, cells...)
	}
	return nil
}
