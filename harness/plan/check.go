package plan

import (
	"cmp"
	"slices"
	"strings"

	"metastorebench/harness/fraction"
	"metastorebench/harness/workload"
)

// Targets of a cell.
const (
	TargetStore    = "metastore" // a store that the trial starts
	TargetNoop     = "noop"      // the ceiling: a server that does nothing
	TargetEtcd     = "etcd"      // a peer: etcd v3.7, which the trial starts
	TargetExternal = "external"  // an endpoint of somebody else's
)

// maxFactors bounds a factorial to 1,024 points.
const maxFactors = 10

// maxBlocks bounds the repeats of a plan, far beyond what a week's run takes.
const maxBlocks = 10_000

// levelDefault is the level of a run that names none.
const levelDefault = "default"

// Levels are the accepted names of levels, least effort first.
var Levels = []string{"smoke", levelDefault, "full"}

// targets are the accepted targets with the axes that mean something to each;
// nil means all.
var targets = map[string][]string{
	TargetStore:    nil,
	TargetNoop:     {"rpc", AxisStall, AxisAPI, AxisConns, AxisClient},
	TargetEtcd:     {"rpc", AxisDisk, AxisAPI, AxisConns, AxisClient, AxisMembers, AxisContend}, // rpc: of the client alone
	TargetExternal: {AxisContend},
}

// check reports what a plan's parts say about each other and about the store.
func (p *Plan) check(f *faults, catalog Catalog) {
	p.checkSettings(f, catalog, p.baseline, false)
	p.checkSettings(f, catalog, p.full, true)
	seen := make(map[string]int)
	for _, fa := range p.factors {
		if first, twice := seen[fa.id]; twice {
			f.add(fa.line, "factor %q is named twice; first in line %d", fa.id, first)
		}
		seen[fa.id] = fa.line
		if fa.axis != "" && fa.value != "" {
			p.checkSettings(f, catalog, fa.settings(), true)
		}
		p.checkTied(f, fa)
	}
	if len(p.factors) > maxFactors {
		f.add(p.factors[maxFactors].line, "%d factors; accepted: up to %d (a factorial has 2^k points)", len(p.factors), maxFactors)
		p.factors = p.factors[:maxFactors]
	}
	for _, l := range p.workloads {
		if l.broken {
			continue
		}
		for _, err := range workload.Validate(p.written(l.Workload)) {
			f.add(l.line, "%v", err)
		}
	}
	names := make(map[string]int)
	for _, g := range p.groups {
		if first, twice := names[g.name]; twice {
			f.add(g.line, "group %q is named twice; first in line %d", g.name, first)
		}
		names[g.name] = g.line
		p.checkGroup(f, catalog, g)
	}
	for _, name := range p.levelNames {
		p.checkLevel(f, name, p.levels[name])
	}
	p.checkAsked(f)
	if f.none() {
		p.checkCells(f)
	}
	if f.none() {
		p.checkCellsOf(f)
	}
}

// checkTied reports axes that a factor moves beside its own and that it cannot:
// nothing else may move them, or no cell would have the factor off or on.
func (p *Plan) checkTied(f *faults, fa factor) {
	for _, s := range fa.with {
		for _, other := range p.factors {
			if other.axis == s.axis || other.id != fa.id && slices.ContainsFunc(other.with, func(o setting) bool { return o.axis == s.axis }) {
				f.add(s.line, "factor %s: axis %s is moved by factor %s too", fa.id, s.axis, other.id)
			}
		}
	}
}

// checkSettings checks values against the catalog and, if known is set, against
// the baseline, which must name every axis that the plan uses.
func (p *Plan) checkSettings(f *faults, catalog Catalog, ss []setting, known bool) {
	for _, s := range ss {
		if text := catalog.check(s.axis, s.value); text != "" {
			f.add(s.line, "%s", text)
		} else if known && !p.hasBaseline(s.axis) {
			f.add(s.line, "axis %s has no value in the plan's baseline", s.axis)
		}
	}
}

func (p *Plan) hasBaseline(axis string) bool {
	return slices.ContainsFunc(p.baseline, func(s setting) bool { return s.axis == axis })
}

func (p *Plan) checkGroup(f *faults, catalog Catalog, g group) {
	for _, id := range g.factors {
		if !slices.ContainsFunc(p.factors, func(fa factor) bool { return fa.id == id.name }) {
			f.add(id.line, "group %s: unknown factor %q; accepted: %s", g.name, id.name, cmp.Or(p.factorNames(), "none"))
		}
	}
	p.checkDesigns(f, g, g.designs)
	for _, w := range g.workloads {
		if !slices.ContainsFunc(p.workloads, func(l load) bool { return l.Name == w.name }) {
			f.add(w.line, "group %s: unknown workload %q; accepted: %s", g.name, w.name, p.workloadNames())
		}
	}
	var used []setting
	used = append(used, g.set...)
	for _, v := range g.vary {
		for _, value := range v.values {
			used = append(used, setting{v.axis, value.name, value.line})
		}
		if i := slices.IndexFunc(g.set, func(s setting) bool { return s.axis == v.axis }); i >= 0 {
			f.add(v.line, "group %s: axis %s is varied, and set in line %d", g.name, v.axis, g.set[i].line)
		}
	}
	for _, cell := range g.cells {
		used = append(used, cell...)
	}
	p.checkSettings(f, catalog, used, true)

	axes, ok := targets[g.target]
	if !ok {
		f.add(g.line, "group %s: unknown target %q; accepted: %s, %s, %s, %s", g.name, g.target, TargetStore, TargetNoop, TargetEtcd, TargetExternal)
	}
	for _, s := range used {
		if s.axis == AxisStall && g.target == TargetStore {
			f.add(s.line, "group %s: axis %s means nothing to target %s", g.name, s.axis, g.target)
		}
		if axes != nil && !slices.Contains(axes, s.axis) {
			f.add(s.line, "group %s: axis %s means nothing to target %s; accepted: %s",
				g.name, s.axis, g.target, cmp.Or(strings.Join(axes, ", "), "none"))
		}
	}
}

