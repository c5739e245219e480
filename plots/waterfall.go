package plots

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"metastorebench/harness/attrib"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// Waterfall draws how the items take the baseline's throughput to the full
// variant's: each bar spans the ratio that is the item's Shapley share, on a log
// scale, where ratios of one size have one length whatever their order.
// ErrNoData unless the stratum is a full factorial of at least two blocks.
func Waterfall(s *stats.Stratum) (*Figure, error) {
	blocks, _, complete := s.LogFactorial(stats.Throughput(record.OpPut))
	if !complete || len(blocks) < 2 {
		return nil, fmt.Errorf("%w: no full factorial of two blocks for %s", ErrNoData, describe(s))
	}
	r, err := attrib.Factorial(len(s.Factors), blocks, stats.Confidence)
	if err != nil {
		return nil, fmt.Errorf("figure: %s: %w", describe(s), err)
	}
	f := newFigure("waterfall-"+slug(s), "From the baseline to all items: "+describe(s), "puts per second (closed loop), log scale", "")
	f.Caption = "From the baseline's throughput (geometric mean of the blocks) to the full variant's. Each bar is an item's Shapley share: the ratio that it makes, averaged over all orders of switching the items on, with its 95 % t interval. " + captionTail(s)
	bars, labels := waterfallBars(s, r, math.Exp(meanOf(blocks, 0)))
	n := len(bars)
	f.height = 1.35*vg.Inch + vg.Length(n)*rowHeight
	f.plot.Add(gridX(), spans(bars))
	lo, hi := bars[0].to, bars[0].to
	var notes plotter.XYLabels
	for i, b := range bars {
		lo, hi = min(lo, b.from, b.to), max(hi, b.from, b.to)
		notes.XYs = append(notes.XYs, plotter.XY{X: max(b.from, b.to), Y: float64(n - 1 - i)})
		notes.Labels = append(notes.Labels, b.note)
	}
	if err := addNotes(f, notes); err != nil {
		return nil, err
	}
	nominalRows(&f.plot.Y, labels)
	// The notes need a third of the width right of the longest bar.
	logAxis(&f.plot.X, lo*0.9, hi*math.Pow(hi/(lo*0.9), 0.5))
	f.describe("faster", swatch{skyBlue})
	f.describe("slower", swatch{vermillion})
	f.describe("measured", swatch{grey})
	return f, nil
}

// waterfallBars are the baseline, a bar per item, and the total.
func waterfallBars(s *stats.Stratum, r *attrib.Result, base float64) ([]span, []string) {
	// A measured value is a thin mark: a log scale has no zero to draw it from.
	bars := []span{{from: base, to: base, color: grey, note: stats.Number(base)}}
	labels := []string{"baseline"}
	at := base
	for i, item := range s.Factors {
		ratio, lo, hi := r.Shapley[i].Ratio()
		b := span{from: at, to: at * ratio, color: skyBlue, note: fmt.Sprintf("x %s [%s, %s]", stats.Number(ratio), stats.Number(lo), stats.Number(hi))}
		if ratio < 1 {
			b.color = vermillion
		}
		bars, labels = append(bars, b), append(labels, item.ID+" "+item.Axis)
		at = b.to
	}
	ratio, _, _ := r.Total.Ratio()
	note := fmt.Sprintf("%s (x %s)", stats.Number(at), stats.Number(ratio))
	return append(bars, span{from: at, to: at, color: grey, note: note}), append(labels, "all")
}

// meanOf is the mean of one setting's logarithm over the blocks.
func meanOf(blocks [][]float64, setting int) float64 {
	sum := 0.0
	for _, y := range blocks {
		sum += y[setting]
	}
	return sum / float64(len(blocks))
}

// span is a horizontal bar from one value to another.
type span struct {
	from, to float64
	color    color.Color
	note     string
}

// spans draws bars in rows from the top down.
type spans []span

var _ plot.Plotter = spans(nil)

// Plot implements plot.Plotter.
func (bars spans) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i, b := range bars {
		mid := y(float64(len(bars) - 1 - i))
		left, right := x(min(b.from, b.to)), x(max(b.from, b.to))
		right = max(right, left+vg.Points(2)) // no effect is still a line
		c.FillPolygon(b.color, []vg.Point{
			{X: left, Y: mid - barWidth/2}, {X: right, Y: mid - barWidth/2},
			{X: right, Y: mid + barWidth/2}, {X: left, Y: mid + barWidth/2},
		})
	}
}
