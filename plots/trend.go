package plots

import (
	"fmt"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"metastorebench/harness/gate"
	"metastorebench/harness/stats"
)

// Trend draws a gate's values over the runs of a history, with the median of each
// segment between steps. ErrNoData without a value.
func Trend(t *gate.Trend, s gate.Series) (*Figure, error) {
	if len(s.Points) == 0 {
		return nil, fmt.Errorf("%w: no values of %s", ErrNoData, s.Gate)
	}
	f := newFigure("trend-"+strings.ReplaceAll(s.Gate, "@", "-"), fmt.Sprintf("Trend: %s, n=%d runs, steps: %d", s.Gate, len(s.Points), len(s.Steps)), "run of the gate, in order", s.Unit)
	f.Caption = fmt.Sprintf("Medians of head's %s over the gate's history, closed loop, on %s. Lines: medians of the segments between the steps that E-divisive finds.", s.Gate, t.Machine)
	f.plot.Add(grid())
	pts := make(plotter.XYs, len(s.Points))
	values := make([]float64, len(s.Points))
	for i, p := range s.Points {
		pts[i], values[i] = plotter.XY{X: float64(p.Entry + 1), Y: p.Median}, p.Median
	}
	if err := f.addSegments(s, pts, values); err != nil {
		return nil, err
	}
	runs, err := plotter.NewScatter(pts)
	if err != nil {
		return nil, fmt.Errorf("figure %s: %w", f.Name, err)
	}
	runs.GlyphStyle = draw.GlyphStyle{Color: blue, Radius: vg.Points(2.5), Shape: draw.CircleGlyph{}}
	f.plot.Add(runs)
	f.describe("one run", dotThumb{runs.GlyphStyle})
	sum := stats.Summarize(values)
	f.plot.X.Min, f.plot.X.Max = 0, float64(len(t.Entries)+1)
	f.plot.Y.Min, f.plot.Y.Max = 0.95*sum.Min, 1.05*sum.Max
	f.plot.X.Tick.Marker, f.plot.Y.Tick.Marker = plot.TickerFunc(linearTicks), plot.TickerFunc(linearTicks)
	return f, nil
}

// addSegments draws the medians between steps.
func (f *Figure) addSegments(s gate.Series, pts plotter.XYs, values []float64) error {
	bounds := []int{0}
	for _, step := range s.Steps {
		bounds = append(bounds, step.At)
	}
	bounds = append(bounds, len(pts))
	for i := 1; i < len(bounds); i++ {
		from, to := bounds[i-1], bounds[i]
		level := stats.Summarize(values[from:to]).Median
		segment, err := plotter.NewLine(plotter.XYs{{X: pts[from].X - 0.5, Y: level}, {X: pts[to-1].X + 0.5, Y: level}})
		if err != nil {
			return fmt.Errorf("figure %s: %w", f.Name, err)
		}
		segment.Color, segment.Width = vermillion, vg.Points(1.6)
		f.plot.Add(segment)
		if i == 1 {
			f.describe("median between steps", segment)
		}
	}
	return nil
}
