package plots

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// LoadLine is one variant of LatencyByLoad.
type LoadLine struct {
	Name string
	// Capacity is the highest rate that met the objectives, in operations per
	// second; 0 if unknown.
	Capacity float64
	// Points are by rising rate. Cells without valid trials are left out.
	Points []LoadPoint
}

// LoadPoint is one offered rate, in operations per second.
type LoadPoint struct {
	Rate float64
	Cell *stats.Cell
}

// Limit is an objective as a line across the figure.
type Limit struct {
	Name string // "p99=5ms"
	NS   int64
}

// lineColors tell variants apart; further variants have none.
var lineColors = []color.RGBA{vermillion, blue, green, skyBlue, grey}

// loadCurves are the percentiles of LatencyByLoad with their dashes.
var loadCurves = []struct {
	name       string
	percentile float64
	dashes     []vg.Length
}{
	{"p50", 50, []vg.Length{vg.Points(1.5), vg.Points(2.5)}},
	{"p99", 99, nil},
	{"p99.9", 99.9, []vg.Length{vg.Points(6), vg.Points(3)}},
}

// LatencyByLoad draws percentiles of the response time of puts over the offered
// rate, one colour per variant, with each trial's p99 as a dot, the capacities as
// vertical lines and the objectives as horizontal ones. ErrNoData if nothing was
// measured, or for more variants than there are colours.
func LatencyByLoad(name, circumstances string, lines []LoadLine, limits []Limit) (*Figure, error) {
	if len(lines) > len(lineColors) {
		return nil, fmt.Errorf("%w: %d variants are more than a figure can tell apart", ErrNoData, len(lines))
	}
	f := newFigure(name, "Response time against offered load: "+circumstances, "offered load (puts/s)", "response time (ms)")
	f.Caption = "Response time of puts, from the intended start, against the offered load: p50, p99 and p99.9 of all blocks' histograms merged; dots: p99 of each trial. A line ends where trials were void or samples too few. Vertical lines: each variant's capacity, the highest rate that met the objective. Open loop, Poisson arrivals; " + circumstances + "."
	f.plot.Add(grid())
	ext := newExtent()
	for i, l := range lines {
		if err := f.addLoadLine(l, lineColors[i], ext); err != nil {
			return nil, err
		}
	}
	if ext.empty() {
		return nil, fmt.Errorf("%w: no latency against load", ErrNoData)
	}
	for _, l := range limits {
		ext.add(ext.minX, float64(l.NS)/1e6)
	}
	logAxis(&f.plot.X, ext.minX, ext.maxX)
	logAxis(&f.plot.Y, ext.minY, ext.maxY)
	if err := f.addMarkers(lines, limits); err != nil {
		return nil, err
	}
	for _, c := range loadCurves {
		key := &plotter.Line{LineStyle: plotter.DefaultLineStyle}
		key.Dashes, key.Width, key.Color = c.dashes, vg.Points(1.6), grey
		f.describe(c.name, key)
	}
	return f, nil
}

// addLoadLine draws one variant's percentiles and dots.
func (f *Figure) addLoadLine(l LoadLine, col color.RGBA, ext *extent) error {
	curves := make([]plotter.XYs, len(loadCurves))
	var dots plotter.XYs
	for _, p := range l.Points {
		latency, err := stats.ResponseOf(p.Cell, record.OpPut)
		if err != nil {
			return fmt.Errorf("figure %s: %w", f.Name, err)
		}
		for i, c := range loadCurves {
			if ns, ok := latency.Percentile(c.percentile); ok {
				curves[i] = append(curves[i], plotter.XY{X: p.Rate, Y: float64(ns) / 1e6})
			}
		}
		for _, t := range p.Cell.Trials {
			one := *p.Cell
			one.Trials = []*record.Trial{t}
			single, err := stats.ResponseOf(&one, record.OpPut)
			if err != nil {
				return fmt.Errorf("figure %s: %w", f.Name, err)
			}
			if ns, ok := single.Percentile(99); ok {
				dots = append(dots, plotter.XY{X: p.Rate, Y: float64(ns) / 1e6})
			}
		}
	}
	for i, pts := range curves {
		if len(pts) == 0 {
			continue
		}
		line, err := plotter.NewLine(pts)
		if err != nil {
			return fmt.Errorf("figure %s: %w", f.Name, err)
		}
		line.Color, line.Width, line.Dashes = col, vg.Points(1.6), loadCurves[i].dashes
		f.plot.Add(line)
		ext.addAll(pts)
	}
	key := &plotter.Line{LineStyle: plotter.DefaultLineStyle}
	key.Color, key.Width = col, vg.Points(1.6)
	f.describe(l.Name, key)
	if len(dots) == 0 {
		return nil
	}
	marks, err := plotter.NewScatter(dots)
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	marks.Color, marks.Radius, marks.Shape = col, vg.Points(2), draw.CircleGlyph{}
	f.plot.Add(marks)
	ext.addAll(dots)
	return nil
}

// addMarkers draws capacities and objectives from edge to edge of the axes.
func (f *Figure) addMarkers(lines []LoadLine, limits []Limit) error {
	for i, l := range lines {
		if l.Capacity == 0 {
			continue
		}
		if _, err := f.rule(plotter.XYs{{X: l.Capacity, Y: f.plot.Y.Min}, {X: l.Capacity, Y: f.plot.Y.Max}}, lineColors[i]); err != nil {
			return err
		}
	}
	for _, l := range limits {
		y := float64(l.NS) / 1e6
		line, err := f.rule(plotter.XYs{{X: f.plot.X.Min, Y: y}, {X: f.plot.X.Max, Y: y}}, color.RGBA{A: 0xFF})
		if err != nil {
			return err
		}
		f.describe(l.Name, line)
	}
	return nil
}

// rule draws a thin straight line.
func (f *Figure) rule(ends plotter.XYs, col color.RGBA) (*plotter.Line, error) {
	line, err := plotter.NewLine(ends)
	if err != nil {
		return nil, fmt.Errorf("figure %s: %w", f.Name, err)
	}
	line.Color, line.Width = col, vg.Points(0.9)
	f.plot.Add(line)
	return line, nil
}

// extent is the range of what was drawn.
type extent struct{ minX, maxX, minY, maxY float64 }

func newExtent() *extent {
	return &extent{minX: math.Inf(1), minY: math.Inf(1)}
}

func (e *extent) add(x, y float64) {
	e.minX, e.maxX = min(e.minX, x), max(e.maxX, x)
	e.minY, e.maxY = min(e.minY, y), max(e.maxY, y)
}

func (e *extent) addAll(pts plotter.XYs) {
	for _, p := range pts {
		e.add(p.X, p.Y)
	}
}

func (e *extent) empty() bool { return e.maxX == 0 }
