package facts

import (
	"fmt"

	"metastorebench/harness/infer"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// boundsCaption explains the table of what bounds each cell.
var boundsCaption = fmt.Sprintf("Bound: the busiest resource if at least %g %% of it is used, else none, with the busiest in parentheses; then the trials that agree, of n. In percent, means of the blocks: device, the time in log syncs; CPU, of all CPUs, and of it store, client and others (the kernel outside of both, other programs, stolen time); network, of the loopback bandwidth. Without machine counters CPU is store and client alone, a lower bound. Nearest ceiling: the one that the cell comes closest to, and the share of it that it reached: a no-op cell of the same run (by block), a probe of the table below (clients x connections), or the log's syncs (writes per sync by the length of a sync, both the cell's own).", 100*stats.Saturated)

// boundsView says what bounds each cell, and what this machine does at best.
func (b *builder) boundsView(v plan.View) (View, error) {
	var places []*place
	for _, p := range b.selected(v.Where) {
		if p.cell.Measured() {
			places = append(places, p)
		}
	}
	rows := b.rows(v, places)
	t := newTable("bounds", boundsCaption)
	for _, name := range rows {
		t.Columns = append(t.Columns, textColumn(name))
	}
	t.Columns = append(t.Columns, Column{Key: "bound", Title: "bound", Text: true})
	for _, u := range usages {
		t.Columns = append(t.Columns, Column{Key: u.key, Title: u.key + ", %"})
	}
	t.Columns = append(t.Columns, Column{Key: "ceiling", Title: "nearest ceiling", Text: true},
		Column{Key: "ceiling_rate", Title: "its rate, ops/s"}, Column{Key: "ceiling_share", Title: "reached, %"})
	for _, p := range places {
		t.add(p.label(rows), b.boundRow(p, rows, t)...)
	}
	made := View{Tables: []Table{t.Table}}
	if c := b.ceilings(b.run.Manifest.Ceilings); len(c.Rows) > 0 {
		made.Tables = append(made.Tables, c.Table)
	}
	var err error
	made.Figures, err = b.figures(v, places)
	return made, err
}

// usages are the shares of resources, by column.
var usages = []struct {
	key string
	of  func(stats.Bound) stats.Summary
}{
	{"device", func(b stats.Bound) stats.Summary { return b.Device }},
	{"CPU", func(b stats.Bound) stats.Summary { return b.CPU }},
	{"store", func(b stats.Bound) stats.Summary { return b.Store }},
	{"client", func(b stats.Bound) stats.Summary { return b.Client }},
	{"others", func(b stats.Bound) stats.Summary { return b.Other }},
	{"stolen", func(b stats.Bound) stats.Summary { return b.Steal }},
	{"network", func(b stats.Bound) stats.Summary { return b.Network }},
}

func (b *builder) boundRow(p *place, rows []string, t *table) []Value {
	bound := b.run.BoundOf(p.cell)
	cells := append(labels(p, rows), word(boundText(bound)))
	for _, u := range usages {
		cells = append(cells, known(b.shareFact(percent(u.of(bound).Estimate), "", p)))
	}
	for _, w := range bound.Warnings {
		t.note(p.cell.ID + ": " + w.Text)
	}
	tops := b.run.CeilingsOf(p.cell)
	if len(tops) == 0 {
		return append(cells, word(none), known(0), known(0))
	}
	top := tops[0]
	rate := &Fact{Kind: Level, Unit: record.UnitOps, Cells: []int{p.index}}
	rate.estimate(top.OpsPerSecond.Estimate)
	return append(cells, word(top.Name), known(b.add(rate)), known(b.shareFact(percent(top.Share.Estimate), "", p)))
}

// boundText writes "device 10/10" or "none (store CPU) 9/10".
func boundText(b stats.Bound) string {
	text := string(b.Resource)
	if b.Resource == stats.BoundNone && b.Busiest != stats.BoundNone {
		text += fmt.Sprintf(" (%s)", b.Busiest)
	}
	return fmt.Sprintf("%s %d/%d", text, b.Agree, b.N)
}

// percent is a share of 1 in percent. No share is negative, whatever the interval of a
// mean says.
func percent(e infer.Estimate) infer.Estimate {
	e.Value, e.Lo, e.Hi = 100*e.Value, max(0, 100*e.Lo), 100*e.Hi
	return e
}
