package plots

import (
	"image/color"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// painter is a layout on a canvas.
type painter struct {
	*layout
	c draw.Canvas
}

// paint draws everything on c.
func (l *layout) paint(c draw.Canvas) {
	p := painter{l, c}
	p.fill(white, vg.Point{}, l.canvas)
	top := p.text(titleText, black, vg.Point{X: margin, Y: l.canvas.Y - margin}, draw.XLeft, l.heading)
	p.text(labelText, black, vg.Point{X: margin, Y: top - gap}, draw.XLeft, l.yLabel)
	p.axes()
	for _, words := range []bool{false, true} { // nothing goes through a text
		for _, m := range l.marks {
			if (m.shape == word) == words {
				p.mark(m, p.places(m))
			}
		}
	}
	top = margin + l.keyHeight
	for _, e := range l.key {
		p.entry(e, top-e.down)
	}
	middle := (l.data.Min.X + l.data.Max.X) / 2
	p.text(labelText, black, vg.Point{X: middle, Y: top + gap + heightOf(labelText, l.xLabel)}, draw.XCenter, l.xLabel)
}

// text writes lines downwards from a point and returns their bottom.
func (p painter) text(s text.Style, ink hue, at vg.Point, align draw.XAlignment, lines []string) vg.Length {
	face := s.Handler.Cache().Lookup(s.Font, s.Font.Size)
	p.c.SetColor(palette[ink])
	for _, line := range lines {
		// Capitals are 0.72 of the size high, and stand in the middle of their line.
		base := vg.Point{X: at.X + vg.Length(align)*s.Width(line), Y: at.Y - lineHeight(s)/2 - s.Font.Size*0.36}
		p.c.FillString(face, base, line)
		at.Y -= lineHeight(s)
	}
	return at.Y
}

// axes draws the grid, the edges with their ticks, the labels, and the lines at 1.
func (p painter) axes() {
	lo, hi := p.data.Min, p.data.Max
	for _, t := range p.yTicks {
		at := vg.Point{X: lo.X, Y: p.place(xy{y: t.at}).Y}
		if p.y.scale != nominal {
			p.tick(t, at, vg.Point{X: hi.X, Y: at.Y}, vg.Point{X: at.X - tickLength, Y: at.Y})
		}
		at.X, at.Y = at.X-tickLength-gap, at.Y+heightOf(tickText, t.lines)/2
		p.text(tickText, black, at, draw.XRight, t.lines)
	}
	for _, t := range p.xTicks {
		at := vg.Point{X: p.place(xy{x: t.at}).X, Y: lo.Y}
		if p.x.scale != nominal {
			p.tick(t, at, vg.Point{X: at.X, Y: hi.Y}, vg.Point{X: at.X, Y: at.Y - tickLength})
		}
		p.text(tickText, black, vg.Point{X: at.X, Y: at.Y - tickLength}, draw.XCenter, t.lines)
	}
	if p.x.scale != nominal || p.y.scale != nominal { // a table has no edges
		p.stroke(edgeLook, vg.Point{X: lo.X, Y: hi.Y}, lo, vg.Point{X: hi.X, Y: lo.Y})
	}
	one := p.place(xy{1, 1})
	if p.x.one {
		p.stroke(oneLook, vg.Point{X: one.X, Y: lo.Y}, vg.Point{X: one.X, Y: hi.Y})
	}
	if p.y.one {
		p.stroke(oneLook, vg.Point{X: lo.X, Y: one.Y}, vg.Point{X: hi.X, Y: one.Y})
	}
}

// tick draws a tick outwards, and a line of the grid if it has a label; a minor one is
// half as long.
func (p painter) tick(t tickLines, at, across, out vg.Point) {
	if len(t.lines) == 0 {
		out = at.Add(out).Scale(0.5)
	} else {
		p.stroke(gridLook, at, across)
	}
	p.stroke(edgeLook, at, out)
}

// place is a point of data space on the canvas; what is beyond an axis is at its end.
func (p painter) place(v xy) vg.Point {
	within := func(part float64) vg.Length { return vg.Length(min(max(part, 0), 1)) }
	size := p.data.Size()
	return p.data.Min.Add(vg.Point{X: within(p.x.norm(v.x)) * size.X, Y: within(p.y.norm(v.y)) * size.Y})
}

// places are those of a mark.
func (p painter) places(m mark) []vg.Point {
	at := make([]vg.Point, len(m.at))
	for i, v := range m.at {
		at[i] = p.place(v).Add(vg.Point{X: m.shift})
	}
	return at
}

// mark draws m at points of the canvas.
func (p painter) mark(m mark, at []vg.Point) {
	switch m.shape {
	case box:
		p.area(m.look, at[0], vg.Point{X: at[1].X, Y: at[0].Y}, at[1], vg.Point{X: at[0].X, Y: at[1].Y})
	case line:
		p.stroke(m.look, at...)
	case span:
		p.whisker(m, at[0], at[1])
	case glyph:
		if m.within == 0 || vg.Length(m.within/(p.x.hi-p.x.lo))*p.data.Size().X > 3*radius {
			p.area(m.look, outline(m.glyph, at[0])...)
		}
	case word:
		half := vg.Point{Y: lineHeight(markText) / 2}
		if m.align == draw.XLeft {
			p.fill(white, at[0].Sub(half), at[0].Add(half).Add(vg.Point{X: markText.Width(m.text)}))
		}
		p.text(markText, m.ink, at[0].Add(half), m.align, []string{m.text})
	}
}

// stroke draws a line.
func (p painter) stroke(l look, pts ...vg.Point) {
	p.c.StrokeLines(draw.LineStyle{Color: palette[l.ink], Width: l.width, Dashes: dashes[l.dash]}, pts)
}

// area fills a polygon and draws its edge.
func (p painter) area(l look, pts ...vg.Point) {
	p.c.FillPolygon(l.fill(), pts)
	l.dash = 0
	p.stroke(l, append(pts, pts[:2]...)...)
}

// fill paints a rectangle.
func (p painter) fill(h hue, lo, hi vg.Point) {
	p.c.FillPolygon(color.Color(palette[h]), []vg.Point{lo, {X: hi.X, Y: lo.Y}, hi, {X: lo.X, Y: hi.Y}})
}

// whisker draws an interval with caps, but for an end that the axis does not reach.
func (p painter) whisker(m mark, lo, hi vg.Point) {
	p.stroke(m.look, lo, hi)
	across := vg.Point{X: capLength}
	if lo.Y == hi.Y {
		across = vg.Point{Y: capLength}
	}
	for i, at := range []vg.Point{lo, hi} {
		const slack = 1e-9
		if i < len(m.at) {
			x, y := p.x.norm(m.at[i].x), p.y.norm(m.at[i].y)
			if min(x, y) < -slack || max(x, y) > 1+slack {
				continue
			}
		}
		p.stroke(m.look, at.Sub(across), at.Add(across))
	}
}

// entry draws an entry of the legend below top: its shapes over one another, its text.
func (p painter) entry(e keyEntry, top vg.Length) {
	wide := e.thumb() - gap
	for _, shape := range e.shapes {
		m := mark{shape: shape, look: e.look}
		a, b := vg.Point{X: margin + e.x, Y: top - lineHeight(tickText)/2}, vg.Point{X: wide}
		switch b = a.Add(b); shape {
		case box:
			m.width = thin
			a.Y, b.Y = a.Y-radius, b.Y+radius
		case glyph:
			m.width = 1
			a.X += wide / 2
		}
		p.mark(m, []vg.Point{a, b})
	}
	p.text(tickText, black, vg.Point{X: margin + e.x + e.thumb(), Y: top}, draw.XLeft, e.lines)
}
