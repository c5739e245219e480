package facts

import (
	"cmp"
	_ "embed"
	"slices"
	"strings"

	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

const (
	// familyAnswer is the family of ratios that only the answer asks for.
	familyAnswer = "answer"
	// mainMetric is what the answer is about.
	mainMetric = "throughput"
	// propDisk is the property whose values each have an answer of their own: what a
	// write costs is first of all what a sync costs.
	propDisk = plan.AxisDisk
	// untraced is the value of plan.AxisStageSample without a trace.
	untraced = "0"
	// mostNamed is how many items an answer names as those that made the change.
	mostNamed = 3
)

// answer is what a run's few lines are made of.
type answer struct {
	op      string
	items   []end     // of each disk: all items against none
	rungs   []end     // of the environment nearest to the claims': the last rung against the first
	extreme *extremes // of a run with neither
}

// end is the comparison of the two ends of a plan in one environment.
type end struct {
	Name, Detail    string // "plan disk", "put50, memory"
	From, To, Ratio int
	Steps           []step
	ends            ends
}

// step is what lies between the ends: an item, or the step from a rung to the next.
type step struct {
	Name, Below string
	Ratio       int
	id          string // of an item
}

// extremes are the fastest and the slowest cell.
type extremes struct {
	Op, Workload     string
	Slowest, Fastest extreme
	Against          string // what the fastest is compared with
}

type extreme struct {
	Name         string
	Level, Ratio int
	Bound        stats.Resource
}

// askAnswer finds what the answer is about and asks for its ratios.
func (b *builder) askAnswer() (*answer, error) {
	a := &answer{}
	rungs := b.rungEnds()
	slices.SortStableFunc(rungs, func(x, y ends) int { return b.nearest(x.top, y.top) })
	var err error
	if a.items, err = b.askEnds(a, b.oneOfEach(b.itemEnds())); err != nil {
		return nil, err
	}
	if a.rungs, err = b.askEnds(a, rungs[:min(1, len(rungs))]); err != nil {
		return nil, err
	}
	if len(a.items)+len(a.rungs) == 0 && b.run.Manifest.Level != levelSmoke {
		a.extreme, err = b.askExtremes()
	}
	return a, err
}

// ends are two cells, with the pairs of cells that lie between.
type ends struct {
	top, bottom *place
	between     []between
}

type between struct {
	name, below, id string
	top, bottom     *place
}

// rungEnds are the last rung of each place that a plan's ladder climbs against the first,
// with all steps between, where there are two or more. Where two cells are on one rung of
// a place, the plan has a ladder of its own kind, and there is no answer here.
func (b *builder) rungEnds() (found []ends) {
	climbs, _, err := b.climbs(plan.View{Where: plan.Selector{plan.AxisStageSample: {untraced}, "loop": {record.LoopClosed}}})
	if err != nil {
		return nil
	}
	for _, c := range climbs {
		n := len(c.rungs)
		if n < 3 || n < len(b.asked.Rungs) {
			continue
		}
		e := ends{top: c.rungs[n-1], bottom: c.rungs[0]}
		for i := 1; i < n; i++ {
			top, bottom := c.rungs[i], c.rungs[i-1]
			e.between = append(e.between, between{name: top.properties[propRung], below: bottom.properties[propRung], top: top, bottom: bottom})
		}
		found = append(found, e)
	}
	return found
}

// itemEnds are all items against none, with each alone.
func (b *builder) itemEnds() (found []ends) {
	for _, top := range b.places {
		if top.stratum == nil || top.setting != top.stratum.All() || top.setting == 0 || !top.comparable() {
			continue
		}
		e := ends{top: top, bottom: b.inStratum(top.stratum, 0)}
		if e.bottom == nil || !e.bottom.cell.Measured() {
			continue
		}
		for i, f := range top.stratum.Factors {
			if alone := b.inStratum(top.stratum, 1<<i); alone != nil && alone.cell.Measured() {
				e.between = append(e.between, between{name: itemTitle(f), id: f.ID, top: alone, bottom: e.bottom})
			}
		}
		found = append(found, e)
	}
	return found
}

// comparable reports whether a cell's speed is what its options make of it: its clients
// wait for their answers, and nothing traces its stages.
func (p *place) comparable() bool {
	return p.cell.Measured() && p.cell.Load().Loop == record.LoopClosed && p.properties[plan.AxisStageSample] == untraced
}

func (b *builder) inStratum(s *stats.Stratum, set stats.Setting) *place {
	for _, p := range b.places {
		if p.stratum == s && p.setting == set {
			return p
		}
	}
	return nil
}

// oneOfEach are the ends of one environment for each disk: the one with most items, the
// nearest to what the plan's claims are about, one that was attributed, and that with
// most clients.
func (b *builder) oneOfEach(all []ends) []ends {
	slices.SortStableFunc(all, func(x, y ends) int {
		return cmp.Or(cmp.Compare(len(y.between), len(x.between)), b.nearest(x.top, y.top), cmp.Compare(b.credits(y), b.credits(x)), cmp.Compare(y.top.cell.Clients(), x.top.cell.Clients()))
	})
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(e ends) bool {
		disk := e.top.properties[propDisk]
		defer func() { seen[disk] = true }()
		return seen[disk]
	})
}

// nearest orders places as the first claim that has a preference does.
func (b *builder) nearest(x, y *place) int {
	for _, c := range b.asked.Claims {
		for _, g := range c.Goals {
			if len(g.Prefer) > 0 {
				return preferred(g, x, y)
			}
		}
	}
	return 0
}

