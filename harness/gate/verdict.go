package gate

import (
	"fmt"
	"slices"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// Row is one gate of base against head, or of a self-test.
type Row struct {
	Gate Gate
	Decision
	// Old and New are the medians of the metric, in its unit.
	Old, New float64
	// Losses are those of the blocks, NaN where there is none.
	Losses Losses
	// Accepted is the trailer that accepts the loss; nil without one.
	Accepted *record.Accepted
	// Hints say what else moved with a loss.
	Hints []Hint
	// Culprit is where the loss of head against base seems to be made; nil of a
	// self-test, and where nothing of the store was changed.
	Culprit *Culprit
}

// Fails reports whether the row makes the run fail.
func (w Row) Fails() bool { return w.Verdict == Regressed && w.Accepted == nil }

// SelfTest is a pair of which the verdict is known beforehand.
type SelfTest struct {
	Pair Pair
	Rows []Row
	// Fault is what was planted, "" for head against itself.
	Fault string
}

// Failures are the rows that came to another verdict.
func (t SelfTest) Failures() []Row {
	return slices.DeleteFunc(slices.Clone(t.Rows), t.ok)
}

// ok reports whether a row came to what is known. A build that seems better than
// itself is no false alarm.
func (t SelfTest) ok(w Row) bool {
	return w.Verdict == t.Pair.Want || t.Pair.Want == Pass && w.Verdict == Improved
}

// Result is what a run of the gate came to: a function of its records.
type Result struct {
	Gate     record.Gate
	Manifest record.Manifest
	Rules    Rules
	Rows     []Row // base against head, in the order of the rules
	Tests    []SelfTest
	// Voids are the trials whose numbers must not be used.
	Voids []record.Trial
	// Outcome is Pass, Regressed or Inconclusive, and Reason says why in one
	// sentence.
	Outcome Verdict
	Reason  string
}

// Judge makes the result of a recorded run; stored is as Replay has it.
func Judge(run record.Run, stored *record.Run) (*Result, error) {
	s, err := Replay(run, stored)
	if err != nil {
		return nil, err
	}
	res := &Result{Gate: *run.Manifest.Gate, Manifest: run.Manifest, Rules: s.rules}
	for _, t := range run.Trials {
		if t.Void != "" {
			res.Voids = append(res.Voids, t)
		}
	}
	for _, p := range s.pairs {
		rows := make([]Row, len(p.Gates))
		for i, g := range p.Gates {
			rows[i] = s.row(p, g)
		}
		if p.Want == "" {
			for i := range rows {
				rows[i].Accepted = accepts(res.Gate.Accepted, rows[i].Gate)
				if rows[i].Verdict == Regressed {
					rows[i].Culprit = culprit(rows[i].Gate, rows[i].Hints, res.Gate.Changes)
				}
			}
			res.Rows = rows
			continue
		}
		test := SelfTest{Pair: p, Rows: rows}
		if arm := res.Gate.Arm(p.New); arm != nil {
			test.Fault = arm.Fault
		}
		res.Tests = append(res.Tests, test)
	}
	res.conclude()
	return res, nil
}

// row is what a gate of a pair came to at the end of a run.
func (s *Study) row(p Pair, g Gate) Row {
	w := Row{Gate: g, Losses: s.losses(p, g), Decision: s.Decide(p, g)}
	w.Old, w.New = s.median(p.Old, g), s.median(p.New, g)
	if w.Verdict == Undecided { // the run was stopped
		w.Verdict = Inconclusive
	}
	if w.Verdict == Regressed {
		w.Hints = s.hints(p, g)
	}
	return w
}

// median is that of a gate's metric on an arm, 0 without a value.
func (s *Study) median(arm string, g Gate) float64 {
	var values []float64
	for _, t := range s.trials[place{g.Load, arm}] {
		if t == nil {
			continue
		}
		if v, ok := g.Metric.Of(t); ok {
			values = append(values, v)
		}
	}
	return stats.Summarize(values).Median
}

// conclude says what the run came to. A machine that cannot find what was planted
// has nothing to say about revisions; a store whose answers are wrong has failed
// whatever its speed.
func (r *Result) conclude() {
	count := func(want func(Row) bool) (n int) {
		for _, w := range r.Rows {
			if want(w) {
				n++
			}
		}
		return n
	}
	failures := 0
	for _, t := range r.Tests {
		failures += len(t.Failures())
	}
	failed, open := count(Row.Fails), count(func(w Row) bool { return w.Verdict == Inconclusive })
	switch wrong := r.wrong(); {
	case wrong != nil:
		r.Outcome, r.Reason = Regressed, fmt.Sprintf("head failed a check in %d trials, first in %s, block %d: %s", r.wrongs(), wrong.Cell, wrong.Block, wrong.Void)
	case failures > 0:
		r.Outcome, r.Reason = Inconclusive, fmt.Sprintf("this machine cannot gate today: %d rows of the self-test came to another verdict than is known to be right", failures)
	case failed > 0:
		r.Outcome, r.Reason = Regressed, fmt.Sprintf("%d of %d gates regressed", failed, len(r.Rows))
	case open > 0:
		r.Outcome, r.Reason = Inconclusive, fmt.Sprintf("%d of %d gates could not be decided", open, len(r.Rows))
		if r.Gate.Stopped != "" {
			r.Reason += ": " + r.Gate.Stopped
		}
	default:
		r.Outcome, r.Reason = Pass, fmt.Sprintf("none of %d gates regressed", len(r.Rows))
		if n := count(func(w Row) bool { return w.Verdict == Regressed }); n > 0 {
			r.Reason = fmt.Sprintf("%d of %d gates regressed, which commits accept", n, len(r.Rows))
		}
	}
}

// wrong is the first trial of head whose store was at fault, if base had none: base
// runs the same loads on the same machine, so that the fault is head's.
func (r *Result) wrong() *record.Trial {
	var first *record.Trial
	for i, t := range r.Voids {
		if !storeFailed(t) {
			continue
		}
		switch arm := armOf(r.Manifest, t.Cell); {
		case arm == record.ArmBase:
			return nil
		case arm == record.ArmHead && first == nil:
			first = &r.Voids[i]
		}
	}
	return first
}

func (r *Result) wrongs() (n int) {
	for _, t := range r.Voids {
		if storeFailed(t) && armOf(r.Manifest, t.Cell) == record.ArmHead {
			n++
		}
	}
	return n
}

// storeFailed reports whether a void trial is the store's fault. A trace whose times
// do not add up is not: it is an estimate from few writes.
func storeFailed(t record.Trial) bool {
	traced := false
	for _, c := range t.Checks {
		switch {
		case !c.Failed():
		case c.Name == record.CheckStages:
			traced = true
		default:
			return true
		}
	}
	return !traced
}

// armOf returns the arm of a cell.
func armOf(m record.Manifest, cell string) string {
	for _, c := range m.Cells {
		if c.ID == cell {
			return c.Options[record.OptionArm]
		}
	}
	return ""
}
