package plots

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"metastorebench/harness/usl"
)

// ScalingCurve is one variant of Scaling.
type ScalingCurve struct {
	Name string
	Fit  usl.Fit
}

// Scaling draws throughput over the number of clients: medians with their range
// as measured, and the fitted Universal Scalability Law as a line, with a cross
// at a peak that is claimed. ErrNoData without curves, or for more than there are
// colours.
func Scaling(name, circumstances string, curves []ScalingCurve) (*Figure, error) {
	if len(curves) == 0 || len(curves) > len(lineColors) {
		return nil, fmt.Errorf("%w: %d scaling curves", ErrNoData, len(curves))
	}
	f := newFigure(name, "Throughput against clients: "+circumstances, "clients", "throughput (puts/s)")
	f.Caption = "Throughput of puts against the number of clients: medians with the range of the blocks, and the fit of the Universal Scalability Law. A cross marks a peak that the interval of kappa supports. Residuals are in the table. Closed loop; " + circumstances + "."
	f.plot.Add(grid())
	ext := newExtent()
	for i, c := range curves {
		if err := f.addScaling(c, lineColors[i], ext); err != nil {
			return nil, err
		}
	}
	logAxis(&f.plot.X, ext.minX, ext.maxX)
	f.plot.X.Max = ext.maxX * 1.15
	f.plot.X.Tick.Marker = doublings(curves)
	logAxis(&f.plot.Y, ext.minY, ext.maxY)
	return f, nil
}

func (f *Figure) addScaling(c ScalingCurve, col color.RGBA, ext *extent) error {
	rs := c.Fit.Residuals
	points := measured{make(plotter.XYs, len(rs)), make(plotter.YErrors, len(rs))}
	for i, r := range rs {
		points.XYs[i] = plotter.XY{X: r.N, Y: r.Median}
		points.YErrors[i].Low, points.YErrors[i].High = r.Median-r.Min, r.Max-r.Median
		ext.add(r.N, r.Min)
		ext.add(r.N, r.Max)
	}
	const steps = 80
	var curve plotter.XYs
	for i := range steps + 1 {
		n := rs[0].N * math.Pow(rs[len(rs)-1].N/rs[0].N, float64(i)/steps)
		curve = append(curve, plotter.XY{X: n, Y: c.Fit.At(n)})
	}
	ext.addAll(curve)
	line, err := plotter.NewLine(curve)
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	line.Color, line.Width = col, vg.Points(1.6)
	marks, err := plotter.NewScatter(points)
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	marks.Color, marks.Radius = col, vg.Points(3)
	bars, err := plotter.NewYErrorBars(points)
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	bars.Color, bars.Width = col, vg.Points(1)
	f.plot.Add(line, bars, marks)
	f.describe(c.Name+", measured", marks)
	f.describe("fit", line)
	return f.addPeak(c.Fit, col)
}

// addPeak marks a peak that is claimed and lies within the measured range.
func (f *Figure) addPeak(fit usl.Fit, col color.RGBA) error {
	n, claimed := fit.Peak()
	if !claimed || fit.Extrapolated() {
		return nil
	}
	mark, err := plotter.NewScatter(plotter.XYs{{X: n, Y: fit.At(n)}})
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	mark.Color, mark.Radius, mark.Shape = col, vg.Points(6), draw.CrossGlyph{}
	f.plot.Add(mark)
	return nil
}

// measured joins points with their ranges.
type measured struct {
	plotter.XYs
	plotter.YErrors
}

// doublings labels the numbers of clients that were measured.
func doublings(curves []ScalingCurve) plot.Ticker {
	var ticks plot.ConstantTicks
	for _, r := range curves[0].Fit.Residuals {
		ticks = append(ticks, plot.Tick{Value: r.N, Label: strconv.FormatFloat(r.N, 'f', -1, 64)})
	}
	return ticks
}
