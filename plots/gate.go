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

	"metastorebench/harness/gate"
	"metastorebench/harness/record"
)

// maxFloors is where the axis of GateRatios ends: what lies beyond, as planted
// faults of some metrics do by far, stands at its end.
const maxFloors = 6

// verdictStyles tell verdicts apart, by shape too.
var verdictStyles = []struct {
	verdict gate.Verdict
	glyph   draw.GlyphStyle
}{
	{gate.Pass, draw.GlyphStyle{Color: green, Radius: vg.Points(4), Shape: draw.CircleGlyph{}}},
	{gate.Regressed, draw.GlyphStyle{Color: vermillion, Radius: vg.Points(4), Shape: draw.TriangleGlyph{}}},
	{gate.Improved, draw.GlyphStyle{Color: blue, Radius: vg.Points(4), Shape: draw.SquareGlyph{}}},
	{gate.Inconclusive, draw.GlyphStyle{Color: orange, Radius: vg.Points(4), Shape: draw.RingGlyph{}}},
}

// GateRatios draws the paired ratios of every gate, and of every planted fault, as
// losses in units of the gate's floor: each block as a dot, their mean, and the
// bounds that it was decided by. ErrNoData if no gate has a pair.
func GateRatios(res *gate.Result) (*Figure, error) {
	labels, rows := gateRows(res)
	f := newFigure("gate-ratios", gateTitle(res, rows), "loss in floors of the gate (more is worse)", "")
	f.Caption = fmt.Sprintf("Paired ratios of head to base, one dot for each block, as losses: logarithms, positive for the worse, in units of the gate's floor (vertical line; a change of entries per Ready is a loss either way). Large mark: their mean; bar: the bounds that regression and pass are decided by. Last rows: faults planted into head. Beyond %d floors marks stand at the axis's end. Closed loop.", maxFloors)
	f.height = 1.35*vg.Inch + vg.Length(len(rows))*rowHeight
	f.plot.Add(gridX())
	var dots plotter.XYs
	var notes plotter.XYLabels
	for i, w := range rows {
		y := float64(len(rows) - 1 - i)
		pairs := slices.DeleteFunc(slices.Clone(w.Losses), math.IsNaN)
		for b, loss := range pairs {
			dots = append(dots, plotter.XY{X: floors(w.Gate, loss), Y: y + spread(b, len(pairs))})
		}
		notes.XYs = append(notes.XYs, plotter.XY{X: maxFloors, Y: y})
		notes.Labels = append(notes.Labels, gateNote(w))
	}
	if len(dots) == 0 {
		return nil, fmt.Errorf("%w: no gate has a pair of trials", ErrNoData)
	}
	if err := f.addGateDots(dots, float64(len(rows))-0.4); err != nil {
		return nil, err
	}
	if err := f.addVerdicts(rows); err != nil {
		return nil, err
	}
	if err := addNotes(f, notes); err != nil {
		return nil, err
	}
	nominalRows(&f.plot.Y, labels)
	// The notes need a third of the width right of the axis's end.
	f.plot.X.Min, f.plot.X.Max = -maxFloors, 1.8*maxFloors
	f.plot.X.Tick.Marker = plot.TickerFunc(func(lo, _ float64) []plot.Tick { return linearTicks(lo, maxFloors) })
	return f, nil
}

// gateRows are the rows of the figure, those of planted faults last.
func gateRows(res *gate.Result) (labels []string, rows []gate.Row) {
	for _, w := range res.Rows {
		labels, rows = append(labels, w.Gate.Name()), append(rows, w)
	}
	for _, t := range res.Tests {
		if t.Pair.Want != gate.Regressed {
			continue
		}
		for _, w := range t.Rows {
			labels, rows = append(labels, t.Pair.New+": "+w.Gate.Name()), append(rows, w)
		}
	}
	return labels, rows
}

// gateTitle names the revisions and the number of blocks.
func gateTitle(res *gate.Result, rows []gate.Row) string {
	blocks := 0
	for _, w := range rows {
		blocks = max(blocks, w.N)
	}
	name := func(arm string) string {
		if a := res.Gate.Arm(arm); a != nil {
			return fmt.Sprintf("%.12s", a.Commit)
		}
		return "a stored run"
	}
	return fmt.Sprintf("Gate: %s against %s, %s, n up to %d blocks", name(record.ArmHead), name(record.ArmBase), res.Outcome, blocks)
}

// gateNote is the change with its verdict.
func gateNote(w gate.Row) string {
	if w.N == 0 {
		return "no pair, " + string(w.Verdict)
	}
	return fmt.Sprintf("%+.2f %%, %s", 100*(w.Gate.Ratio(w.Mean)-1), w.Verdict)
}

// floors is a loss as it is drawn.
func floors(g gate.Gate, loss float64) float64 {
	return max(-maxFloors, min(maxFloors, g.InFloors(loss)))
}

// addGateDots draws the blocks, and the floor up to top.
func (f *Figure) addGateDots(dots plotter.XYs, top float64) error {
	blocks, err := plotter.NewScatter(dots)
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	blocks.GlyphStyle = draw.GlyphStyle{Color: grey, Radius: vg.Points(1.3), Shape: draw.CircleGlyph{}}
	floor, err := plotter.NewLine(plotter.XYs{{X: 1, Y: -0.6}, {X: 1, Y: top}})
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	floor.Color, floor.Width, floor.Dashes = color.Black, vg.Points(1), []vg.Length{vg.Points(5), vg.Points(3)}
	f.plot.Add(floor, blocks)
	f.describe("floor", floor)
	f.describe("one block", dotThumb{blocks.GlyphStyle})
	return nil
}

// addVerdicts draws means with their bounds, in the colour and shape of the verdict.
func (f *Figure) addVerdicts(rows []gate.Row) error {
	for _, style := range verdictStyles {
		var means plotter.XYs
		for i, w := range rows {
			if w.Verdict != style.verdict || w.N == 0 {
				continue
			}
			y := float64(len(rows) - 1 - i)
			means = append(means, plotter.XY{X: floors(w.Gate, w.Mean), Y: y})
			if math.IsNaN(w.AtLeast) || math.IsNaN(w.AtMost) {
				continue
			}
			bounds, err := plotter.NewLine(plotter.XYs{{X: floors(w.Gate, w.AtLeast), Y: y}, {X: floors(w.Gate, w.AtMost), Y: y}})
			if err != nil {
				return fmt.Errorf("figure %s: %w", f.Name, err)
			}
			bounds.Color, bounds.Width = style.glyph.Color, vg.Points(2)
			f.plot.Add(bounds)
		}
		if len(means) == 0 {
			continue
		}
		marks, err := plotter.NewScatter(means)
		if err != nil {
			return fmt.Errorf("figure %s: %w", f.Name, err)
		}
		marks.GlyphStyle = style.glyph
		f.plot.Add(marks)
		f.describe(string(style.verdict), dotThumb{style.glyph})
	}
	return nil
}
