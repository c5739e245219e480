package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/harness/workload"
)

// Properties are what selectors know of a cell beside items and rung: its options, its
// group, workload and target, and its load. ops are its operation types; w is the load
// in effect, of an unmeasured cell the zero one.
func Properties(c record.Cell, w record.Workload, ops []string) map[string]string {
	all := map[string]string{
		PropGroup: c.Group, PropWorkload: c.Workload, PropTarget: c.Target, PropOps: strings.Join(ops, "+"), PropMix: mixText(w, ops),
		"loop": w.Loop, "distribution": w.Distribution, AxisAPI: w.API,
		"rate": strconv.FormatFloat(w.OfferedOpsPerSecond, 'f', -1, 64),
	}
	if all[AxisClient] = w.Client; w.Client == "" && w.API != workload.APIHTTP { // before there was a choice
		all[AxisClient] = record.ClientGRPC
	}
	if w.API == workload.APIGRPC { // as the axis calls it
		all[AxisAPI] = apiUnary
	}
	for name, v := range map[string]int{
		"clients": w.Clients, "conns": w.Conns, "value_bytes": w.ValueBytes, "key_bytes": w.KeyBytes, "keys": w.Keys,
		"batch_ops": max(1, w.BatchOps),
	} {
		all[name] = strconv.Itoa(v)
	}
	maps.Copy(all, defaultOptions)
	maps.Copy(all, c.Options)
	return all
}

// mixText names operation types with their shares in percent: "put:get 5:95".
func mixText(w record.Workload, ops []string) string {
	if len(ops) < 2 {
		return strings.Join(ops, "")
	}
	shares := mapSlice(ops, func(op string) string { return fmt.Sprintf("%.3g", 100*w.Mix[op]) })
	return strings.Join(ops, ":") + " " + strings.Join(shares, ":")
}

// site is a cell of the plan as selectors see it.
type site struct {
	id         string
	properties map[string]string
	// on are the items that are switched on, all those of the cell's stratum; nil for a
	// cell that the items do not reach.
	on, all []string
}

func (s *site) has(property, value string) bool {
	if property == PropItems {
		return s.all != nil && HasItems(value, s.on, s.all)
	}
	return s.properties[property] == value
}

// sites are the cells of the plan's largest level.
type sites struct {
	cells []*site
	// axes are those that options name, ofItems those that an item switches.
	axes    []string
	ofItems map[string]bool
}

// largest is the plan at the level that has most cells, the first of several; nil for a
// plan without levels.
func (p *Plan) largest() *Matrix {
	var most *Matrix
	for _, name := range p.levelNames {
		if m, err := p.Expand(name); err == nil && (most == nil || len(m.Entries) > len(most.Entries)) {
			most = m
		}
	}
	return most
}

// sites finds the properties of the cells of m.
func (p *Plan) sites(m *Matrix) (sites, error) {
	s := sites{ofItems: map[string]bool{}}
	byID, axes := map[string]*site{}, map[string]bool{}
	for _, e := range m.Entries {
		at := &site{id: e.Cell.ID, properties: Properties(e.Cell, e.Workload, opsOf(e.Workload))}
		byID[at.id] = at
		s.cells = append(s.cells, at)
		for axis := range e.Cell.Options {
			axes[axis] = true
		}
	}
	s.axes = slices.Sorted(maps.Keys(axes))
	run, err := stats.NewRun(record.Manifest{Cells: m.Cells(), PlanYAML: string(p.Text)}, nil)
	if err != nil {
		return s, err
	}
	factors, err := run.Factors()
	if err != nil {
		return s, err
	}
	for _, f := range factors {
		for _, axis := range f.Axes() {
			s.ofItems[axis] = true
		}
	}
	if len(factors) > 0 {
		s.readItems(byID, run.Strata(factors))
	}
	for _, at := range s.cells {
		at.properties[PropRung] = p.rungOf(at)
	}
	return s, nil
}

func (s *sites) readItems(byID map[string]*site, strata []*stats.Stratum) {
	for _, st := range strata {
		for _, row := range st.Rows {
			at := byID[row.Cell.ID]
			at.on, at.all = []string{}, []string{}
			for i, f := range st.Factors {
				at.all = append(at.all, f.ID)
				if row.Setting.Has(i) {
					at.on = append(at.on, f.ID)
				}
			}
		}
	}
}

// rungOf names the first rung that the cell is on, "" if it is on none.
func (p *Plan) rungOf(at *site) string {
	for _, r := range p.asked.Rungs {
		if r.Where.Matches(at.has) {
			return r.Name
		}
	}
	return ""
}

// opsOf are the operation types of a load in the order in which records list them.
func opsOf(w record.Workload) []string {
	return slices.DeleteFunc([]string{record.OpPut, record.OpGet, record.OpRange, record.OpDelete}, func(op string) bool { return w.Mix[op] == 0 })
}

// selected are the cells that a selector means.
func (s *sites) selected(sel Selector) []*site {
	return slices.DeleteFunc(slices.Clone(s.cells), func(at *site) bool { return !sel.Matches(at.has) })
}

// references are the cells that at may be compared with; see View.Against.
func (s *sites) references(at *site, against Selector, same []string) []*site {
	if len(same) == 0 {
		same = Identity(s.axes, s.ofItems, against)
	}
	return slices.DeleteFunc(s.selected(against), func(q *site) bool {
		return q == at || slices.ContainsFunc(same, func(name string) bool { return q.properties[name] != at.properties[name] })
	})
}

// Identity are the properties that make a cell what it is, without those that against
// names: its group, workload and target, and the axes of its options; those of items are
// named by the items.
func Identity(axes []string, ofItems map[string]bool, against Selector) []string {
	names := append([]string{PropGroup, PropWorkload, PropTarget}, axes...)
	return slices.DeleteFunc(names, func(name string) bool {
		_, given := against[name]
		_, items := against[PropItems]
		return given || items && ofItems[name]
	})
}

