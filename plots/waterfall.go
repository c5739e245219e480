package plots

import (
	"math"

	"metastorebench/harness/facts"
	"metastorebench/harness/format"
)

// waterfall draws how a total divides among items: from the start in the first row, each
// item's bar begins where the last one of its series ended, and the last row has it all.
// On a log axis equal ratios are of equal length, whatever their order.
func waterfall(f facts.Figure) *drawing {
	d := newDrawing(f)
	first := d.measured[0].Points[0]
	start := first.Y
	f.Y.Log, f.Y.One = true, start == 1
	e := nothing
	e.point(first)
	r, several := d.rows(f.X), len(d.measured) > 1
	for i, s := range d.measured {
		l := d.style(i)
		l.ink, l.face = black, grey // of what has no word, such as the end
		at, y := start, r.next(s.Points[0])
		for _, p := range s.Points[1:] {
			from, scale, text := at, at, valueText(p, true)
			if int(p.X) == len(s.Points)-1 { // it is no ratio to what came before, but the end
				from, scale = start, 1
				if start != 1 {
					text = format.Number(float64(p.Y)) + " (" + valueText(facts.Point{Y: p.Y / start, Word: p.Word, Better: p.Better}, true) + ")"
				}
			}
			p, above := times(p, scale), y
			y = r.next(p)
			d.add(mark{shape: line, at: []xy{{float64(at), above}, {float64(at), y}}, look: look{ink: grey, width: thin, dash: dotted}})
			d.bar(p, float64(from), y, r.thick, l.worded(p), several, text)
			e.point(p)
			at = p.Y
		}
		if several {
			d.explain(s.Name, l.marked(), glyph)
		}
	}
	d.bar(first, math.NaN(), 0, r.thick, look{face: black, glyph: diamond}, false, format.Number(float64(start)))
	d.x = numberAxis(f.Y, e)
	return d.finish(box)
}

// times is a point scaled, with its interval.
func times(p facts.Point, by facts.Number) facts.Point {
	p.Y *= by
	if p.Lo != nil && p.Hi != nil {
		lo, hi := *p.Lo*by, *p.Hi*by
		p.Lo, p.Hi = &lo, &hi
	}
	return p
}
