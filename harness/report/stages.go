package report

import (
	"fmt"

	"metastorebench/harness/claims"
	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/stats"
	"metastorebench/plots"
)

// planStages is the plan whose question is where writes spend their time.
const planStages = "stages"

// maxOverhead is what tracing may cost while it is on.
const maxOverhead = 0.02

func stageFigures(r *stats.Run) ([]*plots.Figure, error) {
	factors, err := r.Factors()
	if err != nil {
		return nil, err
	}
	return plots.TracedStages(r, factors)
}

// stageTables are the tables of the plan "stages".
func (b *builder) stageTables() error {
	if err := b.stages(); err != nil {
		return err
	}
	return b.tracingOverhead()
}

// stages prints where writes spend their time in each traced stratum, and the
// plan's layers beside it.
func (b *builder) stages() error {
	strata := b.Run.TracedStrata(b.factors)
	if len(strata) == 0 {
		return nil
	}
	b.printf("### Where a write spends its time\n\n")
	for _, s := range strata {
		t := stageTable(s)
		b.printf("#### %s\n\n%s", place(s), t.markdown(b.Run.Questions, place(s)))
	}
	if b.phase() == 1 { // the layers are of a write of the plan's own baseline
		b.part("The plan's layers of a baseline write", layerTable(strata))
	}
	return nil
}

// stageTable has a row per part of the service time and a column per cell.
func stageTable(s *stats.Stratum) *table {
	t := &table{
		caption: "Parts of the client's mean service time of puts, closed loop, in us per put, and their share of it: geometric means of the blocks' means with their 95 % interval. " +
			"Stages follow one another without gap; their sum was checked against the time in the store, measured apart, in every trial. The last part is what the client measured beside them.",
		head: []column{text("part")},
	}
	var parts []stats.Breakdown
	samples := []string{"puts traced"}
	service := []string{"service time"}
	for _, row := range s.Rows {
		bd, ok := stats.BreakdownOf(row.Cell)
		if !ok {
			t.note(s.Label(row.Setting) + ": " + presence(row.Cell))
			continue
		}
		parts = append(parts, bd)
		t.head = append(t.head, num(fmt.Sprintf("%s, us (n=%d)", s.Label(row.Setting), bd.Trials)), num("share"))
		samples = append(samples, fmt.Sprintf("%s, 1 in %d", format.Count(bd.Samples), bd.Every), "")
		service = append(service, interval(scaled(bd.Service, 1e-3)), "100 %")
		t.warn("", bd.Service.Warnings...)
	}
	t.add(samples...)
	for i := range parts[0].Parts {
		cells := []string{parts[0].Parts[i].Name}
		for _, bd := range parts {
			p := bd.Parts[i]
			cells = append(cells, interval(scaled(p.NS, 1e-3)), median(scaled(p.Share, 100))+" %")
		}
		t.add(cells...)
	}
	t.add(service...)
	return t
}

// layerTable puts the plan's B1 to B5 beside each traced baseline.
func layerTable(strata []*stats.Stratum) *table {
	t := &table{
		caption: "The plan's account of one baseline write against the traced baseline: time per put, and its share of the client's mean service time; medians of the blocks' means, [a, b] the 95 % interval. Closed loop. The plan's write is alone; with more clients a write also waits for others, which no layer of the plan has.",
		head: []column{text("claim"), text("layer"), text("predicted"), text("engine"), num("clients"), text("disk"), num("n"),
			num("time, us"), num("share, %"), text("measured by")},
	}
	for _, c := range claims.All() {
		if c.Kind != claims.KindLayer {
			continue
		}
		for _, s := range strata {
			base := s.Baseline()
			if base == nil {
				continue
			}
			bd, _ := stats.BreakdownOf(base)
			l, ok := bd.Layer(c.ID)
			if !ok {
				continue
			}
			t.add(c.ID, c.Title, c.Predicted, s.Options["engine"], fmt.Sprint(s.Clients()), s.Options["disk"], fmt.Sprint(l.NS.N),
				interval(scaled(l.NS, 1e-3)), interval(scaled(l.Share, 100)), l.What)
			t.warn("", l.NS.Warnings...)
		}
	}
	return t
}

// scaled is a summary in another unit.
func scaled(s stats.Summary, factor float64) stats.Summary {
	for _, v := range []*float64{&s.Median, &s.Min, &s.Max, &s.Value, &s.Lo, &s.Hi} {
		*v *= factor
	}
	return s
}

// tracingOverhead compares cells with the trace on and off.
func (b *builder) tracingOverhead() error {
	t := table{
		caption: fmt.Sprintf("The same variant with its stages traced and without, closed loop. On/off: per block, the geometric mean of the arms' ratios. b/a: the second arm without the trace against the first, which differ by noise alone. %s A cost of at most %.0f %% is shown if the interval of on/off does not reach beyond it.",
			ratioLegend, 100*maxOverhead),
		head: []column{text("variant"), text("workload"), text("traced"), text("quantity"), num("n"), num("on/off"), num("b/a"), text("at most 2 %")},
	}
	for _, o := range b.Run.Overheads() {
		for _, q := range []struct {
			name   string
			metric stats.Metric
			sign   int // of what a cost does to the quantity
		}{{"puts/s", puts, -1}, {"mean service time", stats.WriteTime, 1}, {"store CPU/op", stats.StoreCPU, 1}, {"allocated bytes/op", stats.AllocBytes, 1}} {
			on, err := o.Ratio(q.metric)
			if err != nil {
				return err
			}
			var noise stats.Comparison
			if len(o.Pairs) > 1 {
				if noise, err = against(o.Pairs[1].Off, o.Pairs[0].Off, q.metric); err != nil {
					return err
				}
			}
			t.row(b.variant(o.Variant), o.Pairs[0].On.Workload, "1 in "+o.Every, q.name, fmt.Sprint(on.N)).ratio(on).ratio(noise).
				text(overheadText(b.settled(on), q.sign))
		}
	}
	b.part("What tracing costs", &t)
	return nil
}

// variant names the options that tell variants apart.
func (b *builder) variant(options map[string]string) string {
	text := options["engine"]
	for _, f := range b.factors {
		text += " " + f.Axis + "=" + options[f.Axis]
	}
	return text
}

// overheadText judges a ratio on/off; sign is -1 if a cost makes it smaller.
func overheadText(c infer.Estimate, sign int) string {
	if !c.Interval {
		return "no interval"
	}
	least, most := c.Lo-1, c.Hi-1
	if sign < 0 {
		least, most = 1-c.Hi, 1-c.Lo
	}
	switch {
	case most <= maxOverhead:
		return "shown"
	case least > maxOverhead:
		return fmt.Sprintf("no: at least %s %%", format.Number(100*least))
	}
	return fmt.Sprintf("not resolved: up to %s %%", format.Number(100*most))
}
