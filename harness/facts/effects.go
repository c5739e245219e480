package facts

import (
	"fmt"
	"slices"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
	"metastorebench/harness/stats"
)

// effectsView says what the plan's items make where there need be no factorial: all
// against none in each study, and each item alone and last. A view that names no ratios
// means those of its metrics.
func (b *builder) effectsView(v plan.View) (View, error) {
	levels, ratios, err := metricsOf(v)
	if err != nil {
		return View{}, err
	}
	if len(ratios) == 0 {
		ratios = throughputAlone(levels)
	}
	studies, names := b.studies(v, func(s *study) bool { return s.has(0) || s.has(s.All()) })
	ends, err := b.ends(v, studies, names, levels, ratios)
	if err != nil {
		return View{}, err
	}
	items, err := b.items(v, studies, names, ratios)
	if err != nil {
		return View{}, err
	}
	tables := slices.DeleteFunc([]Table{ends, items}, func(t Table) bool { return len(t.Rows) == 0 })
	made := View{Tables: tables}
	made.Figures, err = b.figures(v, b.selected(v.Where))
	return made, err
}

// ends has a row for each study that has both: levels without items and with all, and
// the ratios.
func (b *builder) ends(v plan.View, studies []*study, names []string, levels, ratios []metric.Metric) (Table, error) {
	t := newTable("ends", "All items against none. Levels: mean of the blocks [95 % interval]; percentiles out of the merged histograms. "+infer.Legend)
	t.Title = "All items"
	t.studyColumns(names)
	for _, m := range levels {
		t.Columns = append(t.Columns, Column{Key: m.Name + "_none", Title: m.Heading() + ", none"}, Column{Key: m.Name + "_all", Title: m.Heading() + ", all"})
	}
	for _, m := range ratios {
		t.Columns = append(t.Columns, ratioColumn(m))
	}
	for _, s := range studies {
		for _, op := range opsOf(s.places[0], v.Ops) {
			none, all := s.at(0), s.at(s.All())
			if none == nil || all == nil {
				continue
			}
			key, cells := s.row(op, len(opsOf(s.places[0], v.Ops)) > 1, none, all)
			for _, m := range levels {
				for _, p := range []*place{none, all} {
					id, err := b.level(p, m, op)
					if err != nil {
						return Table{}, err
					}
					cells = append(cells, known(id))
				}
			}
			for _, m := range ratios {
				id, err := b.ratio(all, none, m, op, v.ID)
				if err != nil {
					return Table{}, fmt.Errorf("%s: %w", key, err)
				}
				cells = append(cells, known(id))
			}
			t.add(key, cells...)
		}
	}
	return t.Table, nil
}

// items has a row for each item and study: alone and last.
func (b *builder) items(v plan.View, studies []*study, names []string, ratios []metric.Metric) (Table, error) {
	t := newTable("items", "Ratio that each item makes. Alone: to none. Last: all to all but it. "+infer.Legend, textColumn("item"))
	t.Title = "Each item"
	t.studyColumns(names)
	for _, m := range ratios {
		t.Columns = append(t.Columns, Column{Key: m.Name + "_" + colAlone, Title: m.Title + ", alone"}, Column{Key: m.Name + "_" + colLast, Title: m.Title + ", last"})
	}
	for _, f := range b.factors {
		for _, s := range studies {
			if i := s.Index(f.ID); i >= 0 {
				if err := b.itemRows(t, v, s, i, ratios); err != nil {
					return Table{}, err
				}
			}
		}
	}
	return t.Table, nil
}

// itemRows adds what an item makes in a study, a row for each operation type; none where
// neither of the two pairs of cells was measured.
func (b *builder) itemRows(t *table, v plan.View, s *study, item int, ratios []metric.Metric) error {
	f, set, all := s.Factors[item], stats.Setting(1)<<item, s.All()
	pairs := [][2]*place{{s.at(set), s.at(0)}, {s.at(all), s.at(all &^ set)}}
	var of []*place
	for _, p := range pairs {
		if p[0] != nil && p[1] != nil {
			of = append(of, p[0], p[1])
		}
	}
	if len(of) == 0 {
		return nil
	}
	ops := opsOf(s.places[0], v.Ops)
	for _, op := range ops {
		label, cells := s.row(op, len(ops) > 1, of...)
		key := f.ID + ", " + label
		cells = slices.Insert(cells, 0, word(itemTitle(f)))
		for _, m := range ratios {
			for _, p := range pairs {
				id, err := b.ratio(p[0], p[1], m, op, v.ID)
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

// studyColumns adds the headings of study.row.
func (t *table) studyColumns(names []string) {
	for _, name := range names {
		t.Columns = append(t.Columns, textColumn(name))
	}
	t.Columns = append(t.Columns, textColumn("operation"), Column{Key: "n", Title: "n"})
}

// row begins a row about an operation type: its key, the study's name, the type, and the
// blocks that all of the cells have.
func (s *study) row(op string, several bool, cells ...*place) (key string, row []Value) {
	key = s.label
	if several {
		key += ", " + op
	}
	for _, text := range s.properties {
		row = append(row, word(text))
	}
	return key, append(row, word(op), word(format.Count(int64(len(blocksOfAll(cells...))))))
}
