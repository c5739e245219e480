package plots

import (
	"errors"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"metastorebench/harness/format"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// ErrNoData says that there is nothing to draw.
var ErrNoData = errors.New("plots: no data")

// series is one cell's put latency with its look.
type series struct {
	name   string
	lat    stats.Latency
	color  color.RGBA
	dashes []vg.Length
}

// corners returns the latency of the stratum's baseline and full cells and, where
// the full one sends batches, of the full one without them.
func corners(s *stats.Stratum) ([]series, error) {
	from, to := ends(s)
	looks := []series{
		{name: from, color: vermillion, dashes: []vg.Length{vg.Points(5), vg.Points(3)}},
		{name: to, color: blue},
	}
	cells := []*stats.Cell{s.Baseline(), s.Full()}
	if i := s.Index(itemBatchAPI); i >= 0 {
		looks = append(looks, series{name: to + ", single puts", color: green, dashes: []vg.Length{vg.Points(1.5), vg.Points(2.5)}})
		cells = append(cells, s.At(s.All()&^(1<<i)))
	}
	var out []series
	for i, c := range cells {
		if c == nil || !c.Measured() {
			continue
		}
		l, err := stats.LatencyOf(c, record.OpPut)
		if err != nil {
			return nil, err
		}
		if l.Hist.TotalCount() < stats.MinSamples(50) {
			continue
		}
		looks[i].lat = l
		looks[i].name += fmt.Sprintf(" (%s operations, %d blocks)", format.Count(l.Hist.TotalCount()), l.Blocks)
		out = append(out, looks[i])
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: no latency for %s", ErrNoData, describe(s))
	}
	return out, nil
}

// itemBatchAPI is the claim about the batch API.
const itemBatchAPI = "P2.3"

// ends names a stratum's baseline and full cells: a phase starts from the one
// before it in full.
func ends(s *stats.Stratum) (from, to string) {
	phase := stats.Phase(s.Factors)
	from = "baseline"
	if phase > 1 {
		from = fmt.Sprintf("full phase %d", phase-1)
	}
	return from, fmt.Sprintf("full phase %d", phase)
}

// LatencyByPercentile draws the put latency of baseline and full phase over
// the percentile, to 99.99 or as far as the samples reach. ErrNoData if neither
// was measured.
func LatencyByPercentile(s *stats.Stratum) (*Figure, error) {
	curves, err := corners(s)
	if err != nil {
		return nil, err
	}
	f := newFigure("latency-percentile-"+slug(s), "Put latency by percentile: "+describe(s), "percentile (%), scale by 1/(1-p)", "service time (ms)")
	from, to := ends(s)
	f.Caption = fmt.Sprintf("Service time of puts by percentile, %s and %s%s; a curve ends where fewer than ", from, to, batchNote(s)) +
		fmt.Sprint(stats.MinBeyond) + " operations lie beyond. Histograms of all blocks merged. " + captionTail(s)
	percentileAxis(&f.plot.X)
	f.plot.Add(grid())
	lo, hi := math.Inf(1), 0.0
	for _, c := range curves {
		pts := percentilePoints(c.lat)
		line, err := plotter.NewLine(pts)
		if err != nil {
			return nil, fmt.Errorf("figure %s: %w", f.Name, err)
		}
		line.Color, line.Width, line.Dashes = c.color, vg.Points(1.8), c.dashes
		f.plot.Add(line)
		f.describe(c.name, line)
		lo, hi = min(lo, pts[0].Y), max(hi, pts[len(pts)-1].Y)
	}
	percentileAxis(&f.plot.X) // adding data has widened the axis
	logAxis(&f.plot.Y, lo, hi)
	return f, nil
}

// batchNote warns of latencies that are those of batches, for captions.
func batchNote(s *stats.Stratum) string {
	full := s.Full()
	if full == nil || !full.Measured() || full.Trials[0].Workload.BatchOps == 0 {
		return ""
	}
	return fmt.Sprintf(" (batches of %d: an operation's time is its batch's)", full.Trials[0].Workload.BatchOps)
}

// percentilePoints samples the curve evenly on the percentile axis.
func percentilePoints(l stats.Latency) plotter.XYs {
	const perDecade = 60
	var pts plotter.XYs
	for i := range 4*perDecade + 1 {
		x := math.Pow(10, float64(i)/perDecade)
		ns, ok := l.Percentile(100 * (1 - 1/x))
		if !ok {
			break
		}
		pts = append(pts, plotter.XY{X: x, Y: float64(ns) / 1e6})
	}
	return pts
}

// LatencyHistogram draws the distribution of put latency of baseline and full
// phase. ErrNoData if neither was measured.
func LatencyHistogram(s *stats.Stratum) (*Figure, error) {
	curves, err := corners(s)
	if err != nil {
		return nil, err
	}
	f := newFigure("latency-histogram-"+slug(s), "Put latency distribution: "+describe(s), "service time (ms), 20 bins per factor of ten", "share of operations per bin (%)")
	from, to := ends(s)
	f.Caption = fmt.Sprintf("Distribution of the service time of puts, %s and %s%s, ", from, to, batchNote(s)) + "histograms of all blocks merged. " + captionTail(s)
	f.plot.Add(grid())
	lo, hi, top := math.Inf(1), 0.0, 0.0
	for _, c := range curves {
		pts := binned(c.lat)
		line, err := plotter.NewLine(pts)
		if err != nil {
			return nil, fmt.Errorf("figure %s: %w", f.Name, err)
		}
		line.Color, line.Width, line.Dashes = c.color, vg.Points(1.6), c.dashes
		line.StepStyle = plotter.PostStep
		line.FillColor = color.NRGBA{R: c.color.R, G: c.color.G, B: c.color.B, A: 0x30}
		f.plot.Add(line)
		f.describe(c.name, strokeOf(line))
		lo, hi = min(lo, pts[0].X), max(hi, pts[len(pts)-1].X)
		for _, p := range pts {
			top = max(top, p.Y)
		}
	}
	logAxis(&f.plot.X, lo, hi)
	f.plot.Y.Min, f.plot.Y.Max = 0, top*1.05
	f.plot.Y.Tick.Marker = plot.TickerFunc(linearTicks)
	return f, nil
}

// binned sorts the histogram's buckets into bins of equal width on a log scale:
// one point per bin at its lower edge, zeros at both ends.
func binned(l stats.Latency) plotter.XYs {
	const perDecade = 20
	counts := map[int]int64{}
	first, last := math.MaxInt, math.MinInt
	for _, b := range l.Hist.Distribution() {
		if b.Count == 0 {
			continue
		}
		mid := max(1, float64(b.From+b.To)/2)
		bin := int(math.Floor(math.Log10(mid) * perDecade))
		counts[bin] += b.Count
		first, last = min(first, bin), max(last, bin)
	}
	var pts plotter.XYs
	for bin := first - 1; bin <= last+1; bin++ {
		pts = append(pts, plotter.XY{
			X: math.Pow(10, float64(bin)/perDecade) / 1e6,
			Y: 100 * float64(counts[bin]) / float64(l.Hist.TotalCount()),
		})
	}
	return pts
}

// strokeOf is a legend thumbnail of a filled line: the stroke alone.
func strokeOf(l *plotter.Line) plot.Thumbnailer {
	return &plotter.Line{LineStyle: l.LineStyle}
}