// askEnds asks for the facts of comparisons; those that share no block are left out.
func (b *builder) askEnds(a *answer, found []ends) ([]end, error) {
	var asked []end
	m := metric.Must(mainMetric)
	for _, e := range found {
		a.op = cmp.Or(a.op, e.top.cell.Ops()[0])
		made := end{ends: e, Name: e.top.environmentText([]string{propDisk}), Detail: e.top.environmentText([]string{propWorkload, plan.AxisEngine})}
		var err error
		if made.Ratio, err = b.ratio(e.top, e.bottom, m, a.op, familyAnswer); err != nil {
			return nil, err
		}
		if made.Ratio == 0 {
			continue
		}
		if made.From, err = b.level(e.bottom, m, a.op); err != nil {
			return nil, err
		}
		if made.To, err = b.level(e.top, m, a.op); err != nil {
			return nil, err
		}
		if made.Steps, err = b.askSteps(e, m, a.op); err != nil {
			return nil, err
		}
		asked = append(asked, made)
	}
	return asked, nil
}

// askSteps asks for what each step makes: of an item that the plan's views attribute,
// that share of the whole, and otherwise what it makes alone.
func (b *builder) askSteps(e ends, m metric.Metric, op string) (steps []step, err error) {
	for _, s := range e.between {
		made := step{Name: s.name, Below: s.below, id: s.id}
		if made.Ratio, _ = b.credit(e, s.id, m, op); made.Ratio == 0 {
			if made.Ratio, err = b.ratio(s.top, s.bottom, m, op, familyAnswer); err != nil {
				return nil, err
			}
		}
		if made.Ratio != 0 {
			steps = append(steps, made)
		}
	}
	return steps, nil
}

// credits counts the items of which a view says what they have of the whole.
func (b *builder) credits(e ends) (n int) {
	m := metric.Must(mainMetric)
	for _, s := range e.between {
		if ratio, _ := b.credit(e, s.id, m, e.top.cell.Ops()[0]); ratio != 0 {
			n++
		}
	}
	return n
}

// credit looks in the plan's attributions for what an item makes between two ends, and
// for its share of the whole; 0 without.
func (b *builder) credit(e ends, item string, m metric.Metric, op string) (ratio, share int) {
	for _, v := range b.doc.Views {
		for _, t := range v.Tables {
			column := t.column(colShapley)
			if column < 0 {
				column = t.column(colAverage)
			}
			if column < 0 || item == "" {
				continue
			}
			for _, r := range t.Rows {
				f := b.fact(r.Cells[column].Fact)
				if f == nil || r.Key != item && !strings.HasSuffix(r.Key, ", "+item) || f.Metric != m.Name || f.Op != op ||
					!slices.Contains(f.Cells, e.top.index) || !slices.Contains(f.Cells, e.bottom.index) {
					continue
				}
				if i := t.column(colShare); i >= 0 {
					share = r.Cells[i].Fact
				}
				return f.ID, share
			}
		}
	}
	return 0, 0
}

// column is the place of a column by its key; -1 without.
func (t Table) column(key string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Key == key })
}

// askExtremes finds the fastest and the slowest cell, and asks what the fastest is
// beside what the plan's views compare it with. Workloads and tiers of durability are
// not ranked together: it is about those that most cells have.
func (b *builder) askExtremes() (*extremes, error) {
	m := metric.Must(mainMetric)
	places := b.largestClass()
	if len(places) == 0 {
		return nil, nil
	}
	op := places[0].cell.Ops()[0]
	names := b.telling(places)
	x := &extremes{Op: op, Workload: places[0].cell.Workload}
	for _, p := range places {
		id, err := b.level(p, m, op)
		if err != nil {
			return nil, err
		}
		e := extreme{Name: p.environmentText(names), Level: id, Bound: b.run.BoundOf(p.cell).Resource}
		if x.Slowest.Level == 0 || b.fact(id).Value < b.fact(x.Slowest.Level).Value {
			x.Slowest = e
		}
		if x.Fastest.Level != 0 && b.fact(id).Value <= b.fact(x.Fastest.Level).Value {
			continue
		}
		x.Fastest = e
		if x.Fastest.Ratio, x.Against, err = b.besideBaseline(p, m, op); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// largestClass are the cells of the workload and the tier that most cells have; of
// several, that with most clients.
func (b *builder) largestClass() []*place {
	var order []string
	classes := map[string][]*place{}
	for _, p := range b.places {
		if !p.comparable() || len(p.cell.Ops()) == 0 {
			continue
		}
		key := p.cell.Workload + "\x00" + p.cell.Durability
		if classes[key] == nil {
			order = append(order, key)
		}
		classes[key] = append(classes[key], p)
	}
	if len(order) == 0 {
		return nil
	}
	return classes[slices.MaxFunc(order, func(x, y string) int {
		return cmp.Or(cmp.Compare(len(classes[x]), len(classes[y])), cmp.Compare(classes[x][0].cell.Clients(), classes[y][0].cell.Clients()))
	})]
}

// besideBaseline is the ratio to the cell that the first view with a comparison has.
func (b *builder) besideBaseline(p *place, m metric.Metric, op string) (ratio int, against string, err error) {
	for _, v := range b.asked.Views {
		if len(v.Against) == 0 {
			continue
		}
		ref, err := b.reference(p, v.Against, v.Same)
		if err != nil {
			return 0, "", err
		}
		ratio, err = b.ratio(p, ref, m, op, familyAnswer)
		return ratio, selectorText(v.Against), err
	}
	return 0, "", nil
}
