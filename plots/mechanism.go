package plots

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"metastorebench/harness/format"
	"metastorebench/harness/stats"
)

// mechanisms are the counters that explain a throughput, with their look.
var mechanisms = []struct {
	name   string
	metric stats.Metric
	color  color.Color
	shape  draw.GlyphDrawer
}{
	{"writes per fsync", stats.WritesPerFsync, blue, draw.CircleGlyph{}},
	{"operations per proposal", stats.OpsPerProposal, vermillion, draw.BoxGlyph{}},
	{"entries per Ready", stats.EntriesPerReady, green, draw.PyramidGlyph{}},
}

// Mechanism draws, for each corner cell, how many writes share a log sync, how
// many operations share a proposal and how many entries a Ready hands over.
// ErrNoData if no cell shows the counters.
func Mechanism(s *stats.Stratum) (*Figure, error) {
	f := newFigure("mechanism-"+slug(s), "What shares a sync: "+describe(s), "count (log scale), median of blocks", "")
	f.Caption = "What shares a log sync, a proposal and a Ready in each corner cell, medians of the blocks. " + captionTail(s)
	rows := s.Corners()
	n := len(rows)
	f.height = 1.35*vg.Inch + vg.Length(n)*1.7*rowHeight
	f.plot.Add(gridX())
	labels := make([]string, n)
	for i, row := range rows {
		labels[i] = s.Label(row.Setting)
	}
	lo, hi := math.Inf(1), 0.0
	for k, m := range mechanisms {
		var pts plotter.XYs
		var notes plotter.XYLabels
		for i, row := range rows {
			sum := stats.Over(row.Cell, m.metric)
			if sum.N == 0 || sum.Median <= 0 {
				continue
			}
			pt := plotter.XY{X: sum.Median, Y: float64(n-1-i) + 0.27*float64(1-k)}
			pts = append(pts, pt)
			notes.XYs = append(notes.XYs, pt)
			notes.Labels = append(notes.Labels, format.Number(sum.Median))
			lo, hi = min(lo, sum.Median), max(hi, sum.Median)
		}
		if len(pts) == 0 {
			continue
		}
		sc, err := plotter.NewScatter(pts)
		if err != nil {
			return nil, fmt.Errorf("figure %s: %w", f.Name, err)
		}
		sc.GlyphStyle = draw.GlyphStyle{Color: m.color, Radius: vg.Points(2.8), Shape: m.shape}
		f.plot.Add(sc)
		if err := addNotes(f, notes); err != nil {
			return nil, err
		}
		f.describe(m.name, dotThumb{sc.GlyphStyle})
	}
	if hi == 0 {
		return nil, fmt.Errorf("%w: no counters for %s", ErrNoData, describe(s))
	}
	nominalRows(&f.plot.Y, labels)
	// Room for the first glyph's left half and the last note.
	logAxis(&f.plot.X, lo*0.8, hi*1.6)
	return f, separateRows(f, n)
}

// separateRows draws a line between each two of n rows, over the whole X axis,
// which must be final.
func separateRows(f *Figure, n int) error {
	for i := 1; i < n; i++ {
		y := float64(i) - 0.5
		line, err := plotter.NewLine(plotter.XYs{{X: f.plot.X.Min, Y: y}, {X: f.plot.X.Max, Y: y}})
		if err != nil {
			return fmt.Errorf("figure %s: %w", f.Name, err)
		}
		line.Color, line.Width = gridGrey, vg.Points(0.6)
		f.plot.Add(line)
	}
	return nil
}
