package plots

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"metastorebench/harness/attrib"
	"metastorebench/harness/format"
	"metastorebench/harness/stats"
)

// Waterfall draws how the items take the baseline's throughput to the full
// variant's: each bar spans the ratio that is the item's share, on a log scale,
// where ratios of one size have one length whatever their order, and ends in its
// interval. ErrNoData unless the stratum is a factorial, full or a fraction, of at
// least two blocks.
func Waterfall(s *stats.Stratum) (*Figure, error) {
	g, err := attribute(s)
	if err != nil {
		return nil, err
	}
	f := newFigure("waterfall-"+slug(s), "From the baseline to all items: "+describe(s), s.Op()+"s per second (closed loop), log scale", "")
	f.Caption = fmt.Sprintf("From the baseline's throughput (geometric mean of %d blocks) to the full variant's. Each bar is %s. Lines and brackets are 95 %% t intervals; ~: not told from 1 after Holm's correction over the figure. %s", g.n, g.how, captionTail(s))
	bars := waterfallBars(g)
	labels := append(append([]string{"baseline"}, g.labels...), "all")
	n := len(bars)
	f.height = 1.35*vg.Inch + vg.Length(n)*rowHeight
	f.plot.Add(gridX(), spans(bars))
	lo, hi := g.base, g.base
	var notes plotter.XYLabels
	for i, b := range bars {
		lo, hi = min(lo, b.from, b.to, b.lo), max(hi, b.from, b.to, b.hi)
		notes.XYs = append(notes.XYs, plotter.XY{X: max(b.from, b.to, b.hi), Y: float64(n - 1 - i)})
		notes.Labels = append(notes.Labels, b.note)
	}
	if err := addNotes(f, notes); err != nil {
		return nil, err
	}
	nominalRows(&f.plot.Y, labels)
	// The notes need a third of the width right of the longest bar.
	logAxis(&f.plot.X, lo*0.9, hi*math.Pow(hi/(lo*0.9), 0.5))
	f.describe("faster", swatch{skyBlue})
	f.describe("slower", swatch{vermillion})
	f.describe("measured", swatch{grey})
	f.describe("95 % interval", whiskerThumb{})
	return f, nil
}

// waterfallBars are the baseline, a bar per part, and the total.
func waterfallBars(g *gains) []span {
	marks := told(append(slices.Clone(g.parts), g.total))
	// A measured value is a thin mark: a log scale has no zero to draw it from.
	bars := []span{{from: g.base, to: g.base, lo: g.base, hi: g.base, color: grey, note: format.Number(g.base)}}
	at := g.base
	for i, e := range g.parts {
		ratio, lo, hi := e.Ratio()
		b := span{from: at, to: at * ratio, lo: at * lo, hi: at * hi, color: skyBlue, note: "x " + bracket(e) + mark(marks[i])}
		if ratio < 1 {
			b.color = vermillion
		}
		bars = append(bars, b)
		at = b.to
	}
	_, lo, hi := g.total.Ratio()
	note := fmt.Sprintf("%s: x %s%s", format.Number(at), bracket(g.total), mark(marks[len(g.parts)]))
	return append(bars, span{from: at, to: at, lo: g.base * lo, hi: g.base * hi, color: grey, note: note})
}

// bracket writes "ratio [lo, hi]".
func bracket(e attrib.Estimate) string {
	ratio, lo, hi := e.Ratio()
	return fmt.Sprintf("%s [%s, %s]", format.Number(ratio), format.Number(lo), format.Number(hi))
}

// span is a horizontal bar from one value to another, with the interval of the
// second.
type span struct {
	from, to, lo, hi float64
	color            color.Color
	note             string
}

// spans draws bars in rows from the top down.
type spans []span

var _ plot.Plotter = spans(nil)

// Plot implements plot.Plotter.
func (bars spans) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i, b := range bars {
		mid := y(float64(len(bars) - 1 - i))
		left, right := x(min(b.from, b.to)), x(max(b.from, b.to))
		right = max(right, left+vg.Points(2)) // no effect is still a line
		c.FillPolygon(b.color, []vg.Point{
			{X: left, Y: mid - barWidth/2}, {X: right, Y: mid - barWidth/2},
			{X: right, Y: mid + barWidth/2}, {X: left, Y: mid + barWidth/2},
		})
		if b.lo < b.hi {
			whisker(c, x(b.lo), x(b.hi), mid)
		}
	}
}

// whisker draws an interval: a line with a cap at each end.
func whisker(c draw.Canvas, lo, hi, mid vg.Length) {
	const reach = barWidth / 4
	style := draw.LineStyle{Color: color.Black, Width: vg.Points(0.9)}
	c.StrokeLine2(style, lo, mid, hi, mid)
	c.StrokeLine2(style, lo, mid-reach, lo, mid+reach)
	c.StrokeLine2(style, hi, mid-reach, hi, mid+reach)
}

// whiskerThumb is a legend thumbnail of an interval.
type whiskerThumb struct{}

var _ plot.Thumbnailer = whiskerThumb{}

// Thumbnail implements plot.Thumbnailer.
func (whiskerThumb) Thumbnail(c *draw.Canvas) {
	whisker(*c, c.Min.X, c.Max.X, (c.Min.Y+c.Max.Y)/2)
}
