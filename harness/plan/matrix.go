package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"metastorebench/harness/record"
)

// TrialOverhead is what a trial takes beside warm-up and measuring: starting,
// checking and stopping. It is an estimate, used only for the planned time: the
// mean of 36 smoke trials was 90 ms, and longer trials leave more to check.
const TrialOverhead = 120 * time.Millisecond

// PreloadTime is what one preloaded key adds to a trial, its check at the end
// included: an estimate, used only for the planned time. Keys of 8 bytes with
// values of 256 took 10 to 15 us each, engine by engine.
const PreloadTime = 12 * time.Microsecond

// ClusterOverhead is what a cluster of several members adds to a trial: its first
// election, and the comparison of its members at the end. An estimate, used only
// for the planned time: the mean of twelve trials of 3 and 5 members.
const ClusterOverhead = 1300 * time.Millisecond

// Entry is one cell with all that its trials need.
type Entry struct {
	Cell     record.Cell
	Workload record.Workload
	Warmup   time.Duration
	Measure  time.Duration
}

// TrialTime estimates how long one trial of the entry takes.
func (e Entry) TrialTime() time.Duration {
	t := e.Warmup + e.Measure + TrialOverhead + time.Duration(e.Workload.PreloadKeys)*PreloadTime
	if n := e.Cell.Options[AxisMembers]; n != "" && n != oneMember {
		t += ClusterOverhead
	}
	return t
}

// Matrix is a plan expanded at one level.
type Matrix struct {
	Plan    *Plan
	Level   string
	Blocks  int // repeats of every entry
	Entries []Entry
}

// DefaultLevel is the level of a run that names none: "default" or, of a plan with one
// level, that; "" if there is neither.
func (p *Plan) DefaultLevel() string {
	if _, ok := p.levels[levelDefault]; ok {
		return levelDefault
	}
	if len(p.levelNames) == 1 {
		return p.levelNames[0]
	}
	return ""
}

// Expand multiplies the plan out at a level, DefaultLevel if it is "".
func (p *Plan) Expand(levelName string) (*Matrix, error) {
	levelName = cmp.Or(levelName, p.DefaultLevel())
	if levelName == "" {
		return nil, fmt.Errorf("plan %s: %w: it has no level %q, so one has to be named; accepted: %s", p.Name, ErrUnknownLevel, levelDefault, strings.Join(p.levelNames, ", "))
	}
	l, ok := p.levels[levelName]
	if !ok {
		return nil, fmt.Errorf("plan %s: %w %q; accepted: %s", p.Name, ErrUnknownLevel, levelName, strings.Join(p.levelNames, ", "))
	}
	m := &Matrix{Plan: p, Level: levelName, Blocks: l.blocks}
	for _, g := range p.levelGroups(l) {
		o := l.override(g.name)
		for _, e := range p.expandGroup(g) {
			e.Warmup, e.Measure = l.warmup, l.measure
			if o.warmup > 0 {
				e.Warmup = o.warmup
			}
			if o.measure > 0 {
				e.Measure = o.measure
			}
			m.Entries = append(m.Entries, e)
		}
	}
	return m, nil
}

// LevelNames returns the plan's levels in the file's order.
func (p *Plan) LevelNames() []string { return slices.Clone(p.levelNames) }

// levelGroups returns the groups as a level wants them.
func (p *Plan) levelGroups(l level) []group {
	var groups []group
	for _, g := range p.groups {
		o := l.override(g.name)
		if o.omit {
			continue
		}
		if len(o.designs) > 0 {
			g.designs = o.designs
		}
		if len(o.workloads) > 0 {
			g.workloads = o.workloads
		}
		g.vary = o.narrow(g.vary)
		groups = append(groups, g)
	}
	return groups
}

// narrow are the variations of a group with the values that the level wants of them.
func (o override) narrow(all []variation) []variation {
	all = slices.Clone(all)
	for i, v := range all {
		if k := slices.IndexFunc(o.vary, func(w variation) bool { return w.axis == v.axis }); k >= 0 {
			all[i].values = o.vary[k].values
		}
	}
	return all
}

func (l level) override(group string) override {
	i := slices.IndexFunc(l.groups, func(o override) bool { return o.group == group })
	if i < 0 {
		return override{}
	}
	return l.groups[i]
}

