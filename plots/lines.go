package plots

import (
	"slices"

	"gonum.org/v1/plot/vg"

	"metastorebench/harness/facts"
)

// apart is how far the points of two series at one place stand from one another, and
// crowded the number of points from which on a line has a glyph at some of them only.
const (
	apart   = vg.Length(2)
	crowded = 30
	sparse  = 10
)

// lines draws values against a number, or against categories in their order.
func lines(f facts.Figure) *drawing {
	d := newDrawing(f)
	x, y := d.extents()
	if x == nothing { // only lines that hold for all of the axis
		x.value(1)
	}
	if !f.Y.Log && !f.Y.One {
		y.value(0)
	}
	d.x, d.y = numberAxis(f.X, x), numberAxis(f.Y, y)
	if len(f.X.Categories) > 0 {
		d.x, d.width = namesAxis(f.X), columnsWidth(f.X.Categories)
	}
	return d.connect()
}

// curve draws times by percentile.
func curve(f facts.Figure) *drawing {
	d := newDrawing(f)
	x, y := d.extents()
	d.x, d.y = percentileAxis(f.X.Label, x.hi), numberAxis(f.Y, y)
	return d.connect()
}

// connect adds the series: lines below, whiskers over them, points on top.
func (d *drawing) connect() *drawing {
	d.height = linesHeight
	var over []mark
	for i, s := range d.measured {
		l, shapes := d.style(i), []string{line, glyph}
		shift := apart * (vg.Length(i) - vg.Length(len(d.measured)-1)/2)
		if d.x.scale == percentile {
			shift = 0 // points there are not at places that series share
		}
		if len(s.Points) < 2 || slices.ContainsFunc(d.others, func(o facts.Series) bool { return o.Style == facts.StyleFit && o.Of == s.Name }) {
			shapes = shapes[1:]
		} else {
			d.join(s.Points, l, shift)
		}
		for _, p := range chosen(s.Points) {
			at := xy{float64(p.X), float64(p.Y)}
			if lo, hi, ok := interval(p); ok {
				d.add(mark{shape: span, at: []xy{{at.x, lo}, {at.x, hi}}, look: look{ink: l.ink, width: thin}, shift: shift})
			}
			over = append(over, mark{shape: glyph, at: []xy{at}, look: look{ink: l.ink, face: l.worded(p).face, width: 1, glyph: l.glyph}, shift: shift})
		}
		d.explain(s.Name, l, shapes...)
	}
	for _, s := range d.others {
		l := d.explainStyle(s)
		if everywhere(s) {
			y := float64(s.Points[0].Y)
			d.add(mark{shape: line, at: []xy{{d.x.lo, y}, {d.x.hi, y}}, look: l})
			continue
		}
		d.join(s.Points, l, 0)
	}
	d.add(over...)
	return d.finish(glyph)
}

// join adds a line through points, with a gap where categories are left out.
func (d *drawing) join(points []facts.Point, l look, shift vg.Length) {
	var at []xy
	for i, p := range points {
		if i > 0 && d.x.scale == nominal && p.X > points[i-1].X+1 {
			d.add(mark{shape: line, at: at, look: l, shift: shift})
			at = nil
		}
		at = append(at, xy{float64(p.X), float64(p.Y)})
	}
	d.add(mark{shape: line, at: at, look: l, shift: shift})
}

// chosen are the points that get a glyph: all, or of a crowded line some.
func chosen(points []facts.Point) (some []facts.Point) {
	if len(points) <= crowded {
		return points
	}
	for i := range sparse + 1 {
		some = append(some, points[i*(len(points)-1)/sparse])
	}
	return some
}
