package plots

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"metastorebench/harness/stats"
)

// CurvesText is what is written on and under a figure of Curves.
type CurvesText struct {
	Name, Title    string
	XLabel, YLabel string // with units
	Caption        string
}

// Curve is one line of Curves.
type Curve struct {
	Name   string
	Points []CurvePoint // by rising X
}

// Add puts the median of y with the range of its blocks at x, in order. What was
// not measured, or is not positive, has no place on the axes and is left out.
func (c *Curve) Add(x float64, y stats.Summary) {
	if y.N == 0 || y.Min <= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(c.Points, x, func(p CurvePoint, x float64) int { return cmp.Compare(p.X, x) })
	c.Points = slices.Insert(c.Points, at, CurvePoint{X: x, Y: y.Median, Lo: y.Min, Hi: y.Max})
}

// AddRatio puts a ratio at x, in order, with its interval or, where the blocks are
// too few for one, their range. A comparison of nothing is left out.
func (c *Curve) AddRatio(x float64, r stats.Comparison) {
	if r.N == 0 {
		return
	}
	p := CurvePoint{X: x, Y: r.Ratio, Lo: r.Min, Hi: r.Max}
	if r.Interval {
		p.Lo, p.Hi = r.Lo, r.Hi
	}
	at, _ := slices.BinarySearchFunc(c.Points, x, func(p CurvePoint, x float64) int { return cmp.Compare(p.X, x) })
	c.Points = slices.Insert(c.Points, at, p)
}

// CurvePoint is one measurement, positive, with the interval [Lo, Hi] of Y. Where
// there is no interval both are Y.
type CurvePoint struct{ X, Y, Lo, Hi float64 }

// curveGlyphs tell lines apart without colour.
var curveGlyphs = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.RingGlyph{}, draw.PyramidGlyph{}, draw.BoxGlyph{}, draw.PlusGlyph{}, draw.CrossGlyph{}}

// curveDashes tell lines apart that lie on one another.
var curveDashes = [][]vg.Length{nil, {vg.Points(6), vg.Points(3)}, {vg.Points(1.5), vg.Points(2.5)}}

// curveColors are those of lines, in the order of curveGlyphs.
var curveColors = append(lineColors[:len(lineColors):len(lineColors)], orange, purple, color.RGBA{A: 0xFF})

// Curves draws lines over two logarithmic axes, each point with its interval.
// ErrNoData without points, or for more lines than a figure can tell apart.
func Curves(text CurvesText, curves []Curve) (*Figure, error) {
	if len(curves) > len(curveColors) {
		return nil, fmt.Errorf("%w: %d curves are more than a figure can tell apart", ErrNoData, len(curves))
	}
	f := newFigure(text.Name, text.Title, text.XLabel, text.YLabel)
	f.Caption = text.Caption
	f.plot.Add(grid())
	ext := newExtent()
	for i, c := range curves {
		if err := f.addCurve(c, i, ext); err != nil {
			return nil, err
		}
	}
	if ext.empty() {
		return nil, fmt.Errorf("%w: no points for %s", ErrNoData, text.Name)
	}
	f.plot.X.Min, f.plot.X.Max = math.Log10(ext.minX/1.15), math.Log10(ext.maxX*1.15)
	f.plot.X.Tick.Marker = measuredTicks(curves)
	f.plot.Y.Min, f.plot.Y.Max = math.Log10(stepDown(ext.minY)), math.Log10(stepUp(ext.maxY))
	f.plot.Y.Tick.Marker = plot.TickerFunc(exponentTicks)
	return f, nil
}

// The axes of Curves are linear and hold decimal logarithms: over many decades
// plot.LogScale would lose much of the figure's height to the room that it sets
// aside for the label of the axis.

// measuredTicks labels the values of X that were measured.
func measuredTicks(curves []Curve) plot.Ticker {
	var ticks plot.ConstantTicks
	for _, c := range curves {
		for _, p := range c.Points {
			tick := plot.Tick{Value: math.Log10(p.X), Label: plain(p.X)}
			if !slices.Contains(ticks, tick) {
				ticks = append(ticks, tick)
			}
		}
	}
	return ticks
}

// exponentTicks are logTicks of an axis of logarithms.
func exponentTicks(lo, hi float64) []plot.Tick {
	ticks := logTicks(math.Pow(10, lo), math.Pow(10, hi))
	for i := range ticks {
		ticks[i].Value = math.Log10(ticks[i].Value)
	}
	return ticks
}

// addCurve draws the i-th line.
func (f *Figure) addCurve(c Curve, i int, ext *extent) error {
	points := measured{make(plotter.XYs, len(c.Points)), make(plotter.YErrors, len(c.Points))}
	for k, p := range c.Points {
		points.XYs[k] = plotter.XY{X: math.Log10(p.X), Y: math.Log10(p.Y)}
		points.YErrors[k].Low, points.YErrors[k].High = math.Log10(p.Y/p.Lo), math.Log10(p.Hi/p.Y)
		ext.add(p.X, p.Lo)
		ext.add(p.X, p.Hi)
	}
	if len(c.Points) == 0 {
		return nil
	}
	line, marks, err := plotter.NewLinePoints(points)
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	col, glyph := curveColors[i], curveGlyphs[i]
	line.Color, line.Width, line.Dashes = col, vg.Points(1.4), curveDashes[i%len(curveDashes)]
	marks.Color, marks.Shape, marks.Radius = col, glyph, vg.Points(3.2)
	bars, err := plotter.NewYErrorBars(points)
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	bars.Color, bars.Width = col, vg.Points(1)
	f.plot.Add(bars, line, marks)
	f.describe(c.Name, lineWithMark{line, marks})
	return nil
}

// lineWithMark is a line's entry in the legend.
type lineWithMark struct{ line, mark plot.Thumbnailer }

// Thumbnail implements plot.Thumbnailer.
func (l lineWithMark) Thumbnail(c *draw.Canvas) {
	l.line.Thumbnail(c)
	l.mark.Thumbnail(c)
}
