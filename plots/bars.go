package plots

import (
	"errors"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"metastorebench/harness/format"
	"metastorebench/harness/stats"
)

const (
	rowHeight = 0.27 * vg.Inch
	barWidth  = 0.16 * vg.Inch
)

// Throughput draws one bar per cell of the stratum: the median of the blocks,
// every block as a dot, and the paired ratio to the baseline in words. Cells
// that were not measured keep their row and say so. ErrNoData if none was.
func Throughput(s *stats.Stratum) (*Figure, error) {
	op := s.Op()
	if op == "" {
		return nil, fmt.Errorf("%w: several operation types, or none, in %s", ErrNoData, describe(s))
	}
	throughput := stats.Throughput(op)
	f := newFigure("throughput-"+slug(s), capital(op)+" throughput: "+describe(s), op+"s per second (closed loop)", "")
	f.Caption = capital(op) + " throughput of every cell; bar: median of the blocks, dot: one block, label: median and, in brackets, the geometric mean of the per-block ratios to the baseline. " + captionTail(s)
	n := len(s.Rows)
	f.height = 1.35*vg.Inch + vg.Length(n)*rowHeight
	f.plot.Add(gridX())
	var labels []string
	var top float64
	var notes plotter.XYLabels
	for i, row := range s.Rows {
		labels = append(labels, s.Label(row.Setting))
		y := float64(n - 1 - i)
		sum := stats.Over(row.Cell, throughput)
		notes.XYs = append(notes.XYs, plotter.XY{X: sum.Max, Y: y})
		if sum.N == 0 {
			notes.Labels = append(notes.Labels, absence(row.Cell))
			continue
		}
		top = max(top, sum.Max)
		note, err := barNote(s, row.Cell, sum)
		if err != nil {
			return nil, err
		}
		notes.Labels = append(notes.Labels, note)
		if err := addBar(f, y, sum.Median, barColor(s, row.Setting)); err != nil {
			return nil, err
		}
	}
	if top == 0 {
		return nil, fmt.Errorf("%w: no throughput for %s", ErrNoData, describe(s))
	}
	if err := addDots(f, s); err != nil {
		return nil, err
	}
	if err := addNotes(f, notes); err != nil {
		return nil, err
	}
	nominalRows(&f.plot.Y, labels)
	// The notes need a quarter of the width right of the longest bar.
	f.plot.X.Min, f.plot.X.Max = 0, top*1.32
	f.plot.X.Tick.Marker = plot.TickerFunc(linearTicks)
	f.describe("median of blocks", swatch{skyBlue})
	f.describe("one block", dotThumb{draw.GlyphStyle{Color: color.Black, Radius: vg.Points(1.7), Shape: draw.CircleGlyph{}}})
	return f, nil
}

// barNote is the median with the ratio to the baseline.
func barNote(s *stats.Stratum, c *stats.Cell, sum stats.Summary) (string, error) {
	base := s.Baseline()
	if c == base || base == nil || !base.Measured() {
		return format.Number(sum.Median), nil
	}
	r, err := stats.Compare(c, base, stats.Throughput(s.Op()))
	if errors.Is(err, stats.ErrNoPairs) {
		return format.Number(sum.Median), nil // void trials can leave no block with both
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s (%sx)", format.Number(sum.Median), format.Number(r.Ratio)), nil
}

// absence says why a row has no bar.
func absence(c *stats.Cell) string {
	switch {
	case c.SkipReason != "":
		return "skipped"
	case c.Voided > 0:
		return "void"
	}
	return "not run"
}

func barColor(s *stats.Stratum, set stats.Setting) color.Color {
	switch set {
	case 0:
		return grey
	case s.All():
		return blue
	}
	return skyBlue
}

func addBar(f *Figure, y, v float64, c color.Color) error {
	bar, err := plotter.NewBarChart(plotter.Values{v}, barWidth)
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	bar.Horizontal, bar.XMin, bar.Color, bar.LineStyle.Width = true, y, c, 0
	f.plot.Add(bar)
	return nil
}

// addDots draws each block's value; blocks are spread over the bar's height so
// that equal values stay apart.
func addDots(f *Figure, s *stats.Stratum) error {
	var pts plotter.XYs
	for i, row := range s.Rows {
		y := float64(len(s.Rows) - 1 - i)
		for k, t := range row.Cell.Trials {
			if v, ok := stats.Throughput(s.Op())(t); ok {
				pts = append(pts, plotter.XY{X: v, Y: y + spread(k, len(row.Cell.Trials))})
			}
		}
	}
	sc, err := plotter.NewScatter(pts)
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	sc.GlyphStyle = draw.GlyphStyle{Color: color.Black, Radius: vg.Points(1.5), Shape: draw.CircleGlyph{}}
	f.plot.Add(sc)
	return nil
}

// spread is the k-th of n offsets within a bar, in rows.
func spread(k, n int) float64 {
	if n == 1 {
		return 0
	}
	return 0.4 * (float64(k)/float64(n-1) - 0.5)
}

// addNotes writes text right of given points.
func addNotes(f *Figure, notes plotter.XYLabels) error {
	l, err := plotter.NewLabels(notes)
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	for i := range l.TextStyle {
		l.TextStyle[i].Font.Size, l.TextStyle[i].Font.Variant = 8.5, sans
		l.TextStyle[i].YAlign = draw.YCenter
	}
	l.Offset = vg.Point{X: vg.Points(6), Y: vg.Points(1.5)}
	f.plot.Add(l)
	return nil
}

// swatch is a legend thumbnail of a bar.
type swatch struct{ color color.Color }

func (s swatch) Thumbnail(c *draw.Canvas) {
	c.SetColor(s.color)
	c.Fill(c.Rectangle.Path())
}

// dotThumb is a legend thumbnail of a dot.
type dotThumb struct{ style draw.GlyphStyle }

func (d dotThumb) Thumbnail(c *draw.Canvas) {
	c.DrawGlyph(d.style, vg.Point{X: (c.Min.X + c.Max.X) / 2, Y: (c.Min.Y + c.Max.Y) / 2})
}

var (
	_ plot.Thumbnailer = swatch{}
	_ plot.Thumbnailer = dotThumb{}
)
