package gate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"metastorebench/harness/record"
)

// Pair are two arms to compare, with the gates to compare them in.
type Pair struct {
	Old, New string
	Gates    []Gate
	// Want is the verdict that a self-test must come to; "" for a comparison of
	// revisions or of layouts.
	Want Verdict
	// tests is the number of gates among which Alpha is divided.
	tests int
}

// Pairs returns what a run compares: base and head, base and its other layout, and
// the self-tests.
func (r Rules) Pairs() []Pair {
	n := len(r.Gates)
	pairs := []Pair{
		{Old: record.ArmBase, New: record.ArmHead, Gates: r.Gates, tests: n},
		{Old: record.ArmBase, New: record.ArmPlacebo, Gates: r.Gates, tests: n},
	}
	if r.power {
		pairs = append(pairs, Pair{Old: record.ArmBase, New: record.ArmRelaid, Gates: r.Gates, tests: n})
	} else {
		pairs = append(pairs, Pair{Old: record.ArmHead, New: record.ArmAgain, Gates: r.Gates, Want: Pass, tests: n})
	}
	for _, p := range r.Plants {
		g := r.Gates[r.find(p.Metric, p.Load)]
		pairs = append(pairs, Pair{Old: record.ArmHead, New: p.arm(), Gates: []Gate{g}, Want: Regressed, tests: n})
	}
	return pairs
}

// Study follows a run: it takes trials as they end and says what is still to be
// measured. One goroutine owns it.
type Study struct {
	rules   Rules
	pairs   []Pair
	planned int
	lost    bool                      // head has lost counters
	trials  map[place][]*record.Trial // by block; nil where there is none
	blocks  map[string]int            // complete blocks, by load
	decided map[string]decided        // by new arm and gate
}

// place is where trials are filed.
type place struct{ load, arm string }

// NewStudy returns a Study of a run of so many planned blocks; lost says that head
// has lost counters.
func NewStudy(r Rules, planned int, lost bool) *Study {
	return &Study{rules: r, pairs: r.Pairs(), planned: planned, lost: lost, trials: make(map[place][]*record.Trial), blocks: make(map[string]int), decided: make(map[string]decided)}
}

// Needs reports whether a load has to be run on an arm in its next block: some
// gate that needs it is undecided, and blocks are left. Base's other layout runs as
// long as base does: what it says by itself makes no run longer.
func (s *Study) Needs(load, arm string) bool {
	if s.blocks[load] >= s.planned {
		return false
	}
	if arm == record.ArmPlacebo {
		arm = record.ArmBase
	}
	for _, p := range s.pairs {
		if p.Old != arm && p.New != arm || p.New == record.ArmPlacebo {
			continue
		}
		for _, g := range p.Gates {
			if g.Load == load && s.Decide(p, g).Verdict == Undecided {
				return true
			}
		}
	}
	return false
}

// Tell takes note of a trial, whose cell must name its arm.
func (s *Study) Tell(t *record.Trial, arm string) {
	if t.Void != "" {
		return
	}
	at := place{t.Workload.Name, arm}
	for len(s.trials[at]) <= t.Block {
		s.trials[at] = append(s.trials[at], nil)
	}
	s.trials[at][t.Block] = t
}

// EndBlock says that the load's next block is complete.
func (s *Study) EndBlock(load string) { s.blocks[load]++ }

// Decide returns what a gate of a pair has come to so far.
func (s *Study) Decide(p Pair, g Gate) Decision {
	key := p.New + "/" + g.Name()
	if known, ok := s.decided[key]; ok && (known.blocks == s.blocks[g.Load] || known.Verdict != Undecided) {
		return known.Decision
	}
	losses, layout := s.evidence(p, g)
	d := s.rules.Decide(g, losses, layout, p.tests, s.planned)
	if d.N == 0 && s.untold(p, g) {
		d.Verdict = Untold
	}
	s.decided[key] = decided{s.blocks[g.Load], d}
	return d
}

// decided is a decision with the number of blocks that it was made of.
type decided struct {
	blocks int
	Decision
}

// untold reports whether a gate has no value because a side lacks its counter, which
// may be: base, or head with a loss that is accepted. Block 0 says so.
func (s *Study) untold(p Pair, g Gate) bool {
	lacks := func(arm string) bool {
		trials := s.trials[place{g.Load, arm}]
		if len(trials) == 0 || trials[0] == nil {
			return false
		}
		_, ok := g.Of(trials[0])
		return !ok
	}
	return p.Old == record.ArmBase && lacks(p.Old) && !lacks(p.New) || s.lost && lacks(p.New)
}

// evidence are the losses of the complete blocks. Those of a time against base are
// against both of its layouts, their geometric mean, of which layout has the losses
// of the other against the usual one; else it is nil.
func (s *Study) evidence(p Pair, g Gate) (losses, layout Losses) {
	losses = s.losses(p, g)
	if p.Old != record.ArmBase || p.New == record.ArmPlacebo || g.Metric.Steady || len(s.trials[place{g.Load, record.ArmPlacebo}]) == 0 {
		return losses, nil
	}
	layout = s.losses(Pair{Old: record.ArmBase, New: record.ArmPlacebo}, g)
	for b := range losses {
		losses[b] -= layout[b] / 2
	}
	return losses, layout
}

