package report

import (
	"errors"
	"fmt"
	"strings"

	"metastorebench/harness/claims"
	"metastorebench/harness/format"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/plots"
)

// planLadder is the plan that measures all phases in one run.
const planLadder = "ladder"

// ladderTables is the section of plan ladder: the phases, the claims about them, the
// layers, and what an offered rate makes of the top.
func (b *builder) ladderTables() error {
	for _, part := range []func() error{
		b.climbPuts, b.climbSaturation, b.ledgerTables,
		b.attribution, b.layerProducts,
		b.openLoop, b.climbMixes,
		b.machineCeilings, b.cellBounds,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// climbCaption explains the tables of ladders.
const climbCaption = "Ratio: to the lowest phase of the same place; step: to the phase before. Latency: service time, histograms of all blocks merged. CPU: the store's, in percent of all CPUs; memory: the store's peak resident memory; medians of the blocks. Failed: of all operations. Closed loop. " + ratioLegend

func climbHead() []column {
	return []column{text("engine"), text("workload"), num("clients"), text("disk"), text("phase"), text("operation"), num("n"), num("ops/s"), num("ratio"), num("step"),
		num("p50, ms"), num("p99, ms"), num("p99.9, ms"), num("CPU, %"), num("memory, MB"), text("failed")}
}

// climbPuts is the ladder in single calls of puts.
func (b *builder) climbPuts() error {
	t, err := b.climb("The plan's baseline and its phases, each in full on top of the one before, in puts sent one by one. ", func(l stats.Ladder) bool {
		return l.WritesOnly() && l.Phases[0] == 0
	})
	if err != nil {
		return err
	}
	b.part("The ladder in puts", t)
	return nil
}

// climbSaturation is the ladder in batches and streams.
func (b *builder) climbSaturation() error {
	t, err := b.climb("The same in batches, where the latency of an operation is its batch's, and in streams. ", func(l stats.Ladder) bool {
		return l.Load() != l.Workload
	})
	if err != nil {
		return err
	}
	b.part("The ladder in batches and streams", t)
	return nil
}

// climbMixes folds up the plan's workloads of several operation types.
func (b *builder) climbMixes() error {
	t, err := b.climb("The plan's workloads of several operation types, each type with clients of its own; counted apart. ", func(l stats.Ladder) bool {
		return l.Op() == ""
	})
	if err != nil || len(t.rows) == 0 {
		return err
	}
	b.printf("### The ladder in mixes\n\n<details><summary>Every operation type of %s</summary>\n\n%s</details>\n\n", plural(len(t.rows), "row"), t.markdown(b.Run.Questions, "mixes"))
	return nil
}

// climb has a row per ladder that keep accepts, operation type and phase.
func (b *builder) climb(what string, keep func(stats.Ladder) bool) (*table, error) {
	t := &table{caption: what + climbCaption, head: climbHead()}
	for _, l := range b.Run.Ladders() {
		if !keep(l) {
			continue
		}
		for _, op := range l.Ops() {
			for i := range l.Rows {
				if err := b.climbRow(t, l, i, op); err != nil {
					return nil, err
				}
			}
		}
	}
	return t, nil
}

func (b *builder) climbRow(t *table, l stats.Ladder, i int, op string) error {
	c, m := l.Rows[i].Cell, stats.Throughput(op)
	ratio, err := against(c, l.Baseline(), m)
	if err != nil {
		return err
	}
	var step stats.Comparison
	if i > 0 {
		if step, err = against(c, l.Rows[i-1].Cell, m); err != nil {
			return err
		}
	}
	lat, err := latency(c, op)
	if err != nil {
		return err
	}
	failed, all := failures(c)
	t.row(l.Store(), l.Load(), fmt.Sprint(c.Clients()), l.Options["disk"], stats.PhaseName(l.Phases[i]), op, presence(c), spread(over(c, m))).
		ratio(ratio).ratio(step).
		text(millis(lat, 50), millis(lat, 99), millis(lat, 99.9),
			median(over(c, stats.Scale(stats.CPUShare(b.Run.Manifest.Env.CPUs), 100))), median(over(c, stats.Scale(stats.PeakRSS, 1e-6))),
			fmt.Sprintf("%s of %s", format.Count(failed), format.Count(all)))
	t.warn("`"+c.ID+"`", b.Run.Warnings(c, m)...)
	return nil
}

// layerProducts compares the product of what the layers bring alone with what they
// bring together.
func (b *builder) layerProducts() error {
	t := table{
		caption: "Put throughput, closed loop. Product: of the ratios that each layer makes alone against the baseline. Together: all layers against the baseline. The last column is together / product: 1 if layers multiply, below 1 they stand in each other's way, above 1 they help each other. " + ratioLegend + " The plan multiplies five layers to 122, and expects 25 to 30 in practice (M2).",
		head:    []column{text("layers"), text("engine"), text("workload"), num("clients"), text("disk"), num("n"), num("product"), num("together"), num("together / product")},
	}
	for _, s := range b.study {
		p, _, err := multiply(s, singles(s.All()), puts)
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		t.row(layerNames(s), s.Store(), s.Load(), fmt.Sprint(s.Clients()), s.Options["disk"], fmt.Sprint(p.Total.N)).
			ratio(comparison(p.Product)).ratio(comparison(p.Total)).ratio(comparison(p.Residual))
	}
	b.part("Do the layers multiply?", &t)
	return nil
}

// layerNames are the factors of a stratum whose factors are layers.
func layerNames(s *stats.Stratum) string {
	var names []string
	for _, f := range s.Factors {
		names = append(names, f.ID)
	}
	return strings.Join(names, ", ")
}

// ladderFigures draws the ladders of puts by engine and disk, beside the plan's
// target, and how the layers share the gain.
func ladderFigures(r *stats.Run) ([]*plots.Figure, error) {
	var figs []*plots.Figure
	for _, disk := range []string{"native", "1ms", "plan"} {
		for _, id := range []string{"T1", "T2"} {
			target, _ := claims.ByID(id)
			curves := climbCurves(r, target.Engine, disk)
			if len(curves) == 0 {
				continue
			}
			f, err := plots.Phases(plots.CurvesText{
				Name:   fmt.Sprintf("ladder-%s-%s", target.Engine, disk),
				Title:  fmt.Sprintf("The ladder: puts, %s engine, %s disk, n=%d", target.Engine, disk, r.Manifest.Blocks),
				YLabel: "puts per second",
				Caption: fmt.Sprintf("Throughput of puts from the plan's baseline to phase 3, each phase in full on top of the one before, by workload, and the plan's target (%s): medians with the range of the blocks. Closed loop, %s engine, %s disk, n=%d blocks.",
					id, target.Engine, disk, r.Manifest.Blocks),
			}, append(curves, targetCurve(target)))
			if err != nil {
				return nil, err
			}
			figs = append(figs, f)
		}
	}
	layers, err := layerFigures(r)
	return append(figs, layers...), err
}

// climbCurves has a curve per ladder of puts on an engine and a disk.
func climbCurves(r *stats.Run, engine, disk string) []plots.Curve {
	var curves []plots.Curve
	for _, l := range r.Ladders() {
		if l.Options["engine"] != engine || l.Options["disk"] != disk || !l.WritesOnly() {
			continue
		}
		curve := plots.Curve{Name: fmt.Sprintf("%s (%s)", l.Load(), clients(l.Clients()))}
		for i, row := range l.Rows {
			curve.Add(float64(l.Phases[i]), stats.Over(row.Cell, stats.Throughput(record.OpPut)))
		}
		curves = append(curves, curve)
	}
	return curves
}

// targetCurve is what the plan wants of its baseline and of each phase.
func targetCurve(c claims.Claim) plots.Curve {
	curve := plots.Curve{Name: "the plan's target " + c.ID}
	for phase, name := range []string{claims.Baseline, "phase1", "phase2", "phase3"} {
		if q, ok := c.Quantity(name); ok && q.Min != nil {
			curve.Points = append(curve.Points, plots.CurvePoint{X: float64(phase), Y: *q.Min, Lo: *q.Min, Hi: *q.Min})
		}
	}
	return curve
}

// layerFigures are those of a stratum for each factorial of layers.
func layerFigures(r *stats.Run) ([]*plots.Figure, error) {
	factors, err := r.Factors()
	if err != nil {
		return nil, err
	}
	var figs []*plots.Figure
	for _, s := range r.Study(factors) {
		for _, draw := range []func(*stats.Stratum) (*plots.Figure, error){plots.Throughput, plots.Waterfall, plots.Interactions} {
			f, err := draw(s)
			if errors.Is(err, plots.ErrNoData) {
				continue
			}
			if err != nil {
				return nil, err
			}
			figs = append(figs, f)
		}
	}
	return figs, nil
}