// checkAsked reports what the plan's questions name and nobody knows.
func (p *Plan) checkAsked(f *faults) {
	known := p.knownProperties()
	for _, u := range p.uses {
		if u.value == "" && bears(u.from, p.Name) && !slices.Contains(known, u.property) {
			u.f.add(u.line, "%s: unknown property %q; accepted: %s", u.what, u.property, strings.Join(known, ", "))
		}
	}
	if all := p.asked.Claims; len(all) > 0 && f.inner != nil && !slices.ContainsFunc(all, func(c Claim) bool { return bears(c.From, p.Name) }) {
		f.add(p.claimsFrom.line, "claims: none of %s is from plan %s", p.claimsFrom.name, p.Name)
	}
	for _, v := range p.asked.Views {
		switch {
		case len(p.asked.Claims) == 0 && v.Kind == "ledger":
			f.add(v.Line, "view ledger: the plan has no claims")
		case len(p.asked.Rungs) == 0 && v.Kind == "ladder":
			f.add(v.Line, "view ladder: the plan has no rungs")
		case len(p.factors) == 0 && (v.Kind == "effects" || v.Kind == "attribution"):
			f.add(v.Line, "view %s: the plan has no factors", v.Kind)
		}
	}
}

// knownProperties are those that selectors can name in this plan.
func (p *Plan) knownProperties() []string {
	known := []string{PropGroup, PropWorkload, PropTarget, PropDurability, PropOps, PropOperation}
	if len(p.factors) > 0 {
		known = append(known, PropItems)
	}
	if len(p.asked.Rungs) > 0 {
		known = append(known, PropRung)
	}
	known = append(known, loadProperties...)
	for _, s := range p.baseline {
		known = append(known, s.axis)
	}
	known = append(known, slices.Sorted(maps.Keys(defaultOptions))...)
	slices.Sort(known)
	return slices.Compact(known)
}

// checkCellsOf reports what the questions select and no cell is, and what is compared
// with two cells at once, at the plan's largest level.
func (p *Plan) checkCellsOf(f *faults) {
	m := p.largest()
	s, err := p.sites(m)
	if err != nil {
		f.add(1, "%v", err)
		return
	}
	c := contrasts{sites: &s, level: m.Level}
	for _, u := range p.uses {
		if u.value != "" && len(u.from) == 0 {
			c.value(u)
		}
	}
	for _, r := range p.asked.Rungs {
		if len(s.selected(r.Where)) == 0 {
			f.add(r.Line, "rung %q matches no cell of level %s", r.Name, m.Level)
		}
	}
	for _, v := range p.asked.Views {
		c.check(f, v.Line, "view "+v.ID, Contrast{Where: v.Where, Against: v.Against, Same: v.Same}, false)
	}
	for _, claim := range p.asked.Claims {
		if bears(claim.From, p.Name) {
			p.checkClaim(f, c, claim)
		}
	}
}

// checkClaim checks the contrasts of a claim. One of a file serves several plans: of its
// goals, one has to be about cells of this plan.
func (p *Plan) checkClaim(f *faults, c contrasts, claim Claim) {
	shared, at, matched := f.inner != nil && len(claim.From) > 0, f, false
	if f.inner != nil {
		at = f.inner
	}
	for _, g := range claim.Goals {
		what := "claim " + claim.ID
		if g.Name != "" {
			what += ", goal " + g.Name
		}
		matched = matched || len(c.selected(g.Where)) > 0
		c.check(at, g.Line, what, g.Contrast, shared)
	}
	if shared && !matched {
		at.add(claim.Line, "claim %s is from plan %s, and matches no cell of its level %s", claim.ID, p.Name, c.level)
	}
}

// contrasts checks comparisons among cells.
type contrasts struct {
	*sites
	level string
}

// value reports a value that no cell has.
func (c contrasts) value(u use) {
	value := strings.TrimPrefix(u.value, "!")
	if u.property == PropDurability || slices.ContainsFunc(c.cells, func(at *site) bool { return at.has(u.property, value) }) {
		return
	}
	have := map[string]bool{}
	for _, at := range c.cells {
		if v := at.properties[u.property]; v != "" {
			have[v] = true
		}
		for _, item := range at.all {
			have[item] = have[item] || u.property == PropItems
		}
	}
	maps.DeleteFunc(have, func(_ string, there bool) bool { return !there })
	u.f.add(u.line, "%s: no cell of level %s has %q; accepted: %s", u.what, c.level, value,
		cmp.Or(strings.Join(slices.Sorted(maps.Keys(have)), ", "), "nothing"))
}

// check reports a contrast that selects nothing, unless it may, or compares one cell
// with two.
func (c contrasts) check(f *faults, line int, what string, t Contrast, may bool) {
	if slices.Contains(slices.Concat(t.Where.Names(), t.Against.Names()), PropDurability) {
		return // which only records tell
	}
	cells := c.selected(t.Where)
	if len(cells) == 0 && !may {
		f.add(line, "%s: where matches no cell of level %s", what, c.level)
	}
	if len(cells) == 0 || len(t.Against) == 0 {
		return
	}
	compared := false
	for _, at := range cells {
		refs := c.references(at, t.Against, t.Same)
		compared = compared || len(refs) > 0
		if len(refs) > 1 {
			f.add(line, "%s: %s has two cells to be compared with, %s and %s: name more properties in against, or in same", what, at.id, refs[0].id, refs[1].id)
			return
		}
	}
	if !compared && !may {
		f.add(line, "%s: no cell of where has one to be compared with that against selects", what)
	}
}
