package plots

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/stats"
)

// Interactions draws how the items' effects on throughput depend on each other: a
// square of k x k tiles. Above the diagonal stands the ratio by which one item
// changes the other's effect, below it that ratio's interval, on it the item's
// average effect. ErrNoData unless the stratum is a factorial of at least two
// items and blocks, full or a fraction that tells pairs apart.
func Interactions(s *stats.Stratum) (*Figure, error) {
	g, err := attribute(s)
	if err != nil {
		return nil, err
	}
	k := len(s.Factors)
	if g.pairs == nil || k < 2 {
		return nil, fmt.Errorf("%w: no pairs of items that can be told apart for %s", ErrNoData, describe(s))
	}
	f := newFigure("interaction-"+slug(s), "Interactions, "+s.Op()+"s/s (closed loop): "+describe(s), "", "")
	f.Caption = fmt.Sprintf("Ratios of %s throughput, geometric means of %d blocks. Upper right: the ratio by which one item changes the other's effect (1: the two multiply); lower left: its interval, all of a question's together at %.0f %%; diagonal: the item's average effect. No mark: different from 1; =: within %g %% of 1; ?: unresolved. %s", s.Op(), g.n, 100*infer.Confidence, 100*infer.Margin, captionTail(s))
	f.height = min(1.3*vg.Inch+vg.Length(k)*0.55*vg.Inch, f.width)
	f.plot.Add(tiles{k: k, all: tileRows(g, k)})
	rows := make([]string, k)
	columns := make(plot.ConstantTicks, k)
	for i, item := range s.Factors {
		rows[i] = item.ID + " " + item.Name()
		columns[i] = plot.Tick{Value: float64(i), Label: item.ID}
	}
	nominalRows(&f.plot.Y, rows)
	f.plot.X.Min, f.plot.X.Max = -0.5, float64(k)-0.5
	f.plot.Y.Min, f.plot.Y.Max = -0.5, float64(k)-0.5
	f.plot.X.Tick.Marker, f.plot.X.Tick.Length = columns, 0
	f.plot.X.LineStyle.Width, f.plot.Y.LineStyle.Width = 0, 0
	f.describe("help each other", swatch{tint(blue, 0.5)})
	f.describe("in each other's way", swatch{tint(vermillion, 0.5)})
	f.describe("= or ?: not different", swatch{gridGrey})
	f.describe("average effect", frameThumb{})
	return f, nil
}

// tile is one square of the figure.
type tile struct {
	row, column int
	fill        color.Color
	frame       bool
	text        string
}

// tileRows makes the tiles of all items and pairs.
func tileRows(g *gains, k int) []tile {
	strongest := math.Log(1.5) // the full colour is for 1.5 times at least
	for i := range k {
		for _, e := range g.pairs[i][i+1:] {
			strongest = max(strongest, math.Abs(e.Log))
		}
	}
	var out []tile
	for i, e := range g.main {
		out = append(out, tile{row: i, column: i, fill: color.White, frame: true, text: format.Number(e.Ratio) + mark(e)})
	}
	for i := range k {
		for j := i + 1; j < k; j++ {
			e := g.pairs[i][j]
			fill := color.Color(gridGrey)
			if told := e.Word == infer.Different; told && e.Log > 0 {
				fill = tint(blue, 0.15+0.6*e.Log/strongest)
			} else if told {
				fill = tint(vermillion, 0.15-0.6*e.Log/strongest)
			}
			out = append(out, tile{row: i, column: j, fill: fill, text: format.Number(e.Ratio) + mark(e)},
				tile{row: j, column: i, fill: color.White, text: interval(e.Lo, e.Hi, k)})
		}
	}
	return out
}

// mark is a ratio's word, short enough for a tile.
func mark(e infer.Effect) string {
	switch e.Word {
	case infer.Equivalent:
		return " ="
	case infer.Unresolved:
		return " ?"
	}
	return ""
}

// interval writes an interval, on two lines where tiles are narrow.
func interval(lo, hi float64, k int) string {
	between := ", "
	if k > 5 {
		between = ",\n"
	}
	return "[" + format.Number(lo) + between + format.Number(hi) + "]"
}

// tint is a share of a colour, 0 to 1, on white.
func tint(c color.RGBA, share float64) color.RGBA {
	mix := func(v uint8) uint8 { return uint8(255 - share*float64(255-v)) }
	return color.RGBA{R: mix(c.R), G: mix(c.G), B: mix(c.B), A: 255}
}

// tiles draws squares in rows from the top down.
type tiles struct {
	k   int
	all []tile
}

var _ plot.Plotter = tiles{}

// Plot implements plot.Plotter.
func (ts tiles) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	const gap = vg.Length(1.5)
	style := text.Style{
		Font:  font.Font{Typeface: plot.DefaultFont.Typeface, Variant: sans, Size: 9},
		Color: color.Black, XAlign: draw.XCenter, YAlign: draw.YCenter, Handler: plot.DefaultTextHandler,
	}
	for _, t := range ts.all {
		column, row := float64(t.column), float64(ts.k-1-t.row)
		left, right := x(column-0.5)+gap, x(column+0.5)-gap
		bottom, top := y(row-0.5)+gap, y(row+0.5)-gap
		corners := []vg.Point{{X: left, Y: bottom}, {X: right, Y: bottom}, {X: right, Y: top}, {X: left, Y: top}}
		c.FillPolygon(t.fill, corners)
		if t.frame {
			c.StrokeLines(frame, append(corners, corners[0]))
		}
		c.FillText(style, vg.Point{X: x(column), Y: y(row)}, t.text)
	}
}

var frame = draw.LineStyle{Color: grey, Width: vg.Points(0.8)}

// frameThumb is a legend thumbnail of a framed tile.
type frameThumb struct{}

var _ plot.Thumbnailer = frameThumb{}

// Thumbnail implements plot.Thumbnailer.
func (frameThumb) Thumbnail(c *draw.Canvas) {
	c.StrokeLines(frame, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}, c.Min})
}
