package plots

import (
	"math"

	"gonum.org/v1/plot"

	"metastorebench/harness/stats"
)

// lastPhase is the plan's last phase.
const lastPhase = 3

// Phases draws lines over the plan's baseline and its phases, whose numbers are the
// points' X from 0 to 3, with a logarithmic Y. ErrNoData as Curves.
func Phases(text CurvesText, curves []Curve) (*Figure, error) {
	// Equal distances on the logarithmic axis of Curves are powers of ten.
	spaced := make([]Curve, len(curves))
	for i, c := range curves {
		spaced[i].Name = c.Name
		for _, p := range c.Points {
			p.X = math.Pow(10, p.X)
			spaced[i].Points = append(spaced[i].Points, p)
		}
	}
	f, err := Curves(text, spaced)
	if err != nil {
		return nil, err
	}
	var ticks plot.ConstantTicks
	for phase := range lastPhase + 1 {
		ticks = append(ticks, plot.Tick{Value: float64(phase), Label: stats.PhaseName(phase)})
	}
	f.plot.X.Tick.Marker = ticks
	f.plot.X.Min, f.plot.X.Max = -0.1, lastPhase+0.1
	return f, nil
}
