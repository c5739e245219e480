package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"metastorebench/harness/gate"
	"metastorebench/harness/infer"
)

// GatePower draws the share of runs in which planted losses were found against
// their measured size, a line for each gate, with 95 % intervals. ErrNoData without
// a loss that was measured.
func GatePower(p *gate.Power) (*Figure, error) {
	f := newFigure("gate-power", fmt.Sprintf("Power of the gate: planted losses found, n=%d runs", p.Runs), "measured loss (%)", "found in runs (%)")
	f.Caption = fmt.Sprintf("Share of runs in which a planted loss was called regressed, against its size as measured; bars: 95 %% intervals (Clopper and Pearson). Dashed: 90 %%. Of the same runs without a fault %d of %d had a gate that regressed. Closed loop; %s.", p.Alarms, p.Runs, p.Describe)
	f.plot.Add(grid())
	least, most := math.Inf(1), 0.0
	for i, name := range powerGates(p) {
		var points measured
		for _, fault := range bySize(p.Faults) {
			if fault.Gate.Name() != name || !(fault.Loss > 0) {
				continue
			}
			rate := 100 * float64(fault.Found) / float64(fault.Runs)
			lo, hi := infer.Proportion(int64(fault.Found), int64(fault.Runs))
			x := 100 * fault.Loss
			points.XYs = append(points.XYs, plotter.XY{X: x, Y: rate})
			points.YErrors = append(points.YErrors, struct{ Low, High float64 }{rate - 100*lo, 100*hi - rate})
			least, most = min(least, x), max(most, x)
		}
		if err := f.addPower(name, points, i); err != nil {
			return nil, err
		}
	}
	if most == 0 {
		return nil, fmt.Errorf("%w: no planted loss was measured", ErrNoData)
	}
	wanted, err := plotter.NewLine(plotter.XYs{{X: stepDown(least), Y: 90}, {X: stepUp(most), Y: 90}})
	if err != nil {
		return nil, fmt.Errorf("figure %s: %w", f.Name, err)
	}
	wanted.Color, wanted.Dashes = grey, []vg.Length{vg.Points(5), vg.Points(3)}
	f.plot.Add(wanted)
	logAxis(&f.plot.X, least, most)
	f.plot.Y.Min, f.plot.Y.Max = 0, 100
	f.plot.Y.Tick.Marker = plot.TickerFunc(linearTicks)
	return f, nil
}

// powerGates names the gates that planted faults are aimed at, in order.
func powerGates(p *gate.Power) (names []string) {
	for _, f := range p.Faults {
		if !slices.Contains(names, f.Gate.Name()) {
			names = append(names, f.Gate.Name())
		}
	}
	return names
}

// bySize are the faults by rising loss.
func bySize(faults []gate.FaultPower) []gate.FaultPower {
	return slices.SortedFunc(slices.Values(faults), func(a, b gate.FaultPower) int { return cmp.Compare(a.Loss, b.Loss) })
}

// addPower draws the i-th gate.
func (f *Figure) addPower(name string, points measured, i int) error {
	if len(points.XYs) == 0 || i >= len(curveColors) {
		return nil
	}
	line, marks, err := plotter.NewLinePoints(points)
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	bars, err := plotter.NewYErrorBars(points)
	if err != nil {
		return fmt.Errorf("figure %s: %w", f.Name, err)
	}
	line.Color, line.Width = curveColors[i], vg.Points(1.4)
	marks.Color, marks.Shape, marks.Radius = curveColors[i], curveGlyphs[i], vg.Points(3.2)
	bars.Color, bars.Width = curveColors[i], vg.Points(1)
	f.plot.Add(bars, line, marks)
	f.describe(name, lineWithMark{line, marks})
	return nil
}
