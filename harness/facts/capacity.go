package facts

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"metastorebench/harness/capacity"
	"metastorebench/harness/format"
	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
)

// capacityView follows the decisions of a capacity study from its records: the highest
// rate of each variant that meets the objective, and latency at loads that follow from
// it. The run's plan is the study's specification.
func (b *builder) capacityView(v plan.View) (View, error) {
	spec, err := capacity.DecodeSpec([]byte(b.run.Manifest.PlanYAML))
	if err != nil {
		return View{}, fmt.Errorf("no records of a capacity study: %w", err)
	}
	study, err := capacity.NewStudy(spec)
	if err != nil {
		return View{}, err
	}
	for _, t := range b.run.Recorded {
		if err := study.Tell(t); err != nil {
			return View{}, err
		}
	}
	common, own, err := b.loadTables(study)
	if err != nil {
		return View{}, err
	}
	made := View{Tables: []Table{b.capacities(study).Table, common.Table, own.Table}}
	made.Figures, err = b.loadFigures(v, study)
	return made, err
}

func objectives(s capacity.Spec) string {
	names := make([]string, len(s.Objectives))
	for i, o := range s.Objectives {
		names[i] = o.String()
	}
	return strings.Join(names, " and ")
}

// capacities has a row for each variant.
func (b *builder) capacities(study *capacity.Study) *table {
	s := study.Spec
	t := newTable("capacities", fmt.Sprintf("Highest offered rate of puts with %s of the response time. Each rate was decided by the majority of %d trials; the search ended when the lowest rate that missed the objective was within %s %% of the highest that met it, which is the capacity. Ratio: to the first variant's capacity; in parentheses what the two brackets leave open, which is no interval, because the noise between runs is not in it. A void trial has no place in a table of latencies, but one that was saturated has missed the objective, and one whose generator was late has made response times longer, never shorter: both counted as votes on their rate. Open loop, Poisson arrivals.",
		objectives(s), s.Repeats, format.Number(100*s.Resolution)),
		textColumn("variant"), textColumn("options"), Column{Key: "capacity", Title: "capacity (met), puts/s"}, Column{Key: "not_met", Title: "not met, puts/s"},
		Column{Key: "capacity_ratio", Title: "ratio"}, Column{Key: "trials", Title: "trials"}, Column{Key: "remark", Title: "remark", Text: true})
	outcomes := study.Outcomes()
	for i, o := range outcomes {
		ratio := word("1")
		if i > 0 {
			ratio = b.bracketRatio(o, outcomes[0])
		}
		t.add(o.Variant, word(o.Variant), word(ownOptions(s, i)), b.rate(o.Met, o.Trials), b.rate(o.NotMet, o.Trials), ratio, word(format.Count(int64(o.Trials))), word(remark(o)))
	}
	return t
}

// rate is a rate that the search decided; n/a for 0.
func (b *builder) rate(v float64, trials int) Value {
	if v == 0 {
		return known(0)
	}
	return known(b.add(&Fact{Kind: Level, Unit: "ops/s", Value: Number(v), N: trials, Text: format.Number(v)}))
}

// bracketRatio is o over base with the range that the brackets allow.
func (b *builder) bracketRatio(o, base capacity.Outcome) Value {
	if o.Met == 0 || base.Met == 0 {
		return known(0)
	}
	f := &Fact{Kind: Ratio, Value: Number(o.Met / base.Met), N: 1, Text: format.Number(o.Met / base.Met)}
	if o.NotMet != 0 && base.NotMet != 0 {
		f.Min, f.Max = number(o.Met/base.NotMet), number(o.NotMet/base.Met)
		f.Text = fmt.Sprintf("%s (%s to %s)", f.Text, format.Number(o.Met/base.NotMet), format.Number(o.NotMet/base.Met))
	}
	return known(b.add(f))
}

// ownOptions are a variant's values on the axes in which variants differ.
func ownOptions(s capacity.Spec, i int) string {
	var parts []string
	for _, axis := range slices.Sorted(maps.Keys(s.Variants[i].Options)) {
		for _, other := range s.Variants {
			if other.Options[axis] != s.Variants[i].Options[axis] {
				parts = append(parts, axis+"="+s.Variants[i].Options[axis])
				break
			}
		}
	}
	return strings.Join(parts, ", ")
}

