package plots

import (
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"metastorebench/harness/facts"
)

// The faces of the greatest change or level, and of the least, are faded that much.
const strongest, weakest = 0.15, 0.75

// heat draws a table of ratios, or of levels, with each value in its cell. Ratios have
// the hue of their word, the stronger the further from 1; levels are the darker the
// higher.
func heat(f facts.Figure) *drawing {
	d := newDrawing(f)
	d.x, d.width = namesAxis(f.X), columnsWidth(f.X.Categories)
	d.y, d.height = rowsAxis(f.Y), cellHeight*vg.Length(len(f.Y.Categories))
	grid := map[[2]int]facts.Point{}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, s := range d.measured {
		for _, p := range s.Points {
			grid[[2]int{int(p.X), p.Row}] = p
			lo, hi = min(lo, d.strength(p)), max(hi, d.strength(p))
		}
	}
	for y := range d.y.names {
		for x := range d.x.names {
			at := xy{float64(x), float64(y)}
			text := mark{shape: word, at: []xy{at}, align: draw.XCenter, text: "n/a", look: look{ink: grey}}
			if p, ok := grid[[2]int{x, y}]; ok {
				l := look{face: blue, tint: weakest + (strongest-weakest)*(d.strength(p)-lo)/max(hi-lo, math.SmallestNonzeroFloat64)}.worded(p)
				l.ink, l.width = pale, thin
				text.text, text.ink = valueText(p, d.worded), black
				d.add(mark{shape: box, at: []xy{{at.x - 0.5, at.y - 0.5}, {at.x + 0.5, at.y + 0.5}}, look: l})
			}
			d.add(text)
		}
	}
	d.contour(grid)
	if !d.worded {
		d.explain("the darker the higher", look{ink: pale, face: blue, tint: strongest}, box)
	}
	return d.finish(box)
}

// strength is how strong a cell's face is: by how far a ratio is from 1, or by a level's
// logarithm.
func (d *drawing) strength(p facts.Point) float64 {
	log := math.Log(max(float64(p.Y), 1e-12))
	if d.worded {
		return math.Abs(log)
	}
	return log
}

// contour adds lines between neighbours whose words differ.
func (d *drawing) contour(grid map[[2]int]facts.Point) {
	l := look{ink: black, width: 1.8}
	border := func(x, y, x2, y2 int, from, to xy) {
		a, ok := grid[[2]int{x, y}]
		b, both := grid[[2]int{x2, y2}]
		if ok && both && wordOf(a) != wordOf(b) {
			d.add(mark{shape: line, at: []xy{from, to}, look: l})
			d.explain("the word changes", l, line)
		}
	}
	for y := range d.y.names {
		for x := range d.x.names {
			corner := xy{float64(x) + 0.5, float64(y) + 0.5}
			border(x, y, x+1, y, xy{corner.x, corner.y - 1}, corner)
			border(x, y, x, y+1, xy{corner.x - 1, corner.y}, corner)
		}
	}
}
