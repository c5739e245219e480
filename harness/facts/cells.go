package facts

import (
	"fmt"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
)

// cellsView has a row for each selected cell and operation type: levels of its metrics
// and, beside the cell that it is compared with, ratios.
func (b *builder) cellsView(v plan.View) (View, error) {
	places := b.selected(v.Where)
	t, err := b.cellTable(v, places, b.rows(v, places))
	if err != nil {
		return View{}, err
	}
	made := View{Tables: []Table{t.Table}}
	made.Figures, err = b.figures(v, places)
	return made, err
}

// rows are the properties that name a view's rows.
func (b *builder) rows(v plan.View, places []*place, taken ...string) []string {
	dots := dotsOf(places, v.Ops, false)
	if len(v.Rows) == 0 {
		return b.apart(dots, taken...)
	}
	return b.distinct(dots, v.Rows, taken...)
}

// cellTable is the table of cellsView, with rows named by some properties.
func (b *builder) cellTable(v plan.View, places []*place, rows []string) (*table, error) {
	levels, ratios, err := metricsOf(v)
	if err != nil {
		return nil, err
	}
	perOp := b.opsDiffer(places, v.Ops)
	t := newTable(v.Kind, captionOf(v), cellColumns(v, rows, perOp, levels, ratios)...)
	for _, p := range places {
		if !p.cell.Measured() {
			t.skipped(p)
			continue
		}
		for _, op := range opsOf(p, v.Ops) {
			key := p.label(rows)
			cells := make([]Value, 0, len(t.Columns))
			for _, name := range rows {
				cells = append(cells, word(p.properties[name]))
			}
			if perOp {
				key += ", " + op
				cells = append(cells, word(op))
			}
			cells = append(cells, word(format.Count(int64(len(p.cell.Trials)))))
			if cells, err = b.cellValues(cells, p, op, v, levels, ratios); err != nil {
				return nil, err
			}
			t.add(key, cells...)
		}
	}
	return t, nil
}

func cellColumns(v plan.View, rows []string, perOp bool, levels, ratios []metric.Metric) []Column {
	var columns []Column
	for _, name := range rows {
		columns = append(columns, textColumn(name))
	}
	if perOp {
		columns = append(columns, textColumn(propOperation))
	}
	columns = append(columns, Column{Key: "n", Title: "n"})
	for _, m := range levels {
		columns = append(columns, metricColumn(m))
	}
	for _, m := range ratios {
		columns = append(columns, ratioColumn(m))
		if v.Limit > 0 {
			columns = append(columns, Column{Key: m.Name + "_limit", Title: fmt.Sprintf("at most %.3g %% worse", 100*(v.Limit-1)), Text: true})
		}
	}
	return columns
}

// skipped says why a cell has no row, if that is known.
func (t *table) skipped(p *place) {
	if p.cell.SkipReason != "" {
		t.note(fmt.Sprintf("%s: skipped: %s", p.cell.ID, strings.TrimSuffix(p.cell.SkipReason, ".")))
	}
}

// cellValues adds a cell's levels and ratios to a row.
// row has room for all of them.
func (b *builder) cellValues(row []Value, p *place, op string, v plan.View, levels, ratios []metric.Metric) ([]Value, error) {
	for _, m := range levels {
		id, err := b.level(p, m, op)
		if err != nil {
			return nil, err
		}
		row = append(row, known(id))
	}
	if len(ratios) == 0 {
		return row, nil
	}
	ref, err := b.reference(p, v.Against, v.Same)
	if err != nil {
		return nil, err
	}
	for _, m := range ratios {
		id, err := b.ratio(p, ref, m, op, v.ID)
		if err != nil {
			return nil, err
		}
		if ref == nil && p.matches(v.Against) {
			row = append(row, word("1"))
		} else {
			row = append(row, known(id))
		}
		if v.Limit > 0 {
			row = append(row, word(""))
			b.judgeLimit(&row[len(row)-1], id, m.Better, v.Limit)
		}
	}
	return row, nil
}

// judgeLimit writes, when ratios are judged, whether one stays within a limit: shown and
// broken are said by the whole interval.
func (b *builder) judgeLimit(to *Value, id int, better metric.Direction, limit float64) {
	if id == 0 {
		return
	}
	b.later = append(b.later, func() error {
		f := b.fact(id)
		if f.Lo == nil || f.Hi == nil {
			to.Text = "no interval"
			return nil
		}
		least, most := float64(*f.Lo), float64(*f.Hi)
		if better == metric.Higher {
			least, most = 1/most, 1/least
		}
		switch {
		case most <= limit:
			to.Text = "shown"
		case least > limit:
			to.Text = fmt.Sprintf("no: at least %s %%", format.Number(100*(least-1)))
		default:
			to.Text = fmt.Sprintf("not resolved: up to %s %%", format.Number(100*(most-1)))
		}
		return nil
	})
}

// metricsOf are a view's metrics: its levels and its ratios.
func metricsOf(v plan.View) (levels, ratios []metric.Metric, err error) {
	for _, name := range v.Metrics {
		m, err := metric.ByName(name)
		if err != nil {
			return nil, nil, err
		}
		levels = append(levels, m)
	}
	for _, name := range v.Ratios {
		m, err := metric.ByName(name)
		if err != nil {
			return nil, nil, err
		}
		ratios = append(ratios, m)
	}
	return levels, ratios, nil
}

// opsOf are a cell's operation types that are asked for; all if none are.
func opsOf(p *place, asked []string) []string {
	return slices.DeleteFunc(p.cell.Ops(), func(op string) bool { return len(asked) > 0 && !slices.Contains(asked, op) })
}

// opsDiffer reports whether places have more than one operation type between them.
func (b *builder) opsDiffer(places []*place, asked []string) bool {
	first := ""
	for _, p := range places {
		for _, op := range opsOf(p, asked) {
			if first == "" {
				first = op
			}
			if op != first {
				return true
			}
		}
	}
	return false
}

// captionOf says how the numbers of a view are to be read.
func captionOf(v plan.View) string {
	text := "Mean of the blocks [95 % interval]; percentiles out of the merged histograms."
	if len(v.Ratios) > 0 {
		text += fmt.Sprintf(" Ratio: to %s, all else equal.", selectorText(v.Against))
	}
	return text
}

// selectorText writes a selector: "wal=perready, disk=plan or native", "no item".
func selectorText(sel plan.Selector) string {
	var parts []string
	for _, name := range sel.Names() {
		parts = append(parts, valueText(name, strings.Join(sel[name], " or ")))
	}
	return strings.Join(parts, ", ")
}
