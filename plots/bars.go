package plots

import (
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"metastorebench/harness/facts"
)

// bars lie in rows, one row for each category from the top down, and in it a bar for
// each series that was measured there.
func bars(f facts.Figure) *drawing {
	d := newDrawing(f)
	_, e := d.extents()
	base := 0.0
	switch {
	case f.Y.One:
		base = 1
	case f.Y.Log:
		base = math.NaN() // there is no such place: points alone
	default:
		e.value(0)
	}
	d.x = numberAxis(f.Y, e)
	r := d.rows(f.X)
	several := len(d.measured) > 1
	for i, s := range d.measured {
		l, shapes := d.style(i), []string{box, glyph}
		switch {
		case math.IsNaN(base) || d.worded:
			shapes = shapes[1:]
		case !several:
			shapes = shapes[:1]
		}
		if d.worded { // the face is the word's: the glyph alone tells series apart
			l.ink, l.face = black, black
		}
		for _, p := range s.Points {
			d.bar(p, base, r.next(p), r.thick, l.worded(p), several, valueText(p, d.worded || f.Y.One))
		}
		if several || !d.worded {
			d.explain(s.Name, l, shapes...)
		}
	}
	d.across()
	d.unmeasured(r)
	return d.finish(box)
}

// bar adds a point's bar around y, its whisker, its glyph where there are several
// series or its base is none, and its text.
func (d *drawing) bar(p facts.Point, base, y, thick float64, l look, several bool, text string) {
	v := float64(p.Y)
	end := v
	if !math.IsNaN(base) {
		edge := look{ink: l.ink, face: l.face, width: thin}
		d.add(mark{shape: box, at: []xy{{base, y - thick/2}, {v, y + thick/2}}, look: edge})
		end = max(end, base)
	}
	if lo, hi, ok := interval(p); ok {
		d.add(mark{shape: span, at: []xy{{lo, y}, {hi, y}}, look: look{ink: black, width: thin}})
		end = max(end, hi)
	}
	beside := gap
	if several || math.IsNaN(base) {
		d.add(mark{shape: glyph, at: []xy{{v, y}}, look: l.marked()})
		beside += radius
	}
	d.add(mark{shape: word, at: []xy{{end, y}}, text: text, align: draw.XLeft, shift: beside, look: look{ink: black}})
}

// across adds targets, ceilings and limits: lines across a row, or across all if there
// is one point only.
func (d *drawing) across() {
	for _, s := range d.others {
		l := d.explainStyle(s)
		for _, p := range s.Points {
			from, to := float64(p.X)-0.45, float64(p.X)+0.45
			if everywhere(s) {
				from, to = d.y.lo, d.y.hi
			}
			d.add(mark{shape: line, at: []xy{{float64(p.Y), from}, {float64(p.Y), to}}, look: l})
		}
	}
}

// unmeasured says so in the rows without any bar.
func (d *drawing) unmeasured(r *rows) {
	for c, n := range r.has {
		if n == 0 {
			d.say(xy{d.x.lo, float64(c)}, "not measured", grey)
		}
	}
}

// rows are the places of bars: only the series that a row has take one.
type rows struct {
	has, given []int   // by category: bars in all, and those that have a place
	thick      float64 // of a bar, in rows
}

// rows makes the axis of categories, from the top down, as high as the fullest row needs.
func (d *drawing) rows(s facts.Scale) *rows {
	n := len(s.Categories)
	r := &rows{has: make([]int, n), given: make([]int, n)}
	most := 1
	for _, series := range d.measured {
		for _, p := range series.Points {
			r.has[int(p.X)]++
			most = max(most, r.has[int(p.X)])
		}
	}
	row := barHeight*vg.Length(most) + rowGap
	r.thick = float64(barHeight / row)
	d.y, d.height = rowsAxis(s), row*vg.Length(n)
	return r
}

// next is the middle of a point's bar.
func (r *rows) next(p facts.Point) float64 {
	c := int(p.X)
	r.given[c]++
	return float64(c) + (float64(r.given[c])-float64(r.has[c]+1)/2)*r.thick
}

// stack has the parts of a whole side by side, a row for each category, with the total.
func stack(f facts.Figure) *drawing {
	f.Y.Log, f.Y.One = false, false // parts add up on no other scale
	d := newDrawing(f)
	r := d.rows(f.X)
	const thick = 0.65
	d.height = vg.Length(len(r.has)) * barHeight / thick * 1.2
	_, e := d.extents()
	e.value(0)
	totals := make([]float64, len(r.has))
	for i, s := range d.measured {
		l := d.style(i)
		l.dash, l.width, l.tint = 0, thin, 0.35
		for _, p := range s.Points {
			from, y := totals[int(p.X)], float64(p.X)
			to := from + float64(p.Y)
			totals[int(p.X)] = to
			e.value(facts.Number(to))
			d.add(mark{shape: box, at: []xy{{from, y - thick/2}, {to, y + thick/2}}, look: l},
				mark{shape: glyph, at: []xy{{(from + to) / 2, y}}, within: to - from, look: l.marked()})
		}
		d.explain(s.Name, l, box, glyph)
	}
	d.x = numberAxis(f.Y, e)
	for c, total := range totals {
		if r.has[c] > 0 {
			d.say(xy{total, float64(c)}, valueText(facts.Point{Y: facts.Number(total)}, false), black)
		}
	}
	d.across()
	d.unmeasured(r)
	return d.finish(box)
}
