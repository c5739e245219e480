package facts

import (
	"fmt"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
)

// wholeWrite is the metric whose parts the stages are.
const wholeWrite = "service_mean"

const stagesCaption = "Parts of the client's mean service time of writes: arithmetic means of the blocks' means, which add up, with their 95 % interval. Stages follow one another without gap; in every trial their sum was checked against the time in the store, measured apart. The last part is what the client measured beside them."

// parts are the metrics that a write's service time is made of, in order.
func parts() []metric.Metric {
	var all []metric.Metric
	for _, m := range metric.All() {
		if strings.HasPrefix(m.Name, "stage_") {
			all = append(all, m)
		}
	}
	return all
}

// stagesView shows where the writes of each traced cell spend their time: a table of
// times, one of shares, and a bar of shares for each cell.
func (b *builder) stagesView(v plan.View) (View, error) {
	var places []*place
	for _, p := range b.selected(v.Where) {
		if id, err := b.level(p, parts()[0], ""); err != nil {
			return View{}, err
		} else if id != 0 {
			places = append(places, p)
		}
	}
	if len(places) == 0 {
		return View{Notes: []string{"No cell of this run traced its stages."}}, nil
	}
	rows := b.rows(v, places)
	times, err := b.stageTimes(places, rows)
	if err != nil {
		return View{}, err
	}
	made := View{Tables: []Table{times.Table, b.stageShares(places, rows).Table}, Figures: b.stageFigures(v, places, rows)}
	more, err := b.figures(v, places)
	made.Figures = append(made.Figures, more...)
	return made, err
}

// stageTable has a column for each part, and rows named by some properties.
func stageTable(id, caption string, rows []string, unit string) *table {
	t := newTable(id, caption)
	for _, name := range rows {
		t.Columns = append(t.Columns, textColumn(name))
	}
	for _, m := range parts() {
		t.Columns = append(t.Columns, Column{Key: m.Name, Title: m.Title + ", " + unit})
	}
	return t
}

func (b *builder) stageTimes(places []*place, rows []string) (*table, error) {
	whole := metric.Must(wholeWrite)
	t := stageTable("stages", stagesCaption, rows, whole.Unit)
	t.Columns = append(t.Columns, metricColumn(whole), Column{Key: "traced", Title: "writes traced"})
	for _, p := range places {
		cells := labels(p, rows)
		for _, m := range append(parts(), whole) {
			id, err := b.level(p, m, "")
			if err != nil {
				return nil, err
			}
			cells = append(cells, known(id))
		}
		t.add(p.label(rows), append(cells, word(tracedText(p)))...)
	}
	return t, nil
}

// tracedText says how many writes were traced: "12,345, 1 in 16".
func tracedText(p *place) string {
	samples, every := int64(0), int64(0)
	for _, t := range p.cell.Trials {
		if t.Stages != nil {
			samples, every = samples+t.Stages.Samples, t.Stages.SampleEvery
		}
	}
	return fmt.Sprintf("%s, 1 in %d", format.Count(samples), every)
}

// labels are the cells of a row that name it.
func labels(p *place, rows []string) []Value {
	values := make([]Value, len(rows))
	for i, name := range rows {
		values[i] = word(p.properties[name])
	}
	return values
}

// stageShares is the table of shares.
func (b *builder) stageShares(places []*place, rows []string) *table {
	t := stageTable("shares", "The same as shares of the client's mean service time, in percent: arithmetic means over the blocks.", rows, "%")
	for _, p := range places {
		cells := labels(p, rows)
		for _, m := range parts() {
			cells = append(cells, known(b.share(p, m, metric.Must(wholeWrite))))
		}
		t.add(p.label(rows), cells...)
	}
	return t
}

// stageFigures have a bar of shares for each cell: in one figure or, where items differ,
// one for each of what else does.
func (b *builder) stageFigures(v plan.View, places []*place, rows []string) []Figure {
	dots := dotsOf(places, nil, false)
	per := slices.DeleteFunc(slices.Clone(rows), func(name string) bool { return name == propItems || b.ofItems[name] })
	if len(per) == len(rows) {
		per = nil
	}
	var figs []Figure
	for _, group := range grouped(dots, per) {
		within := b.apart(group, per...)
		fig := Figure{
			ID: b.figureID(slug(v.ID + " shares " + group[0].key(per))), Kind: FigureStack, Title: "Where a write's service time goes, % of it" + placeSuffix(group[0], per),
			Caption: stagesCaption + " " + countText(placesIn(group)), X: Scale{Label: labelOf(within)}, Y: Scale{Label: "share of the mean service time, %"},
		}
		for _, d := range group {
			fig.X.Categories = append(fig.X.Categories, d.category(within))
		}
		for _, m := range parts() {
			s := Series{Name: m.Title}
			for i, d := range group {
				if id := b.share(d.place, m, metric.Must(wholeWrite)); id != 0 {
					s.Points = append(s.Points, Point{X: Number(i), Fact: id})
				}
			}
			fig.Series = append(fig.Series, s)
		}
		figs = append(figs, fig)
	}
	return figs
}

// share is the fact of a metric's share of another in a cell, in percent: the mean of
// the trials that have both.
func (b *builder) share(p *place, part, whole metric.Metric) int {
	key := levelKey{p, part.Name + "/" + whole.Name, ""}
	if id, known := b.levels[key]; known {
		return id
	}
	var shares []float64
	for _, t := range p.cell.Trials {
		x, ok := b.read(part, "")(t)
		all, measured := b.read(whole, "")(t)
		if ok && measured && all > 0 {
			shares = append(shares, 100*x/all)
		}
	}
	b.levels[key] = b.shareFact(infer.Arithmetic(shares), part.Name, p)
	return b.levels[key]
}

// shareFact is an estimate in percent, of some cells; 0 without samples.
func (b *builder) shareFact(e infer.Estimate, name string, places ...*place) int {
	if e.N == 0 {
		return 0
	}
	f := &Fact{Kind: Share, Metric: name, Unit: "%"}
	for _, p := range places {
		f.Cells = append(f.Cells, p.index)
		f.Blocks = ranges(blocksOf(p.cell))
	}
	f.estimate(e)
	return b.add(f)
}

// countText is the range of the cells' blocks: "n=6 blocks.".
func countText(places []*place) string {
	var n counts
	for _, p := range places {
		n.add(len(p.cell.Trials))
	}
	return n.text()
}

// stagesOf are the parts of a traced cell's writes.
func (b *builder) stagesOf(p *place) ([]Stage, error) {
	var stages []Stage
	for _, m := range parts() {
		id, err := b.level(p, m, "")
		if err != nil || id == 0 {
			return nil, err
		}
		stages = append(stages, Stage{Name: m.Title, MeanUS: b.fact(id).Value})
	}
	return stages, nil
}
