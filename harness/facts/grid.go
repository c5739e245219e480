package facts

import (
	"cmp"
	"fmt"
	"slices"

	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
)

// gridView has a row for each combination of Rows and a column for each value of a
// property: the ratio to the cell of Against or, without one, the level.
func (b *builder) gridView(v plan.View) (View, error) {
	d, err := b.gridDrawing(v)
	if err != nil || len(d.dots) == 0 {
		return View{Notes: []string{"Nothing of this was measured."}}, err
	}
	t, err := b.gridTable(v, d)
	if err != nil {
		return View{}, err
	}
	made := View{Tables: []Table{t.Table}}
	if made.Figures, err = b.figures(v, placesIn(d.dots)); err != nil || len(v.Figures) > 0 {
		return made, err
	}
	heat, err := b.figure(d)
	if err != nil {
		return View{}, err
	}
	if heat.ID = b.figureID(heat.ID); len(heat.Series) > 0 {
		made.Figures = append(made.Figures, heat.Figure)
	}
	return made, nil
}

// gridDrawing is the heat map of a grid, which says what is in its table too.
func (b *builder) gridDrawing(v plan.View) (*drawing, error) {
	levels, ratios, err := metricsOf(v)
	if err != nil {
		return nil, err
	}
	d := &drawing{view: v, kind: FigureHeat, ratio: len(ratios) > 0, x: []string{v.Columns}}
	d.metric = slices.Concat(ratios, levels, []metric.Metric{metric.Must(fitted)})[0]
	d.dots = dotsOf(b.selected(v.Where), v.Ops, d.metric.PerOp)
	if d.dots, err = b.numbered(d); err != nil {
		return nil, err
	}
	if len(v.Rows) == 0 {
		d.y = b.apart(d.dots, v.Columns)
	} else {
		d.y = b.distinct(d.dots, v.Rows, v.Columns)
	}
	return d, nil
}

func (b *builder) gridTable(v plan.View, d *drawing) (*table, error) {
	t := newTable("grid", d.title()+d.placeText()+". "+d.estimator())
	for _, name := range d.y {
		t.Columns = append(t.Columns, textColumn(name))
	}
	values := valuesOf(placesIn(d.dots), v.Columns)
	for _, value := range values {
		t.Columns = append(t.Columns, Column{Key: cmp.Or(value, none), Title: valueText(v.Columns, value)})
	}
	for _, row := range grouped(d.dots, d.y) {
		cells := make([]Value, 0, len(t.Columns))
		for _, name := range d.y {
			cells = append(cells, word(row[0].value(name)))
		}
		for _, value := range values {
			cell, err := b.gridCell(d, row, value)
			if err != nil {
				return nil, err
			}
			cells = append(cells, cell)
		}
		t.add(row[0].label(d.y), cells...)
	}
	return t, nil
}

// gridCell is what one row has under a value.
func (b *builder) gridCell(d *drawing, row []dot, value string) (Value, error) {
	i := slices.IndexFunc(row, func(at dot) bool { return at.value(d.x[0]) == value })
	if i < 0 {
		return known(0), nil
	}
	id, err := b.number(d, row[i])
	if err != nil {
		err = fmt.Errorf("column %s: %w", value, err)
	}
	return known(id), err
}
