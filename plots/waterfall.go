package plots

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
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
	f.Caption = fmt.Sprintf("From the baseline's throughput (geometric mean of %d blocks) to the full variant's. Each bar is %s. Lines and brackets are intervals. %s %s", g.n, g.how, infer.Legend, captionTail(s))
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
	f.describe("not different", swatch{gridGrey})
	f.describe("measured", swatch{grey})
	f.describe("95 % interval", whiskerThumb{})
	return f, nil
}

// waterfallBars are the baseline, a bar per part, and the total.
func waterfallBars(g *gains) []span {
	// A measured value is a thin mark: a log scale has no zero to draw it from.
	bars := []span{{from: g.base, to: g.base, lo: g.base, hi: g.base, color: grey, note: format.Number(g.base)}}
	at := g.base
	for _, e := range g.parts {
		b := span{from: at, to: at * e.Ratio, color: gridGrey, note: "x " + e.String()}
		b.lo, b.hi = bounds(e, at)
		switch {
		case e.Word == infer.Different && e.Ratio > 1:
			b.color = skyBlue
		case e.Word == infer.Different:
			b.color = vermillion
		}
		bars = append(bars, b)
		at = b.to
	}
	note := fmt.Sprintf("%s: x %s", format.Number(at), g.total)
	all := span{from: at, to: at, color: grey, note: note}
	all.lo, all.hi = bounds(g.total, g.base)
	return append(bars, all)
}

// bounds are an effect's on top of from; without an interval, the effect itself.
func bounds(e infer.Effect, from float64) (lo, hi float64) {
	if !e.Interval {
		return from * e.Ratio, from * e.Ratio
	}
	return from * e.Lo, from * e.Hi
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
