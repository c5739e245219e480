package facts

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
	"metastorebench/harness/stats"
)

// study is a stratum of the plan's items in a view: the cells of it that the view
// selects, and the name that tells it from the view's others.
type study struct {
	*stats.Stratum
	properties []string // the values that make the name
	label      string
	title      string // the name for who sees nothing of the others
	places     []*place
}

// studies are the strata of the measured cells that a view selects, in the plan's order,
// without those that keep refuses. names are the properties that tell them apart, those
// of the view's rows if it has any.
func (b *builder) studies(v plan.View, keep func(*study) bool) (all []*study, names []string) {
	for _, p := range b.selected(v.Where) {
		if p.stratum == nil || !p.cell.Measured() {
			continue
		}
		i := slices.IndexFunc(all, func(s *study) bool { return s.Stratum == p.stratum })
		if i < 0 {
			i = len(all)
			all = append(all, &study{Stratum: p.stratum})
		}
		all[i].places = append(all[i].places, p)
	}
	all = slices.DeleteFunc(all, func(s *study) bool { return !keep(s) })
	firsts := make([]*place, len(all))
	for i, s := range all {
		firsts[i] = s.places[0]
	}
	names = b.naming(v.Rows, firsts)
	for i, s := range all {
		s.label = firsts[i].label(names)
		s.title = dot{place: firsts[i]}.name(firsts[i].titled(names))
		for _, name := range names {
			s.properties = append(s.properties, cmp.Or(firsts[i].properties[name], "-"))
		}
	}
	return all, names
}

// principal are the properties that every reader wants to know: load, engine, disk.
var principal = []string{plan.PropWorkload, plan.AxisEngine, plan.AxisDisk}

// titled are the principal properties that a place has, and then names.
func (p *place) titled(names []string) []string {
	first := slices.DeleteFunc(slices.Clone(principal), func(name string) bool { return p.properties[name] == "" })
	return append(first, slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(first, name) })...)
}

// naming are the properties that tell places apart: those given or, without any, those
// in which they differ beside the plan's items, and the group where that is not enough.
func (b *builder) naming(given []string, places []*place) []string {
	if len(given) > 0 {
		return given
	}
	names := slices.DeleteFunc(b.differing(places), func(name string) bool { return b.ofItems[name] })
	dots := dotsOf(places, nil, false)
	names = slices.DeleteFunc(names, func(name string) bool { // the engine says its profile
		return !slices.Contains(principal, name) && slices.ContainsFunc(principal, func(by string) bool { return says(dots, []string{by}, name) })
	})
	if len(names) == 0 {
		names = []string{plan.PropWorkload}
	}
	labels := map[string]bool{}
	for _, p := range places {
		labels[p.label(names)] = true
	}
	if len(labels) < len(places) {
		names = slices.Insert(names, 0, propGroup)
	}
	return names
}

// at is the study's cell with these items on, nil without one.
func (s *study) at(set stats.Setting) *place {
	if i := slices.IndexFunc(s.places, func(p *place) bool { return p.setting == set }); i >= 0 {
		return s.places[i]
	}
	return nil
}

// has reports whether the view has a cell for each of the settings.
func (s *study) has(sets ...stats.Setting) bool {
	return !slices.ContainsFunc(sets, func(set stats.Setting) bool { return s.at(set) == nil })
}

// ends are the settings that say whether effects multiply: none, each item alone, all.
func (s *study) ends() []stats.Setting {
	sets := []stats.Setting{0}
	for i := range s.Factors {
		sets = append(sets, 1<<i)
	}
	return append(sets, s.All())
}

// full reports whether the view has every combination of the study's items.
func (s *study) full() bool {
	for set := range s.All() + 1 {
		if s.at(set) == nil {
			return false
		}
	}
	return true
}

// settings are those of the study's cells.
func (s *study) settings() []stats.Setting {
	sets := make([]stats.Setting, len(s.places))
	for i, p := range s.places {
		sets[i] = p.setting
	}
	return sets
}

// itemTitle names an item by its id and its axes: "P1.1 propose".
func itemTitle(f stats.Factor) string {
	if f.ID == f.Name() {
		return f.ID
	}
	return f.ID + " " + f.Name()
}

// response is what an effect is an effect on: a metric and, where each operation type
// has its own, a type.
type response struct {
	metric metric.Metric
	op     string
}

// String is the response's name as Cell.Levels has it: "throughput put".
func (r response) String() string { return strings.TrimSpace(r.metric.Name + " " + r.op) }

// heading is the response's name for a reader.
func (r response) heading() string {
	if r.op == "" {
		return r.metric.Title
	}
	return r.metric.Title + " of " + r.op + "s"
}

// responsesOf are a metric's responses in a cell.
func responsesOf(m metric.Metric, p *place, ops []string) []response {
	if !m.PerOp {
		return []response{{metric: m}}
	}
	var all []response
	for _, op := range opsOf(p, ops) {
		all = append(all, response{m, op})
	}
	return all
}

// throughputAlone is what a view is about that names no metric.
func throughputAlone(metrics []metric.Metric) []metric.Metric {
	if len(metrics) == 0 {
		return []metric.Metric{metric.Must("throughput")}
	}
	return metrics
}

// askOf makes the fact of an effect that several cells of a study make together.
func (b *builder) askOf(e infer.Effect, r response, better metric.Direction, family string, s *study, sets ...stats.Setting) int {
	f := &Fact{Metric: r.metric.Name, Op: r.op}
	cells := make([]*place, len(sets))
	for i, set := range sets {
		cells[i] = s.at(set)
		f.Cells = append(f.Cells, cells[i].index)
	}
	f.Blocks = ranges(blocksOfAll(cells...))
	return b.ask(e, better, family, f)
}

// blocksOfAll are the blocks that all of the cells have, rising.
func blocksOfAll(cells ...*place) []int {
	blocks := blocksOf(cells[0].cell)
	for _, p := range cells[1:] {
		blocks = common(blocks, blocksOf(p.cell))
	}
	return blocks
}

// leftOut says how many blocks a response does without; "" for none.
func (s *study) leftOut(r response, n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %s: blocks left out, because a trial is void or too short for it: %d.", s.label, r.heading(), n)
}

// slug makes a file's name out of texts.
func slug(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.'
	}), "-")
}