// checkDesigns checks design names and what each needs.
func (p *Plan) checkDesigns(f *faults, g group, designs []named) {
	factors := p.factorsOf(g)
	for _, d := range designs {
		if designFuncs[d.name] == nil {
			f.add(d.line, "group %s: unknown design %q; accepted: %s", g.name, d.name, strings.Join(Designs(), ", "))
			continue
		}
		switch {
		case d.name == "list" && len(g.cells) == 0:
			f.add(d.line, "group %s: design list needs cells", g.name)
		case d.name == "ends" && len(p.full) == 0:
			f.add(d.line, `group %s: design ends needs the plan's "full"`, g.name)
		case resolutions[d.name] > 0 && len(factors) < fraction.MinFactors:
			f.add(d.line, "group %s: design %s needs %d or more factors, and there are %d: their %d settings are few enough for design %s, which aliases nothing",
				g.name, d.name, fraction.MinFactors, len(factors), 1<<len(factors), designFactorial)
		case slices.Contains([]string{designFactorial, "corners", "ladder"}, d.name) && len(factors) == 0:
			f.add(d.line, "group %s: design %s needs the plan's factors", g.name, d.name)
		}
		if g.target != TargetStore && d.name != "fixed" {
			f.add(d.line, "group %s: design %s means nothing to target %s; accepted: fixed", g.name, d.name, g.target)
		}
		for _, axis := range p.designAxes(g, d.name) {
			if i := slices.IndexFunc(g.set, func(s setting) bool { return s.axis == axis }); i >= 0 {
				f.add(g.set[i].line, "group %s: axis %s is set, and varied by design %s", g.name, axis, d.name)
			}
			if i := slices.IndexFunc(g.vary, func(v variation) bool { return v.axis == axis }); i >= 0 {
				f.add(g.vary[i].line, "group %s: axis %s is varied twice, by vary and by design %s", g.name, axis, d.name)
			}
		}
	}
}

func (p *Plan) checkLevel(f *faults, name string, l level) {
	if !slices.Contains(Levels, name) {
		f.add(l.line, "unknown level %q; accepted: %s", name, strings.Join(Levels, ", "))
	}
	for _, o := range l.groups {
		i := slices.IndexFunc(p.groups, func(g group) bool { return g.name == o.group })
		if i < 0 {
			f.add(o.line, "level %s: unknown group %q; accepted: %s", name, o.group, p.groupNames())
			continue
		}
		p.checkDesigns(f, p.groups[i], o.designs)
		p.checkNarrower(f, name, p.groups[i], o)
	}
}

// checkNarrower reports what a level asks of a group that the group does not have: a
// level leaves out, and adds nothing.
func (p *Plan) checkNarrower(f *faults, level string, g group, o override) {
	for _, w := range o.workloads {
		if !slices.ContainsFunc(g.workloads, func(have named) bool { return have.name == w.name }) {
			f.add(w.line, "level %s: group %s has no workload %q; accepted: %s", level, g.name, w.name, namesOf(g.workloads))
		}
	}
	for _, v := range o.vary {
		i := slices.IndexFunc(g.vary, func(have variation) bool { return have.axis == v.axis })
		if i < 0 {
			f.add(v.line, "level %s: group %s does not vary axis %q", level, g.name, v.axis)
			continue
		}
		for _, value := range v.values {
			if !slices.ContainsFunc(g.vary[i].values, func(have named) bool { return have.name == value.name }) {
				f.add(value.line, "level %s: group %s does not vary %s to %q; accepted: %s", level, g.name, v.axis, value.name, namesOf(g.vary[i].values))
			}
		}
	}
}

// namesOf lists names for a message.
func namesOf(ns []named) string {
	return strings.Join(mapSlice(ns, func(n named) string { return n.name }), ", ")
}

// checkCells reports cells that would share an id, at any level, and workloads
// that their cells make invalid.
func (p *Plan) checkCells(f *faults) {
	reported := make(map[string]bool)
	for _, name := range p.levelNames {
		first := make(map[string]string)
		for _, g := range p.levelGroups(p.levels[name]) {
			for _, e := range p.expandGroup(g) {
				if other, twice := first[e.Cell.ID]; twice {
					f.add(g.line, "level %s: cell %q is in group %s and again in group %s", name, e.Cell.ID, other, g.name)
					continue
				}
				first[e.Cell.ID] = g.name
				if text := cmp.Or(checkEntry(e), checkPeer(e)); text != "" && !reported[text] {
					reported[text] = true
					f.add(g.line, "group %s: %s", g.name, text)
				}
			}
		}
		if len(first) == 0 {
			f.add(p.levels[name].line, "level %s omits every group", name)
		}
	}
}

func (p *Plan) workloadNames() string {
	names := make([]string, len(p.workloads))
	for i, l := range p.workloads {
		names[i] = l.Name
	}
	return strings.Join(names, ", ")
}

func (p *Plan) factorNames() string {
	return strings.Join(mapSlice(p.factors, func(fa factor) string { return fa.id }), ", ")
}

func (p *Plan) groupNames() string {
	names := make([]string, len(p.groups))
	for i, g := range p.groups {
		names[i] = g.name
	}
	return strings.Join(names, ", ")
}