// losses are those of an arm against another.
func (s *Study) losses(p Pair, g Gate) Losses {
	losses := make(Losses, s.blocks[g.Load])
	for b := range losses {
		losses[b] = math.NaN()
		x, okX := s.value(place{g.Load, p.Old}, b, g)
		y, okY := s.value(place{g.Load, p.New}, b, g)
		if okX && okY {
			losses[b] = g.loss(x, y)
		}
	}
	return losses
}

// value is a gate's metric in a block of an arm. A time that others disturbed is
// none.
func (s *Study) value(at place, block int, g Gate) (float64, bool) {
	trials := s.trials[at]
	if block >= len(trials) || trials[block] == nil || !g.Metric.Steady && disturbed(trials[block]) {
		return 0, false
	}
	return g.Of(trials[block])
}

// maxOthers is the share of the machine's CPU time that others may take of a trial
// before its times are left out. On the machine of the reference runs, alone, it is
// below in 99.9 % of the trials.
const maxOthers = 0.15

// disturbed reports whether others had too much of the machine: other processes, or
// the hypervisor for other machines.
func disturbed(t *record.Trial) bool {
	m := t.Machine
	if m == nil {
		return false
	}
	others := m.UserSeconds + m.SystemSeconds - processCPU(t.Store) - processCPU(t.Client) + m.StealSeconds
	return others > maxOthers*(m.UserSeconds+m.SystemSeconds+m.IdleSeconds+m.IOWaitSeconds+m.StealSeconds)
}

func processCPU(p record.Process) float64 { return p.CPUUserSeconds + p.CPUSystemSeconds }

// disturbances counts a load's complete blocks in which others disturbed a trial of
// base or head, if a gate of the load is of a time, and all its blocks.
func (s *Study) disturbances(load string) (disturbances, blocks int) {
	if !slices.ContainsFunc(s.rules.Gates, func(g Gate) bool { return g.Load == load && !g.Metric.Steady }) {
		return 0, 0
	}
	for b := range s.blocks[load] {
		for _, arm := range []string{record.ArmBase, record.ArmHead} {
			if trials := s.trials[place{load, arm}]; b < len(trials) && trials[b] != nil && disturbed(trials[b]) {
				disturbances++
				break
			}
		}
	}
	return disturbances, s.blocks[load]
}

// Replay returns the Study of a run that has been recorded, with the rules that it
// was decided by. stored, if not nil, has the trials that stand in for arm base.
// Errors wrap ErrRecords or ErrRules.
func Replay(run record.Run, stored *record.Run) (*Study, error) {
	m := run.Manifest
	if m.Gate == nil {
		return nil, fmt.Errorf("%w: %s was made by plan %s", ErrRecords, run.Dir, m.Plan)
	}
	if m.Gate.Rule != Rule {
		return nil, fmt.Errorf("%w: %s was stopped by version %d of the rule; accepted: %d, for another one may want blocks that were not run; run it again", ErrRecords, run.Dir, m.Gate.Rule, Rule)
	}
	rules, err := ParseRules([]byte(m.Gate.Rules))
	if err != nil {
		return nil, err
	}
	if m.Gate.Power {
		rules = rules.ForPower().Planted(m.Gate.Arms)
	}
	arms := make(map[string]string, len(m.Cells))
	var loads []string
	for _, c := range m.Cells {
		arm := c.Options[record.OptionArm]
		if m.Gate.Arm(arm) == nil {
			return nil, fmt.Errorf("%w: cell %s is of arm %q, which the run does not have", ErrRecords, c.ID, arm)
		}
		arms[c.ID] = arm
		if !slices.Contains(loads, c.Workload) {
			loads = append(loads, c.Workload)
		}
	}
	if rules, err = rules.Narrow(loads, m.Gate.SteadyOnly); err != nil {
		return nil, err
	}
	s := NewStudy(rules, m.Blocks, len(m.Gate.Lost) > 0)
	if stored != nil {
		s.TellBaseline(stored)
	}
	last := make(map[string]int)
	for i := range run.Trials {
		t := &run.Trials[i]
		arm, ok := arms[t.Cell]
		if !ok {
			return nil, fmt.Errorf("%w: a trial of cell %s, which the manifest does not list", ErrRecords, t.Cell)
		}
		s.Tell(t, arm)
		last[t.Workload.Name] = max(last[t.Workload.Name], t.Block+1)
	}
	for load, n := range last {
		s.blocks[load] = n
	}
	return s, nil
}

// TellBaseline takes the trials of a stored run's head for those of base.
func (s *Study) TellBaseline(stored *record.Run) {
	for i := range stored.Trials {
		if strings.HasSuffix(stored.Trials[i].Cell, ArmSuffix(record.ArmHead)) {
			s.Tell(&stored.Trials[i], record.ArmBase)
		}
	}
}

// ArmSuffix ends the ids of an arm's cells.
func ArmSuffix(arm string) string { return "/" + record.OptionArm + "=" + arm }
