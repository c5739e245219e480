package plots

import (
	"fmt"
	"math"
	"slices"

	"metastorebench/harness/infer"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// PValues draws the share of p-values at or below each level, against the
// diagonal on which they lie if nothing is different and the test keeps its
// level, with the 95 % band of Kolmogorov's test around it. ErrNoData without
// values.
func PValues(name, title string, p []float64) (*Figure, error) {
	if len(p) == 0 {
		return nil, fmt.Errorf("%w: no p-values", ErrNoData)
	}
	f := newFigure(name, title, "p-value, not corrected", "share of comparisons at or below")
	f.height = f.width * 0.75
	band := 1.358 / math.Sqrt(float64(len(p))) // Kolmogorov's 95 % point
	f.Caption = fmt.Sprintf("Share of comparisons with a p-value at or below each level, closed loop, n=%d. On the diagonal a test calls as many different as its level says; below it, fewer. Band: where 95 %% of samples of independent, exact p-values would lie throughout. Vertical line: %g.",
		len(p), infer.Alpha)
	f.plot.Add(grid())
	if err := addBand(f, band); err != nil {
		return nil, err
	}
	sorted := slices.Sorted(slices.Values(p))
	steps := plotter.XYs{{}}
	for i, v := range sorted {
		steps = append(steps, plotter.XY{X: v, Y: float64(i+1) / float64(len(sorted))})
	}
	steps = append(steps, plotter.XY{X: 1, Y: 1})
	ecdf, err := plotter.NewLine(steps)
	if err != nil {
		return nil, fmt.Errorf("figure %s: %w", f.Name, err)
	}
	ecdf.StepStyle, ecdf.Color, ecdf.Width = plotter.PostStep, blue, vg.Points(1.8)
	f.plot.Add(ecdf)
	f.describe("measured", ecdf)
	level, err := plotter.NewLine(plotter.XYs{{X: infer.Alpha, Y: 0}, {X: infer.Alpha, Y: 1}})
	if err != nil {
		return nil, fmt.Errorf("figure %s: %w", f.Name, err)
	}
	level.Color, level.Width = vermillion, vg.Points(1)
	f.plot.Add(level)
	f.describe(fmt.Sprintf("p = %g", infer.Alpha), level)
	f.plot.X.Min, f.plot.X.Max, f.plot.Y.Min, f.plot.Y.Max = 0, 1, 0, 1
	f.plot.X.Tick.Marker, f.plot.Y.Tick.Marker = plot.TickerFunc(linearTicks), plot.TickerFunc(linearTicks)
	return f, nil
}

// addBand draws the diagonal with a band of this half height.
func addBand(f *Figure, half float64) error {
	area, err := plotter.NewPolygon(plotter.XYs{{X: 0, Y: 0}, {X: 0, Y: half}, {X: 1 - half, Y: 1}, {X: 1, Y: 1}, {X: 1, Y: 1 - half}, {X: half, Y: 0}})
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	area.Color, area.LineStyle.Width = gridGrey, 0
	diagonal, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}})
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	diagonal.Color, diagonal.Dashes, diagonal.Width = grey, []vg.Length{vg.Points(5), vg.Points(3)}, vg.Points(1.2)
	f.plot.Add(area, diagonal)
	f.describe("no difference", diagonal)
	f.describe("95 % band", swatch{gridGrey})
	return nil
}
