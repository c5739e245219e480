package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"metastorebench/harness/capacity"
	"metastorebench/harness/format"
	"metastorebench/harness/stats"
	"metastorebench/plots"
)

// studyOf follows the decisions of a capacity run from its records alone.
func studyOf(r *stats.Run) (*capacity.Study, error) {
	spec, err := capacity.DecodeSpec([]byte(r.Manifest.PlanYAML))
	if err != nil {
		return nil, err
	}
	study, err := capacity.NewStudy(spec)
	if err != nil {
		return nil, err
	}
	for _, t := range r.Recorded {
		if err := study.Tell(t); err != nil {
			return nil, err
		}
	}
	return study, nil
}

func objectives(s capacity.Spec) string {
	names := make([]string, len(s.Objectives))
	for i, o := range s.Objectives {
		names[i] = o.String()
	}
	return strings.Join(names, " and ")
}

// capacity is the section of a capacity run.
func (b *builder) capacity() error {
	study, err := studyOf(b.Run)
	if err != nil {
		return err
	}
	b.capacities(study)
	if err := b.commonRate(study); err != nil {
		return err
	}
	return b.ownShares(study)
}

// capacities has one row per variant.
func (b *builder) capacities(study *capacity.Study) {
	s := study.Spec
	t := table{
		caption: fmt.Sprintf("Highest offered rate of puts with %s of the response time. Each rate was decided by the majority of %s; the search ended when the lowest rate that missed the objective was within %s %% of the highest that met it, which is the capacity. Ratio: of the capacities, to the first variant's; in parentheses what the two brackets leave open, which is no interval: the noise between runs is not in it. A void trial has no place in a table of latencies, but one that was saturated has missed the objective, and one whose generator was late has made response times longer, never shorter: both counted as votes on their rate. Open loop, Poisson arrivals; %s.",
			objectives(s), plural(s.Repeats, "trial"), format.Number(100*s.Resolution), workloadText(s.Workload)),
		head: []column{text("variant"), text("options"), num("capacity (met), puts/s"), num("not met, puts/s"), num("ratio"), num("trials"), text("remark")},
	}
	outcomes := study.Outcomes()
	for i, o := range outcomes {
		ratio := "1"
		if i > 0 {
			ratio = capacityRatio(o, outcomes[0])
		}
		t.add(o.Variant, differingOptions(s, i), perSecond(o.Met), perSecond(o.NotMet), ratio, fmt.Sprint(o.Trials), remark(o))
	}
	b.part("Capacity at "+objectives(s), &t)
}

func perSecond(v float64) string {
	if v == 0 {
		return none
	}
	return format.Number(v)
}

// differingOptions are a variant's values on the axes in which variants differ.
func differingOptions(s capacity.Spec, i int) string {
	var parts []string
	for _, axis := range sortedAxes(s.Variants) {
		for _, other := range s.Variants {
			if other.Options[axis] != s.Variants[i].Options[axis] {
				parts = append(parts, axis+"="+s.Variants[i].Options[axis])
				break
			}
		}
	}
	return strings.Join(parts, ", ")
}

// sortedAxes are the axes of all variants.
func sortedAxes(variants []capacity.Variant) []string {
	axes := map[string]bool{}
	for _, v := range variants {
		for axis := range v.Options {
			axes[axis] = true
		}
	}
	return slices.Sorted(maps.Keys(axes))
}

// capacityRatio is o over base with the range that the brackets allow.
func capacityRatio(o, base capacity.Outcome) string {
	if o.Met == 0 || base.Met == 0 {
		return none
	}
	ratio := format.Number(o.Met / base.Met)
	if o.NotMet == 0 || base.NotMet == 0 {
		return ratio
	}
	return fmt.Sprintf("%s (%s to %s)", ratio, format.Number(o.Met/base.NotMet), format.Number(o.NotMet/base.Met))
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

// commonRate compares all variants at one absolute rate.
func (b *builder) commonRate(study *capacity.Study) error {
	var cells []*stats.Cell
	for i := range study.Spec.Variants {
		for _, a := range study.Loads(i) {
			if c := b.Run.Cell(study.Spec.Cell(a).ID); a.Load == capacity.LoadCommon && c != nil {
				cells = append(cells, c)
			}
		}
	}
	t, err := openTable(cells)
	if err != nil {
		return err
	}
	t.caption = fmt.Sprintf("Puts at %s a second, %s %% of the smallest capacity, offered to every variant. ", format.Number(study.CommonRate()), format.Number(100*capacity.CommonShare)) + t.caption
	b.part("Latency at one common rate", t)
	return nil
}

// ownShares shows latency at shares of each variant's own capacity.
func (b *builder) ownShares(study *capacity.Study) error {
	var cells []*stats.Cell
	for i := range study.Spec.Variants {
		for _, a := range study.Loads(i) {
			if c := b.Run.Cell(study.Spec.Cell(a).ID); a.Load != capacity.LoadCommon && c != nil {
				cells = append(cells, c)
			}
		}
	}
	t, err := openTable(cells)
	if err != nil {
		return err
	}
	t.caption = "Puts at shares of each variant's own capacity (load=). " + t.caption
	b.part("Latency at shares of each variant's own capacity", t)
	return nil
}

// capacityFigures draws latency against load.
func capacityFigures(r *stats.Run) ([]*plots.Figure, error) {
	study, err := studyOf(r)
	if err != nil {
		return nil, err
	}
	var lines []plots.LoadLine
	blocks := 0
	for i, o := range study.Outcomes() {
		l := plots.LoadLine{Name: o.Variant, Capacity: o.Met}
		for _, a := range study.Loads(i) {
			if c := r.Cell(study.Spec.Cell(a).ID); a.Load != capacity.LoadCommon && c != nil && c.Measured() {
				l.Points = append(l.Points, plots.LoadPoint{Rate: a.Rate, Cell: c})
				blocks = max(blocks, len(c.Trials))
			}
		}
		lines = append(lines, l)
	}
	if blocks == 0 {
		return nil, nil
	}
	var limits []plots.Limit
	for _, o := range study.Spec.Objectives {
		limits = append(limits, plots.Limit{Name: o.Name() + " = " + o.Limit.Round(time.Microsecond).String(), NS: o.Limit.Nanoseconds()})
	}
	v := study.Spec.Variants[0].Options
	f, err := plots.LatencyByLoad("latency-by-load", fmt.Sprintf("%s engine, %s disk, n=%d blocks", v["engine"], v["disk"], blocks), lines, limits)
	if err != nil {
		return nil, err
	}
	return []*plots.Figure{f}, nil
}