func remark(o capacity.Outcome) string {
	switch {
	case !o.Done:
		return "the search was interrupted"
	case o.Met == 0 && o.Limit == "":
		return "no rate met the objective"
	case o.Met == 0:
		return o.Limit
	}
	if why := o.AtLeast(); why != "" {
		return "at least: " + why
	}
	return ""
}

// load is a point of a study's comparison.
type load struct {
	capacity.Ask
	*place
}

// loads are the measured points of a variant's comparison.
func (b *builder) loads(study *capacity.Study, variant int) []load {
	var found []load
	for _, ask := range study.Loads(variant) {
		id := study.Spec.Cell(ask).ID
		for _, p := range b.places {
			if p.cell.ID == id && p.cell.Measured() {
				found = append(found, load{ask, p})
			}
		}
	}
	return found
}

// loadTables show latency at one common rate, and at shares of each variant's own
// capacity.
func (b *builder) loadTables(study *capacity.Study) (common, own *table, err error) {
	named := map[*place][]Value{}
	var at [2][]*place
	for i, variant := range study.Spec.Variants {
		for _, l := range b.loads(study, i) {
			k := 0
			if l.Load != capacity.LoadCommon {
				k = 1
			}
			at[k] = append(at[k], l.place)
			named[l.place] = []Value{word(variant.Name), word(l.Load)}
		}
	}
	rows := []string{"variant", "load"}
	label := func(p *place) []Value { return append([]Value(nil), named[p]...) }
	common, err = b.openTable("common", fmt.Sprintf("Puts at %s a second, %s %% of the smallest capacity, offered to every variant. ", format.Number(study.CommonRate()), format.Number(100*capacity.CommonShare))+openCaption,
		at[0], nil, rows, label)
	if err != nil {
		return nil, nil, err
	}
	own, err = b.openTable("own", "Puts at shares of each variant's own capacity. "+openCaption, at[1], nil, rows, label)
	return common, own, err
}

// loadFigures draw latency against load, a figure for each percentile that the objective
// bounds and the registry has.
func (b *builder) loadFigures(v plan.View, study *capacity.Study) ([]Figure, error) {
	var figs []Figure
	for _, o := range study.Spec.Objectives {
		m, err := metric.ByName("response_" + o.Name())
		if err != nil {
			continue
		}
		fig, err := b.loadFigure(study, m)
		if err != nil {
			return nil, err
		}
		if len(fig.Series) == 0 {
			continue
		}
		fig.ID = b.figureID(slug(v.ID + " " + m.Name))
		fig.Series = append(fig.Series, limitLine("objective "+o.String(), fig.Series, o.Limit.Seconds()*1e3))
		figs = append(figs, fig)
	}
	return figs, nil
}

// loadFigure has a series for each variant.
func (b *builder) loadFigure(study *capacity.Study, m metric.Metric) (Figure, error) {
	var n counts
	beyond := 0
	fig := Figure{Kind: FigureLines, Title: capital(m.Heading()) + ", by offered load", X: Scale{Label: "offered, puts/s"}, Y: Scale{Label: m.Heading()}}
	for i, outcome := range study.Outcomes() {
		s := Series{Name: fmt.Sprintf("%s, capacity %s/s", outcome.Variant, format.Number(outcome.Met))}
		for _, l := range b.loads(study, i) {
			id, err := b.level(l.place, m, record.OpPut)
			if err != nil {
				return fig, err
			}
			switch f := b.fact(id); {
			case l.Load == capacity.LoadCommon || f == nil:
			case float64(f.Value) >= record.Infinite/1e6:
				beyond++
			default:
				n.add(f.N)
				s.Points = append(s.Points, Point{X: Number(l.Rate), Fact: id})
			}
		}
		if len(s.Points) > 0 {
			fig.Series = append(fig.Series, s)
		}
	}
	fig.X.Log = spans(fig.Series, func(p Point) Number { return p.X })
	fig.Caption = "At shares of each variant's own capacity, open loop. Percentile of the blocks' merged histograms, with the interval of the blocks' own. " + n.text() + beyondText(beyond)
	return fig, nil
}

// limitLine is a level across a figure.
func limitLine(name string, series []Series, y float64) Series {
	from, to := series[0].Points[0].X, series[0].Points[0].X
	for _, s := range series {
		for _, p := range s.Points {
			from, to = min(from, p.X), max(to, p.X)
		}
	}
	return Series{Name: name, Style: StyleLimit, Points: []Point{{X: from, Y: Number(y)}, {X: to, Y: Number(y)}}}
}
