package facts

import (
	"fmt"
	"math"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
	"metastorebench/harness/usl"
)

// fitted is the metric that the Universal Scalability Law is of.
const fitted = "throughput"

// fitCaption explains the table of fits.
var fitCaption = fmt.Sprintf("Universal Scalability Law X(N) = lambda N / (1 + sigma (N-1) + kappa N (N-1)) of the throughput X of N clients: least squares on log X over all blocks, with the 95 %% interval of a jackknife over blocks, from %d blocks on. R^2 is of log X. A peak N* = sqrt((1-sigma)/kappa) is claimed only where the interval of kappa stays clear of 0. Residual: measured over fitted, less 1; a pattern in it is what the law leaves out.", usl.MinBlocks)

// fitSteps is the number of steps in which a fitted curve is drawn.
const fitSteps = 48

// fit fits the law to every curve of figures, which get the fitted curves too. A curve
// that cannot be fitted, because a run has few of its points, is named in a note.
func (b *builder) fit(v plan.View, figs []drawn, to *View) {
	t := newTable("fit", fitCaption, textColumn("place"), textColumn("variant"), Column{Key: "n", Title: "n"},
		Column{Key: "lambda", Title: "lambda, ops/s of one client"}, Column{Key: "sigma", Title: "sigma, contention"},
		Column{Key: "kappa", Title: "kappa, coherency"}, Column{Key: "r2", Title: "R^2"},
		Column{Key: "peak", Title: "peak, clients"}, Column{Key: "residual", Title: "largest residual", Text: true})
	for i := range figs {
		measured := figs[i].Series
		for k, dots := range figs[i].of {
			name := measured[k].Name
			f, err := usl.FitPoints(b.uslPoints(dots, v.X))
			if err != nil {
				t.note(fmt.Sprintf("%s, %s: no fit: %s", figs[i].place, name, strings.TrimPrefix(err.Error(), usl.ErrPoints.Error()+": ")))
				continue
			}
			t.add(figs[i].place+", "+name, b.fitRow(figs[i].place, name, dots, f)...)
			figs[i].Series = append(figs[i].Series, fitSeries(name, measured[k].Points, f.Curve))
		}
	}
	to.Tables = append(to.Tables, t.Table)
}

// uslPoints are all trials of a curve.
func (b *builder) uslPoints(dots []dot, x string) []usl.Point {
	var points []usl.Point
	for _, d := range dots {
		n := numberOf(d.value(x))
		rate := b.read(metric.Must(fitted), d.op)
		for _, t := range d.cell.Trials {
			if v, ok := rate(t); ok && v > 0 {
				points = append(points, usl.Point{Block: t.Block, N: n, X: v})
			}
		}
	}
	return points
}

// fitRow makes facts of a fit's coefficients.
func (b *builder) fitRow(place, name string, dots []dot, f usl.Fit) []Value {
	var cells []int
	for _, d := range dots {
		cells = append(cells, d.index)
	}
	value := func(v float64, in usl.Interval, unit string) Value {
		if number(v) == nil {
			return known(0)
		}
		fact := &Fact{Kind: Model, Op: dots[0].op, Unit: unit, Value: Number(v), N: f.Blocks, Cells: cells, Text: small(v)}
		if f.Bounded && in != (usl.Interval{}) {
			fact.Lo, fact.Hi = number(in.Lo), number(in.Hi)
			fact.Text = fmt.Sprintf("%s [%s, %s]", small(v), small(in.Lo), small(in.Hi))
		}
		return known(b.add(fact))
	}
	peak := word(noPeak(f))
	if n, claimed := f.Peak(); claimed {
		peak = value(n, f.PeakIn, "clients")
		if f.Extrapolated() {
			b.fact(peak.Fact).Text += ", extrapolated"
		}
	}
	return []Value{word(place), word(name), word(format.Count(int64(f.Blocks))), value(f.Lambda, f.LambdaIn, "ops/s"),
		value(f.Sigma, f.SigmaIn, ""), value(f.Kappa, f.KappaIn, ""), value(f.R2, usl.Interval{}, ""), peak, word(largestResidual(f))}
}

// small writes coefficients that may be next to nothing.
func small(v float64) string {
	const least = 1e-7 // no effect at any number of clients
	if v >= 0 && v < least {
		return "0"
	}
	return format.Number(v)
}

// noPeak says why no peak is claimed.
func noPeak(f usl.Fit) string {
	if !f.Bounded {
		return fmt.Sprintf("not claimed: %d blocks, needs %d", f.Blocks, usl.MinBlocks)
	}
	return "none claimed: the interval of kappa touches 0"
}

func largestResidual(f usl.Fit) string {
	worst := f.Residuals[0]
	for _, r := range f.Residuals {
		if math.Abs(r.Relative) > math.Abs(worst.Relative) {
			worst = r
		}
	}
	return fmt.Sprintf("%+.0f %% at %g", 100*worst.Relative, worst.N)
}

// fitSeries is a fitted curve over the range of what was measured.
func fitSeries(name string, measured []Point, c usl.Curve) Series {
	s := Series{Name: name + ", fitted law", Style: StyleFit, Of: name}
	from, to := float64(measured[0].X), float64(measured[len(measured)-1].X)
	for i := range fitSteps + 1 {
		n := from * math.Pow(to/from, float64(i)/fitSteps)
		s.Points = append(s.Points, Point{X: Number(n), Y: Number(c.At(n))})
	}
	return s
}
