package plots

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// layout is a drawing with room for everything, in points:
//
//	+--------------------------------+
//	| title                          |
//	| y label                        |
//	|  tick | data           value   |
//	|  tick +-----------------       |
//	|        tick   tick             |
//	|              x label           |
//	| -- entry   o entry             |  in as many lines as it needs
//	+--------------------------------+
type layout struct {
	*drawing
	canvas         vg.Point // its width and height
	data           vg.Rectangle
	heading        []string
	xLabel, yLabel []string
	xTicks, yTicks []tickLines
	key            []keyEntry
	keyHeight      vg.Length
}

// tickLines is a tick with its label in lines.
type tickLines struct {
	at    float64
	lines []string
}

// keyEntry is an entry of the legend: its place right of the margin and below the
// legend's top, and its text in lines.
type keyEntry struct {
	entry
	x, down vg.Length
	lines   []string
}

// layout gives everything its place. The left edge follows from the names of y, the
// right one from the values that stand beyond the data, the bottom from the legend.
func (d *drawing) layout() *layout {
	l := &layout{drawing: d}
	high := d.height
	l.yTicks = wrapped(d.y.ticks(high, func(string) vg.Length { return lineHeight(tickText) }), nameWidth)
	var left, below vg.Length
	for _, t := range l.yTicks {
		left = max(left, widthOf(tickText, t.lines))
		if d.y.scale == nominal {
			high = max(high, (heightOf(tickText, t.lines)+gap)*vg.Length(len(l.yTicks)))
		}
	}
	left += margin + gap + tickLength
	l.canvas.X = max(canvasWidth, left+d.width+margin)
	l.columns(left, l.canvas.X-margin)
	inner := l.canvas.X - 2*margin
	l.heading = wrap(d.title, titleText, inner, titleLines)
	l.yLabel = wrap(d.y.label, labelText, inner, labelLines)
	l.xLabel = wrap(d.x.label, labelText, inner, labelLines)
	l.flow(inner)
	for _, t := range l.xTicks {
		below = max(below, heightOf(tickText, t.lines))
	}
	l.data.Min.Y = margin + l.keyHeight + gap + heightOf(labelText, l.xLabel) + gap + below + tickLength
	l.data.Max.Y = l.data.Min.Y + high
	l.canvas.Y = l.data.Max.Y + 2*gap + heightOf(labelText, l.yLabel) + gap + heightOf(titleText, l.heading) + margin
	return l
}

// columns finds the data's width between two edges, such that no text beside a mark
// passes them, and makes x's ticks.
func (l *layout) columns(left, right vg.Length) {
	l.data.Min.X, l.data.Max.X = left, right
	for _, m := range l.marks {
		if m.shape == word && m.align == draw.XLeft {
			l.keep(m.at[0].x, m.shift+markText.Width(m.text), right)
		}
	}
	ticks := l.x.ticks(l.data.Size().X, func(s string) vg.Length { return tickText.Width(s) })
	room := wide
	if l.x.scale == nominal {
		room = l.data.Size().X/vg.Length(len(ticks)) - gap
	}
	l.xTicks = wrapped(ticks, room)
	for _, t := range l.xTicks {
		half := widthOf(tickText, t.lines) / 2
		l.data.Min.X = max(l.data.Min.X, margin+half-vg.Length(l.x.norm(t.at))*l.data.Size().X)
		l.keep(t.at, half, right)
	}
}

// keep moves the data's right edge so that what stands at x and takes some width right
// of it does not pass an edge.
func (l *layout) keep(x float64, width, edge vg.Length) {
	if part := vg.Length(min(l.x.norm(x), 1)); part > 0 {
		l.data.Max.X = min(l.data.Max.X, l.data.Min.X+(edge-l.data.Min.X-width)/part)
	}
}

// wrapped are ticks with their labels in lines.
func wrapped(ticks []tick, width vg.Length) []tickLines {
	out := make([]tickLines, len(ticks))
	for i, t := range ticks {
		out[i] = tickLines{t.at, wrap(t.label, tickText, width, nameLines)}
	}
	return out
}

// flow breaks the legend into lines.
func (l *layout) flow(width vg.Length) {
	x, down := vg.Length(0), vg.Length(0)
	for _, e := range l.legend {
		lines := wrap(e.text, tickText, width-e.thumb(), labelLines)
		needs := e.thumb() + widthOf(tickText, lines)
		if x > 0 && x+needs > width {
			x, down = 0, l.keyHeight
		}
		l.key = append(l.key, keyEntry{e, x, down, lines})
		l.keyHeight = max(l.keyHeight, down+heightOf(tickText, lines)+2)
		x += needs + 3*gap
	}
}

// thumb is the width of an entry's picture, with the gap to its text.
func (e entry) thumb() vg.Length {
	switch {
	case len(e.shapes) == 0:
		return 0
	case len(e.shapes) == 1 && e.shapes[0] == glyph:
		return 3*radius + gap
	}
	return thumbWidth + gap
}