// expandGroup returns a group's cells, without times: the designs' points,
// crossed with the varied axes and with the workloads.
func (p *Plan) expandGroup(g group) []Entry {
	points := p.designPoints(g)
	for _, v := range g.vary {
		var crossed []point
		for _, value := range v.values {
			for _, pt := range points {
				next := maps.Clone(pt)
				next[v.axis] = value.name
				crossed = append(crossed, next)
			}
		}
		points = crossed
	}
	shown := p.shownAxes(g)
	var entries []Entry
	for _, w := range g.workloads {
		i := slices.IndexFunc(p.workloads, func(l load) bool { return l.Name == w.name })
		for _, pt := range points {
			options := p.base(g)
			maps.Copy(options, pt)
			cell := newCell(g, w.name, options, shown)
			entries = append(entries, Entry{Cell: cell, Workload: effective(p.workloads[i].Workload, cell.Options)})
		}
	}
	return entries
}

// designPoints is the union of the group's designs, each point once.
func (p *Plan) designPoints(g group) []point {
	var points []point
	for _, d := range g.designs {
		for _, pt := range designFuncs[d.name](p, g) {
			if !slices.ContainsFunc(points, func(have point) bool { return maps.Equal(have, pt) }) {
				points = append(points, pt)
			}
		}
	}
	return points
}

// prefixAxes stand in front of a cell's id, if anywhere.
var prefixAxes = []string{AxisEngine, AxisMembers, AxisLinkDelay, AxisDisk, AxisStageSample}

// shownAxes are the axes that a group varies at any level, in the baseline's
// order: what its cells' ids name beside prefixAxes.
func (p *Plan) shownAxes(g group) []string {
	varied := make(map[string]bool)
	for _, v := range g.vary {
		varied[v.axis] = true
	}
	designs := slices.Clone(g.designs)
	for _, l := range p.levels {
		designs = append(designs, l.override(g.name).designs...)
	}
	for _, d := range designs {
		for _, axis := range p.designAxes(g, d.name) {
			varied[axis] = true
		}
	}
	var shown []string
	for _, s := range p.baseline {
		if varied[s.axis] && !slices.Contains(prefixAxes, s.axis) {
			shown = append(shown, s.axis)
		}
	}
	return shown
}

// newCell names a cell and keeps the options that mean something to its target.
func newCell(g group, workload string, options map[string]string, shown []string) record.Cell {
	if axes := targets[g.target]; axes != nil {
		maps.DeleteFunc(options, func(axis, _ string) bool { return !slices.Contains(axes, axis) })
	}
	parts := []string{g.target}
	if g.target == TargetStore {
		parts[0] = options[AxisEngine]
	}
	if n := options[AxisMembers]; n != "" && n != oneMember {
		parts = append(parts, AxisMembers+"="+n)
	}
	if g.target == TargetStore {
		if delay := options[AxisLinkDelay]; delay != "" && delay != noDelay {
			parts = append(parts, AxisLinkDelay+"="+delay)
		}
		if disk := options[AxisDisk]; disk != "" && disk != diskNative {
			parts = append(parts, AxisDisk+"="+disk)
		}
		if every := options[AxisStageSample]; every != "" && every != stageOff {
			parts = append(parts, AxisStageSample+"="+every)
		}
	}
	parts = append(parts, workload)
	if len(shown) > 0 {
		parts = append(parts, strings.Join(mapSlice(shown, func(axis string) string { return axis + "=" + options[axis] }), ","))
	}
	return record.Cell{ID: strings.Join(parts, "/"), Group: g.name, Workload: workload, Target: g.target, Options: options}
}

// Cells returns the cells in the plan's order.
func (m *Matrix) Cells() []record.Cell {
	return mapSlice(m.Entries, func(e Entry) record.Cell { return e.Cell })
}

// Workloads returns the workloads of the entries, each once for each API that its
// cells use, in the plan's order.
func (m *Matrix) Workloads() []record.Workload {
	var ws []record.Workload
	type sent struct{ name, api string }
	seen := make(map[sent]bool)
	for _, e := range m.Entries {
		if s := (sent{e.Workload.Name, e.Workload.API}); !seen[s] {
			seen[s] = true
			ws = append(ws, e.Workload)
		}
	}
	return ws
}

// Planned estimates how long all trials take, TrialOverhead included.
func (m *Matrix) Planned() time.Duration {
	var sum time.Duration
	for _, e := range m.Entries {
		sum += e.TrialTime()
	}
	return sum * time.Duration(m.Blocks)
}

// Hash identifies what would be measured: cells, workloads, times and blocks,
// in the schedule's terms. Titles and comments do not matter.
func (m *Matrix) Hash() string {
	b, err := json.Marshal(struct {
		Plan, Level string
		Blocks      int
		Entries     []Entry
	}{m.Plan.Name, m.Level, m.Blocks, m.Entries})
	if err != nil {
		panic(fmt.Sprintf("plan: a matrix of plain data does not encode: %v", err))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
