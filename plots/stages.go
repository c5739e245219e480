package plots

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"metastorebench/harness/claims"
	"metastorebench/harness/format"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// partColors are the looks of a write's parts, in their order. A layer of the
// plan has the colour of the part that is its counterpart.
var partColors = []struct {
	part  string
	layer string // the plan's, drawn in this colour
	color color.RGBA
}{
	{record.StageDecode, "", color.RGBA{R: 0xE6, G: 0x9F, B: 0x00, A: 0xFF}},
	{record.StageEncode, "B2", vermillion},
	{record.StageQueue, "", color.RGBA{R: 0xF0, G: 0xE4, B: 0x42, A: 0xFF}},
	{record.StageAppend, "B1", blue},
	{record.StageCommit, "", skyBlue},
	{record.StageApply, "B3", green},
	{record.StageReply, "", purple},
	{stats.PartOutside, "B4", grey},
}

// Stages draws where the writes of each cell of a traced stratum spend their
// time, as shares of the client's mean service time, in phase 1 with the plan's
// prediction for the baseline above. ErrNoData if no cell was traced.
func Stages(s *stats.Stratum) (*Figure, error) {
	f := newFigure("stages-"+slug(s), "Where a put spends its time: "+describe(s), "share of the client's mean service time, percent (closed loop)", "")
	var bars []stack
	var labels []string
	prediction := "" // it is of a write of the plan's own baseline, where phase 1 begins
	if stats.Phase(s.Factors) == 1 {
		bars, labels = append(bars, predictedStack()), append(labels, "plan's prediction")
		prediction = "The plan's prediction for its baseline: B1 log sync, B2 JSON, B3 engine, B4 gRPC, B5 interceptors and locks (no counterpart), middles of its ranges, scaled to 100 %. "
	}
	predictions := len(bars)
	for _, row := range s.Rows {
		b, ok := stats.BreakdownOf(row.Cell)
		if !ok {
			continue
		}
		bars = append(bars, measuredStack(b))
		labels = append(labels, s.Label(row.Setting))
	}
	if len(bars) == predictions {
		return nil, fmt.Errorf("%w: no stages traced for %s", ErrNoData, describe(s))
	}
	f.Caption = "Parts of the client's mean service time of puts: the store's stages, from the means of the traced puts, and the rest. Right: the mean service time. " +
		prediction + captionTail(s)
	n := len(bars)
	f.height = 1.6*vg.Inch + vg.Length(n)*1.25*rowHeight
	f.plot.Add(gridX(), stacks(bars))
	var notes plotter.XYLabels
	for i, b := range bars {
		notes.XYs = append(notes.XYs, plotter.XY{X: 100, Y: float64(n - 1 - i)})
		notes.Labels = append(notes.Labels, b.note)
	}
	if err := addNotes(f, notes); err != nil {
		return nil, err
	}
	nominalRows(&f.plot.Y, labels)
	f.plot.X.Min, f.plot.X.Max = 0, 117 // the notes stand on the right
	f.plot.X.Tick.Marker = plot.TickerFunc(func(float64, float64) []plot.Tick { return linearTicks(0, 100) })
	for _, p := range partColors {
		f.describe(p.part, swatch{p.color})
	}
	return f, nil
}

// stack is a bar of segments that add up to 100.
type stack struct {
	segments []segment
	note     string
}

type segment struct {
	width float64
	color color.RGBA
	text  string // drawn inside where there is room
}

func measuredStack(b stats.Breakdown) stack {
	st := stack{note: milliseconds(b.ServiceMeanNS)}
	for i, p := range b.Parts {
		// The rest is a difference of two samples, so that it may be below zero.
		share := max(0, 100*p.MeanNS/b.ServiceMeanNS)
		st.segments = append(st.segments, segment{share, partColors[i].color, format.Number(share)})
	}
	return st
}

// milliseconds writes a time for a note.
func milliseconds(ns float64) string { return format.Number(ns/1e6) + " ms" }

// predictedStack is the plan's table of a baseline write.
func predictedStack() stack {
	st := stack{}
	sum := 0.0
	for _, c := range claims.All() {
		q, ok := c.Quantity("share")
		if c.Kind != claims.KindLayer || !ok {
			continue
		}
		middle := (*q.Min + *q.Max) / 2
		sum += middle
		st.segments = append(st.segments, segment{middle, layerColor(c.ID), c.ID})
	}
	for i := range st.segments {
		st.segments[i].width *= 100 / sum
	}
	return st
}

// layerColor is the colour of the layer's counterpart, light for one without.
func layerColor(id string) color.RGBA {
	for _, p := range partColors {
		if p.layer == id {
			return p.color
		}
	}
	return gridGrey
}

// stacks draws bars in rows from the top down.
type stacks []stack

var _ plot.Plotter = stacks(nil)

// Plot implements plot.Plotter.
func (bars stacks) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := text.Style{
		Font:    font.Font{Typeface: plot.DefaultFont.Typeface, Variant: sans, Size: 8},
		Handler: plot.DefaultTextHandler, XAlign: draw.XCenter, YAlign: draw.YCenter,
	}
	for i, b := range bars {
		mid := y(float64(len(bars) - 1 - i))
		from := 0.0
		for _, s := range b.segments {
			left, right := x(from), x(from+s.width)
			from += s.width
			c.FillPolygon(s.color, []vg.Point{
				{X: left, Y: mid - barWidth*0.7}, {X: right, Y: mid - barWidth*0.7},
				{X: right, Y: mid + barWidth*0.7}, {X: left, Y: mid + barWidth*0.7},
			})
			style.Color = onTop(s.color)
			if style.Width(s.text)+4 < right-left {
				c.FillText(style, vg.Point{X: (left + right) / 2, Y: mid + vg.Points(1)}, s.text)
			}
		}
	}
}

// onTop is black or white, whichever reads better on c (Rec. 601 luma).
func onTop(c color.RGBA) color.Color {
	if 299*int(c.R)+587*int(c.G)+114*int(c.B) < 128_000 {
		return color.White
	}
	return color.Black
}

// TracedStages returns a figure of Stages for each traced stratum of a run, but
// for those that measure what tracing costs.
func TracedStages(r *stats.Run, factors []stats.Factor) ([]*Figure, error) {
	var figs []*Figure
	for _, s := range r.TracedStrata(factors) {
		f, err := Stages(s)
		if err != nil {
			return nil, err
		}
		figs = append(figs, f)
	}
	return figs, nil
}
