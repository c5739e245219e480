package facts

import (
	"fmt"
	"slices"

	"metastorebench/harness/format"
	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

const openCaption = "Response time is from the intended start, service time from the send; a closed loop has no intended starts. Percentiles of the histograms of all blocks, merged. Send lag: from the intended start to the send. Timing error: the same for operations that found a free client, the generator's own. Unsent: given up after waiting too long for one; their response time and send lag count as infinite. Lag, error, unsent and backlog are of all operation types together, and of void trials too."

// openMetrics are the levels of a cell beside its pace.
var openMetrics = []string{"offered", "throughput", "response_p50", "response_p99", "response_p99.9", "p50", "p99", "p99.9"}

// paceColumns are what is told of a generator.
var paceColumns = []Column{
	{Key: "send_lag_p99", Title: "send lag p99, ms"}, {Key: "timing_error_p50", Title: "timing error p50, ms"}, {Key: "timing_error_p99", Title: "p99, ms"},
	{Key: "unsent", Title: "unsent"}, {Key: "backlog", Title: "backlog, operations"},
}

// openloopView shows the cells of open loops, each beside the closed loops of the same
// store if there are any, and their percentile curves.
func (b *builder) openloopView(v plan.View) (View, error) {
	places := besideOpen(b.selected(v.Where))
	if len(places) == 0 {
		return View{Notes: []string{"No cell of this run was measured in an open loop."}}, nil
	}
	rows := b.rows(v, places)
	t, err := b.openTable("openloop", openCaption, places, v.Ops, rows, func(p *place) []Value { return labels(p, rows) })
	if err != nil {
		return View{}, err
	}
	made := View{Tables: []Table{t.Table}}
	curves, err := b.openCurves(v, places)
	if err != nil {
		return View{}, err
	}
	more, err := b.figures(v, places)
	made.Figures = append(curves, more...)
	return made, err
}

// besideOpen are the measured places of open loops, and those of closed ones with the
// same target and options.
func besideOpen(places []*place) []*place {
	open := map[string]bool{}
	store := func(p *place) string { return p.cell.Target + " " + optionsText(p.cell) }
	for _, p := range places {
		if p.cell.Open() {
			open[store(p)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(places), func(p *place) bool { return !p.cell.Measured() || !open[store(p)] })
}

// optionsText is a text that cells of equal options share.
func optionsText(c *stats.Cell) string { return fmt.Sprint(c.Options) } // sorted by key

// openTable has a row for each operation type of the places, whose first columns are
// the labels of the place.
func (b *builder) openTable(id, caption string, places []*place, ops, rows []string, label func(*place) []Value) (*table, error) {
	t := newTable(id, caption)
	for _, name := range rows {
		t.Columns = append(t.Columns, textColumn(name))
	}
	t.Columns = append(t.Columns, textColumn(propOperation), Column{Key: "n", Title: "n"})
	for _, name := range openMetrics {
		t.Columns = append(t.Columns, metricColumn(metric.Must(name)))
	}
	t.Columns = append(t.Columns, paceColumns...)
	for _, p := range places {
		pace, err := b.pace(p)
		if err != nil {
			return nil, err
		}
		for _, op := range opsOf(p, ops) {
			cells := label(p)
			key := ""
			for _, c := range cells {
				key += c.Text + ", "
			}
			cells = append(cells, word(op), word(format.Count(int64(len(p.cell.Trials)))))
			for _, name := range openMetrics {
				level, err := b.level(p, metric.Must(name), op)
				if err != nil {
					return nil, err
				}
				cells = append(cells, known(level))
			}
			t.add(key+op, append(cells, pace...)...)
		}
	}
	return t, nil
}

// pace are the values of paceColumns.
func (b *builder) pace(p *place) ([]Value, error) {
	if !p.cell.Open() {
		return []Value{known(0), known(0), known(0), known(0), known(0)}, nil
	}
	pace, err := stats.PaceOf(p.cell)
	if err != nil {
		return nil, err
	}
	n := len(p.cell.Recorded())
	backlog := &Fact{Kind: Count, Unit: "operations", Value: Number(pace.MaxBacklog), N: n, Cells: []int{p.index}, Text: format.Count(pace.MaxBacklog)}
	unsent := &Fact{Kind: Count, Unit: "operations", Value: Number(pace.Unsent), N: n, Cells: []int{p.index},
		Text: fmt.Sprintf("%s of %s", format.Count(pace.Unsent), format.Count(pace.Due))}
	return []Value{b.millis(p, pace.SendLag, 99), b.millis(p, pace.TimingError, 50), b.millis(p, pace.TimingError, 99), known(b.add(unsent)), known(b.add(backlog))}, nil
}

// millis is a percentile of a merged histogram.
func (b *builder) millis(p *place, l stats.Latency, percentile float64) Value {
	ns, ok := l.Percentile(percentile)
	if !ok {
		return known(0)
	}
	ms := float64(ns) / 1e6
	f := &Fact{Kind: Level, Unit: "ms", Value: Number(ms), N: l.Blocks, Cells: []int{p.index}, Text: format.Number(ms)}
	if ns >= record.Infinite {
		f.Text = "> " + format.Number(record.Infinite/1e6)
	}
	return known(b.add(f))
}

// maxCurved is how many cells' curves can be told apart in one figure.
const maxCurved = 4

// openCurves are the percentile curves of service and response times, in a figure for
// each store: what one clock sees and the other does not. A store with more loads than
// can be told apart has none.
func (b *builder) openCurves(v plan.View, places []*place) ([]Figure, error) {
	dots := dotsOf(places, v.Ops, true)
	lines := []string{"loop"}
	per := b.apart(dots, lines...)
	per = slices.DeleteFunc(per, func(name string) bool { return name == propWorkload || slices.Contains(loads, name) })
	lines = b.distinct(dots, lines, per...)
	var figs []Figure
	for _, group := range grouped(dots, per) {
		if len(group) > maxCurved {
			continue
		}
		fig := Figure{
			ID: slug(v.ID + " percentiles " + group[0].key(per)), Kind: FigureCurve, Title: "Service and response times by percentile, ms" + placeSuffix(group[0], per),
			Caption: "Service time is from the send, response time from the intended start, which an open loop alone has. Histograms of all blocks merged, " + countText(placesIn(group)),
			X:       Scale{Label: "percentile"}, Y: Scale{Label: "time, ms", Log: true},
		}
		for _, d := range group {
			for _, times := range []struct {
				name string
				of   func(*stats.Cell, string) (stats.Latency, error)
			}{{"service", stats.LatencyOf}, {"response", stats.ResponseOf}} {
				l, err := times.of(d.cell, d.op)
				if err != nil {
					return nil, err
				}
				if s := curve(d.name(lines)+", "+times.name, l); len(s.Points) > 0 {
					fig.Series = append(fig.Series, s)
				}
			}
		}
		fig.ID = b.figureID(fig.ID)
		figs = append(figs, fig)
	}
	return figs, nil
}

// curve is a merged histogram's percentiles in milliseconds.
func curve(name string, l stats.Latency) Series {
	s := Series{Name: name}
	for _, p := range percentilePoints {
		if ns, ok := l.Percentile(p); ok && ns < record.Infinite {
			s.Points = append(s.Points, Point{X: Number(p), Y: Number(float64(ns) / 1e6)})
		}
	}
	return s
}
