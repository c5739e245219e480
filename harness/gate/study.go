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
	// Want is the verdict that a self-test must come to; "" for base and head.
	Want Verdict
	// tests is the number of gates among which Alpha is divided.
	tests int
}

// Pairs returns what a run compares: base and head, and the self-tests.
func (r Rules) Pairs() []Pair {
	n := len(r.Gates)
	pairs := []Pair{{Old: record.ArmBase, New: record.ArmHead, Gates: r.Gates, tests: n}}
	if !r.power {
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
}

// place is where trials are filed.
type place struct{ load, arm string }

// NewStudy returns a Study of a run of so many planned blocks; lost says that head
// has lost counters.
func NewStudy(r Rules, planned int, lost bool) *Study {
	return &Study{rules: r, pairs: r.Pairs(), planned: planned, lost: lost, trials: make(map[place][]*record.Trial), blocks: make(map[string]int)}
}

// Needs reports whether a load has to be run on an arm in its next block: some
// gate that needs it is undecided, and blocks are left.
func (s *Study) Needs(load, arm string) bool {
	if s.blocks[load] >= s.planned {
		return false
	}
	for _, p := range s.pairs {
		if p.Old != arm && p.New != arm {
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
	d := s.rules.Decide(g, s.losses(p, g), p.tests, s.planned)
	if d.N == 0 && s.untold(p, g) {
		d.Verdict = Untold
	}
	return d
}

// untold reports whether a gate has no value because a side lacks its counter, which
// may be: base, or head with a loss that is accepted. Block 0 says so.
func (s *Study) untold(p Pair, g Gate) bool {
	lacks := func(arm string) bool {
		trials := s.trials[place{g.Load, arm}]
		if len(trials) == 0 || trials[0] == nil {
			return false
		}
		_, ok := g.Metric.Of(trials[0])
		return !ok
	}
	return p.Old == record.ArmBase && lacks(p.Old) && !lacks(p.New) || s.lost && lacks(p.New)
}

// losses are those of the complete blocks.
func (s *Study) losses(p Pair, g Gate) Losses {
	old, next := s.trials[place{g.Load, p.Old}], s.trials[place{g.Load, p.New}]
	losses := make(Losses, s.blocks[g.Load])
	for b := range losses {
		losses[b] = math.NaN()
		if b >= len(old) || b >= len(next) || old[b] == nil || next[b] == nil {
			continue
		}
		x, okX := g.Metric.Of(old[b])
		y, okY := g.Metric.Of(next[b])
		if okX && okY {
			losses[b] = g.loss(x, y)
		}
	}
	return losses
}

// Replay returns the Study of a run that has been recorded, with the rules that it
// was decided by. stored, if not nil, has the trials that stand in for arm base.
// Errors wrap ErrRecords or ErrRules.
func Replay(run record.Run, stored *record.Run) (*Study, error) {
	m := run.Manifest
	if m.Gate == nil {
		return nil, fmt.Errorf("%w: %s was made by plan %s", ErrRecords, run.Dir, m.Plan)
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
