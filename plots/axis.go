package plots

import (
	"math"
	"strconv"

	"metastorebench/harness/format"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// logAxis makes a logarithmic axis over [lo, hi], widened to whole steps of
// 1, 2, 5, with labels at those steps, or at powers of ten alone where the
// range is long.
func logAxis(a *plot.Axis, lo, hi float64) {
	a.Scale = plot.LogScale{}
	a.Min, a.Max = stepDown(lo), stepUp(hi)
	a.Tick.Marker = plot.TickerFunc(logTicks)
}

var steps = []float64{1, 2, 5}

// stepDown is the largest 1, 2 or 5 times a power of ten that is <= v.
func stepDown(v float64) float64 {
	const slack = 1 + 1e-9
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for i := len(steps) - 1; i >= 0; i-- {
		if s := steps[i] * p; s <= v*slack {
			return s
		}
	}
	return p
}

// stepUp is the smallest 1, 2 or 5 times a power of ten that is >= v.
func stepUp(v float64) float64 {
	const slack = 1 - 1e-9
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, s := range steps {
		if s*p >= v*slack {
			return s * p
		}
	}
	return 10 * p
}

// logTicks labels 1, 2, 5 within up to three and a half decades, or fewer where
// the labels are long, powers of ten beyond, and marks every other integer step
// without a label.
func logTicks(lo, hi float64) []plot.Tick {
	const roomChars = 24 // of one label a decade, over all decades, before neighbours touch
	decades := math.Log10(hi / lo)
	long := decades > 3.5 || decades*float64(len(plain(hi))) > roomChars
	var ticks []plot.Tick
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for d := 1; d <= 9; d++ {
			v := float64(d) * math.Pow(10, e)
			if v < lo*(1-1e-9) || v > hi*(1+1e-9) {
				continue
			}
			label := ""
			if d == 1 || !long && (d == 2 || d == 5) {
				label = plain(v)
			}
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
	}
	return ticks
}

// linearTicks labels steps of 1, 2 or 5 times a power of ten, about five of
// them.
func linearTicks(lo, hi float64) []plot.Tick {
	step := stepUp((hi - lo) / 7)
	var ticks []plot.Tick
	for i := int(math.Ceil(lo / step)); float64(i)*step <= hi*(1+1e-9); i++ {
		ticks = append(ticks, plot.Tick{Value: float64(i) * step, Label: plain(float64(i) * step)})
	}
	return ticks
}

// percentileAxis puts percentile p at 1/(1-p), which makes equal room for each
// further nine.
func percentileAxis(a *plot.Axis) {
	a.Scale = plot.LogScale{}
	a.Min, a.Max = 1, 1e4
	a.Tick.Marker = plot.ConstantTicks{
		{Value: 1, Label: "0"}, {Value: 2, Label: "50"}, {Value: 4, Label: "75"}, {Value: 10, Label: "90"}, {Value: 20, Label: "95"},
		{Value: 100, Label: "99"}, {Value: 1000, Label: "99.9"}, {Value: 1e4, Label: "99.99"},
	}
}

// nominalRows labels rows from the top down: row i of n stands at y = n-1-i.
func nominalRows(a *plot.Axis, labels []string) {
	n := len(labels)
	ticks := make(plot.ConstantTicks, n)
	for i, l := range labels {
		ticks[i] = plot.Tick{Value: float64(n - 1 - i), Label: l}
	}
	a.Min, a.Max = -0.6, float64(n)-0.4
	a.Tick.Marker, a.Tick.Length = ticks, 0
}

// gridX draws lines at the labelled ticks of the x axis.
func gridX() plot.Plotter { g := grid(); g.Horizontal.Color = nil; return g }

func grid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = gridGrey, gridGrey
	g.Vertical.Width, g.Horizontal.Width = vg.Points(0.6), vg.Points(0.6)
	return g
}

// plain writes a tick value without exponent or needless zeros.
func plain(v float64) string {
	return format.Separate(strconv.FormatFloat(math.Round(v*1e9)/1e9, 'f', -1, 64))
}
