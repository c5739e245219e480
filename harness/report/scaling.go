package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/stats"
	"metastorebench/harness/usl"
	"metastorebench/plots"
)

// scalingCurve is one variant's throughput against clients in one place.
type scalingCurve struct {
	place, slug string // engine, disk, and the API if the plan names it
	variant     string
	fit         usl.Fit
}

// scalingCurves fits the law to baseline and full, by place in the order of the
// run's cells. A place with too few numbers of clients has no curve.
func scalingCurves(r *stats.Run) ([]scalingCurve, error) {
	factors, err := r.Factors()
	if err != nil {
		return nil, err
	}
	byPlace := map[string][]*stats.Stratum{}
	var order []string
	for _, s := range r.Study(factors) {
		if !s.WritesOnly() {
			continue
		}
		key := stratumOptions(s)
		if byPlace[key] == nil {
			order = append(order, key)
		}
		byPlace[key] = append(byPlace[key], s)
	}
	var curves []scalingCurve
	for _, key := range order {
		strata := byPlace[key]
		if len(strata) < usl.MinSizes {
			continue
		}
		for _, variant := range []string{"baseline", "full"} {
			fit, err := usl.FitPoints(scalingPoints(strata, variant))
			if err != nil {
				return nil, fmt.Errorf("scaling of %s: %w", variant, err)
			}
			o := strata[0].Options
			c := scalingCurve{
				place: fmt.Sprintf("%s engine, %s disk", o["engine"], o["disk"]),
				slug:  o["engine"] + "-" + o["disk"], variant: variant, fit: fit,
			}
			if api := o["api"]; api != "" {
				c.place, c.slug = c.place+", api "+api, c.slug+"-"+api
			}
			c.place += fmt.Sprintf(", n=%d blocks", fit.Blocks)
			curves = append(curves, c)
		}
	}
	return curves, nil
}

// stratumOptions is a text that strata of equal options share.
func stratumOptions(s *stats.Stratum) string {
	var parts []string
	for _, axis := range slices.Sorted(maps.Keys(s.Options)) {
		parts = append(parts, axis+"="+s.Options[axis])
	}
	return strings.Join(parts, ",")
}

// scalingPoints are a variant's measurements at all numbers of clients.
func scalingPoints(strata []*stats.Stratum, variant string) []usl.Point {
	var points []usl.Point
	for _, s := range strata {
		c := s.Baseline()
		if variant == "full" {
			c = s.Full()
		}
		if c == nil {
			continue
		}
		for _, t := range c.Trials {
			if x, ok := puts(t); ok && x > 0 {
				points = append(points, usl.Point{Block: t.Block, N: float64(c.Clients()), X: x})
			}
		}
	}
	return points
}

// scaling is the section of plan scaling.
func (b *builder) scaling() error {
	curves, err := scalingCurves(b.Run)
	if err != nil {
		return err
	}
	t := table{
		caption: fmt.Sprintf("Fit of X(N) = lambda N / (1 + sigma (N-1) + kappa N (N-1)) to the throughput X of puts of N clients: least squares on log X over all blocks. [a, b]: 95 %% interval of a jackknife over blocks, from %d blocks on. R^2 is of log X. A peak N* = sqrt((1-sigma)/kappa) is claimed only where the interval of kappa stays clear of 0. Closed loop.", usl.MinBlocks),
		head:    []column{text("place"), text("variant"), num("n (blocks)"), num("lambda, puts/s"), num("sigma (contention)"), num("kappa (coherency)"), num("R^2"), text("peak, clients")},
	}
	for _, c := range curves {
		f := c.fit
		t.add(c.place, c.variant, fmt.Sprint(f.Blocks), coefficient(f, f.Lambda, f.LambdaIn), coefficient(f, f.Sigma, f.SigmaIn), coefficient(f, f.Kappa, f.KappaIn), fmt.Sprintf("%.3f", f.R2), peakText(f))
	}
	b.part("Universal Scalability Law", &t)
	b.residuals(curves)
	return nil
}

// residuals puts every measurement beside the fit.
func (b *builder) residuals(curves []scalingCurve) {
	t := table{
		caption: "Throughput of puts: median (range) of the blocks, and the fit. Residual: median over fit, less 1. A pattern in the residuals is what the law leaves out. Closed loop.",
		head:    []column{text("place"), text("variant"), num("clients"), num("n"), num("puts/s"), num("fit, puts/s"), num("residual")},
	}
	for _, c := range curves {
		for _, r := range c.fit.Residuals {
			s := stats.Summary{Estimate: infer.Estimate{N: r.Measured}, Median: r.Median, Min: r.Min, Max: r.Max}
			t.add(c.place, c.variant, fmt.Sprint(r.N), fmt.Sprint(r.Measured), spread(s), format.Number(r.Fitted), fmt.Sprintf("%+.1f %%", 100*r.Relative))
		}
	}
	b.part("Throughput against clients", &t)
}

// coefficient writes a value with its interval, if there is one.
func coefficient(f usl.Fit, v float64, in usl.Interval) string {
	if !f.Bounded {
		return small(v)
	}
	return fmt.Sprintf("%s [%s, %s]", small(v), small(in.Lo), small(in.Hi))
}

// small writes coefficients that may be next to nothing.
func small(v float64) string {
	const least = 1e-7 // no effect at any number of clients
	if v >= 0 && v < least {
		return "0"
	}
	return format.Number(v)
}

// peakText says where throughput is highest, or why nobody knows.
func peakText(f usl.Fit) string {
	n, claimed := f.Peak()
	switch {
	case !f.Bounded:
		return fmt.Sprintf("not claimed: %d blocks, needs %d", f.Blocks, usl.MinBlocks)
	case !claimed:
		return "none claimed: the interval of kappa touches 0"
	}
	text := fmt.Sprintf("%s [%s, %s]", format.Number(n), format.Number(f.PeakIn.Lo), format.Number(f.PeakIn.Hi))
	if f.Extrapolated() {
		text += ", extrapolated"
	}
	return text
}

// scalingFigures has one figure per place.
func scalingFigures(r *stats.Run) ([]*plots.Figure, error) {
	curves, err := scalingCurves(r)
	if err != nil {
		return nil, err
	}
	var figs []*plots.Figure
	for i := 0; i < len(curves); i += 2 { // baseline and full of one place
		both := []plots.ScalingCurve{{Name: curves[i].variant, Fit: curves[i].fit}, {Name: curves[i+1].variant, Fit: curves[i+1].fit}}
		f, err := plots.Scaling("scaling-"+curves[i].slug, curves[i].place, both)
		if err != nil {
			return nil, err
		}
		figs = append(figs, f)
	}
	return figs, nil
}
