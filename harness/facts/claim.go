package facts

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
)

// claimFamily is the family of the ratios that the claims of a topic ask for in one
// environment: what the items bring there is one question. Noise differs from one disk or
// workload to another, and a family shares its variance.
func claimFamily(topic string, p *place) string {
	return strings.TrimSpace("claims "+topic) + ": " + p.label([]string{propGroup, propWorkload, plan.AxisEngine, plan.AxisDisk})
}

// claims asks for all that the plan's claims need, and judges them when the families
// are: before all else that waits, because ledgers show the verdicts.
func (b *builder) claims() error {
	asked := make([]claimAsked, len(b.asked.Claims))
	for i, c := range b.asked.Claims {
		b.topic = c.Topic
		asked[i].Claim = c
		for _, g := range c.Goals {
			goal, err := b.askGoal(g)
			if err != nil {
				return fmt.Errorf("claim %s%s: %w", c.ID, dotted(g.Name), err)
			}
			asked[i].goals = append(asked[i].goals, goal)
		}
	}
	names := b.environmentNames(asked)
	b.later = slices.Insert(b.later, 0, func() error {
		for _, c := range asked {
			b.doc.Claims = append(b.doc.Claims, b.judgeClaim(c, names))
		}
		return nil
	})
	return nil
}

// claimAsked is a claim with what was asked for it, goal by goal.
type claimAsked struct {
	plan.Claim
	goals []goalAsked
}

// goalAsked is a goal with its environments, the headline first, or why it has none.
type goalAsked struct {
	plan.ClaimGoal
	metric  metric.Metric
	at      []environment
	missing string
	skipped bool // the cells could not run here
}

// environment is a place where a goal is judged, with the facts that decide.
type environment struct {
	place    *place
	op       string
	measured int    // the ratio, level or share that is judged
	change   int    // of RuleReach and RuleArrive: the ratio to the reference
	changeOf string // what changed, if it is not what was measured
	others   []aside
	also     []aside
}

// aside is a ratio that a reason mentions; text is a contrast's name, or a sentence
// with one %s for the ratio.
type aside struct {
	text string
	fact int
}

// dotted is ".name", or "" without a name.
func dotted(name string) string {
	if name == "" {
		return ""
	}
	return "." + name
}

// askGoal finds the environments of a goal and asks for their facts.
func (b *builder) askGoal(g plan.ClaimGoal) (goalAsked, error) {
	m := metric.Must(g.Metric)
	asked := goalAsked{ClaimGoal: g, metric: m}
	places := b.selected(g.Where)
	asked.missing, asked.skipped = b.missing(places, g, m)
	if b.run.Manifest.Level == levelSmoke {
		return asked, nil
	}
	for _, p := range places {
		e, err := b.askAt(p, g, m)
		if err != nil {
			return goalAsked{}, err
		}
		if e != nil {
			asked.at = append(asked.at, *e)
		}
	}
	slices.SortStableFunc(asked.at, func(x, y environment) int { return preferred(g, x.place, y.place) })
	return asked, nil
}

// missing says why a goal has no environment, if it turns out to have none; skipped
// says that its cells could not run.
func (b *builder) missing(places []*place, g plan.ClaimGoal, m metric.Metric) (why string, skipped bool) {
	measured := func(p *place) bool { return p.cell.Measured() }
	skip := slices.IndexFunc(places, func(p *place) bool { return p.cell.SkipReason != "" })
	switch {
	case b.run.Manifest.Level == levelSmoke:
		return "a smoke run compares nothing", false
	case len(places) == 0:
		return "this run has no cells that bear on it", false
	case !slices.ContainsFunc(places, measured) && skip >= 0:
		return sentence(places[skip].cell.SkipReason), true
	case !slices.ContainsFunc(places, measured):
		return "none of its cells was measured", false
	case g.Rule == plan.RuleEffect || g.Rule == plan.RuleFaster || g.Rule == plan.RuleMost:
		return fmt.Sprintf("no block has %s of both %s and %s", m.Title, selectorText(g.Where), selectorText(g.Against)), false
	}
	return fmt.Sprintf("no cell of this run has it: %s (%s)", m.Title, m.Source), false
}

// preferred orders environments by how near they are to the claim's own.
func preferred(g plan.ClaimGoal, x, y *place) int {
	for _, sel := range g.Prefer {
		if order := first(x.matches(sel), y.matches(sel)); order != 0 {
			return order
		}
	}
	return cmp.Compare(y.number(g.Most), x.number(g.Most))
}

// first orders what is so before what is not.
func first(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return -1
	}
	return 1
}

// number is a property as one; 0 if it is none.
func (p *place) number(property string) float64 {
	v, err := strconv.ParseFloat(p.properties[property], 64)
	if err != nil {
		return 0
	}
	return v
}

// askAt asks for what decides a goal in one place; nil if the place does not have it.
func (b *builder) askAt(p *place, g plan.ClaimGoal, m metric.Metric) (*environment, error) {
	e := &environment{place: p, op: g.Op}
	if ops := p.cell.Ops(); m.PerOp && e.op == "" && len(ops) > 0 {
		e.op = ops[0]
	}
	ratio, err := b.contrast(p, g.Contrast, m, e.op)
	if err != nil {
		return nil, err
	}
	switch g.Rule {
	case plan.RuleEffect, plan.RuleFaster, plan.RuleMost:
		e.measured = ratio
	case plan.RuleShare:
		e.measured, err = b.shareOf(p, g, m, e.op)
	default:
		e.change = ratio
		e.measured, err = b.level(p, m, e.op)
	}
	uncounted := m.Summary == metric.Counted && len(p.cell.Recorded()) > 0
	if err != nil || e.measured == 0 && !uncounted {
		return nil, err
	}
	if e.change == 0 && m.Summary == metric.Merged && len(g.Against) > 0 {
		e.changeOf = fmt.Sprintf("its median; a block has too few operations for a %s", m.Title)
		if e.change, err = b.contrast(p, g.Contrast, medianLike(m), e.op); err != nil {
			return nil, err
		}
	}
	return e, b.askAside(e, g, m)
}

// medianLike is the 50th percentile of what m is one of.
func medianLike(m metric.Metric) metric.Metric {
	all := metric.All()
	return all[slices.IndexFunc(all, func(o metric.Metric) bool {
		return o.Summary == metric.Merged && o.Response == m.Response && o.Percentile == 50
	})]
}

// askAside asks for the ratios that the reason mentions.
func (b *builder) askAside(e *environment, g plan.ClaimGoal, m metric.Metric) error {
	for _, other := range g.Others {
		id, err := b.otherRatio(e, other, g.Contrast, m)
		if err != nil {
			return fmt.Errorf("others, %s: %w", other.Name, err)
		}
		e.others = append(e.others, aside{other.Name, id})
	}
	for _, also := range g.Also {
		of := m
		if also.Metric != "" {
			of = metric.Must(also.Metric)
		}
		id, err := b.alsoRatio(e, also.Contrast, of)
		if err != nil {
			return fmt.Errorf("also, %q: %w", also.Text, err)
		}
		if id != 0 {
			e.also = append(e.also, aside{also.Text, id})
		}
	}
	return nil
}

// otherRatio is the ratio of a contrast that has to stay below the goal's own.
func (b *builder) otherRatio(e *environment, other, own plan.Contrast, m metric.Metric) (int, error) {
	p, err := b.reference(e.place, other.Where, other.Same)
	if p == nil || err != nil {
		return 0, err
	}
	if len(other.Against) == 0 {
		other = own
	}
	ref, err := b.reference(e.place, other.Against, other.Same)
	if err != nil {
		return 0, err
	}
	return b.ratio(p, ref, m, e.op, claimFamily(b.topic, e.place))
}

// alsoRatio is the ratio of a contrast near a goal's place, or of that place.
func (b *builder) alsoRatio(e *environment, c plan.Contrast, m metric.Metric) (int, error) {
	p, op := e.place, e.op
	if len(c.Where) > 0 && !p.matches(c.Where) {
		q, err := b.reference(p, c.Where, c.Same)
		if q == nil || err != nil {
			return 0, err
		}
		p, c.Same = q, nil
	}
	if ops := p.cell.Ops(); !slices.Contains(ops, op) && len(ops) == 1 {
		op = ops[0]
	}
	return b.contrast(p, c, m, op)
}

// contrast is the ratio of a place to its reference; 0 if there is none.
func (b *builder) contrast(p *place, c plan.Contrast, m metric.Metric, op string) (int, error) {
	if len(c.Against) == 0 {
		return 0, nil
	}
	ref, err := b.reference(p, c.Against, c.Same)
	if err != nil {
		return 0, err
	}
	return b.ratio(p, ref, m, op, claimFamily(b.topic, p))
}

// shareOf is a share that surely holds Least and at most Metric: what a trace cuts is
// not what a claim speaks of. Its interval is from the one's lower bound to the other's
// upper.
func (b *builder) shareOf(p *place, g plan.ClaimGoal, m metric.Metric, op string) (int, error) {
	id, err := b.level(p, m, op)
	if id == 0 || err != nil {
		return 0, err
	}
	most := b.fact(id)
	e := most.estimateOf()
	e.Lo = 0
	if g.Least != "" {
		if id, err = b.level(p, metric.Must(g.Least), op); err != nil {
			return 0, err
		}
		e.Lo = b.fact(id).estimateOf().Lo
	}
	f := &Fact{Kind: Share, Metric: most.Metric, Op: most.Op, Unit: most.Unit, Cells: most.Cells, Blocks: most.Blocks}
	f.estimate(e)
	return b.add(f), nil
}

// environmentNames are the properties that tell the environments of each goal apart, as
// few as are needed. All claims have the same, so that a ledger speaks of one kind of
// place.
func (b *builder) environmentNames(asked []claimAsked) []string {
	var every []*place
	var goals [][]*place
	for _, c := range asked {
		for _, g := range c.goals {
			places := make([]*place, len(g.at))
			for i, e := range g.at {
				places[i] = e.place
			}
			every, goals = append(every, places...), append(goals, places)
		}
	}
	told := func(names []string) (n int) {
		for _, places := range goals {
			n += distinct(places, names)
		}
		return n
	}
	var names []string
	for _, name := range environmentFirst(b.telling(every)) {
		if told(append(slices.Clone(names), name)) > told(names) {
			names = append(names, name)
		}
	}
	return names
}

// environmentFirst puts what a place is ahead of what a store does there.
func environmentFirst(names []string) []string {
	place := []string{propWorkload, propTarget, plan.AxisEngine, plan.AxisMembers, plan.AxisLinkDelay, plan.AxisDisk}
	ahead := slices.DeleteFunc(place, func(name string) bool { return !slices.Contains(names, name) })
	return append(ahead, slices.DeleteFunc(names, func(name string) bool { return slices.Contains(ahead, name) })...)
}

// distinct counts the places that some properties tell apart.
func distinct(places []*place, names []string) int {
	labels := map[string]bool{}
	for _, p := range places {
		labels[p.label(names)] = true
	}
	return len(labels)
}

// telling are the properties in which places differ, without those that some of them do
// not have and the others share: a target's options say nothing beside another target.
func (b *builder) telling(places []*place) []string {
	return slices.DeleteFunc(b.differing(places), func(name string) bool {
		return len(slices.DeleteFunc(valuesOf(places, name), func(v string) bool { return v == "" })) < 2
	})
}
