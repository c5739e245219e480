package gate

import (
	"fmt"
	"math"
	"slices"
	"strings"

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
	return w.Verdict == t.Pair.Want || t.Pair.Want == Pass && w.Verdict == Improved || w.Verdict == Untold
}

// Result is what a run of the gate came to: a function of its records.
type Result struct {
	Gate     record.Gate
	Manifest record.Manifest
	Rules    Rules
	Rows     []Row // base against head, in the order of the rules
	Tests    []SelfTest
	// Placebo are base's other layout against base, and Relaid head's other one, of a
	// power study, against base; nil without such an arm.
	Placebo, Relaid []Row
	// Disturbed are the loads in some blocks of which others had too much of the
	// machine, so that their times are left out.
	Disturbed []Disturbance
	// Voids are the trials whose numbers must not be used.
	Voids []record.Trial
	// Outcome is Pass, Regressed or Inconclusive, and Reason says why in one
	// sentence.
	Outcome Verdict
	Reason  string
	// Where is where wrong answers, or lost counters, seem to be made; nil if there are
	// none, or nothing of the store was changed.
	Where *Culprit
}

// Disturbance is how many of a load's blocks others disturbed.
type Disturbance struct {
	Load              string
	Disturbed, Blocks int
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
		res.file(p, rows)
	}
	for _, load := range s.rules.loads() {
		if n, of := s.disturbances(load); n > 0 {
			res.Disturbed = append(res.Disturbed, Disturbance{load, n, of})
		}
	}
	res.conclude()
	return res, nil
}

// file puts a pair's rows where they belong.
func (r *Result) file(p Pair, rows []Row) {
	arm := r.Gate.Arm(p.New)
	switch {
	case p.New == record.ArmHead:
		for i := range rows {
			rows[i].Accepted = accepts(r.Gate.Accepted, rows[i].Gate)
			if rows[i].Verdict == Regressed {
				rows[i].Culprit = culprit(rows[i].Gate, rows[i].Hints, r.Gate.Changes)
			}
		}
		r.Rows = rows
	case p.Want == "" && arm == nil: // records from before there was such an arm
	case p.New == record.ArmPlacebo:
		r.Placebo = rows
	case p.New == record.ArmRelaid:
		r.Relaid = rows
	default:
		test := SelfTest{Pair: p, Rows: rows}
		if arm != nil {
			test.Fault = arm.Fault
		}
		r.Tests = append(r.Tests, test)
	}
}

// placebo says what base's other layout changed.
func (r *Result) placebo() string {
	if r.Placebo == nil {
		return "placebo: none; base has no build of another layout here"
	}
	var different []string
	open := 0
	for _, w := range r.Placebo {
		switch w.Verdict {
		case Regressed, Improved:
			different = append(different, fmt.Sprintf("%s %s", w.Gate.Name(), change(math.Log(w.Gate.Ratio(w.Mean)))))
		case Inconclusive:
			open++
		}
	}
	text := fmt.Sprintf("placebo: base under another layout: %d of %d gates called different", len(different), len(r.Placebo))
	if len(different) > 0 {
		text += " (" + strings.Join(different, ", ") + ")"
	}
	if open > 0 {
		text += fmt.Sprintf(", %d undecided", open)
	}
	return text
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
		if v, ok := g.Of(t); ok {
			values = append(values, v)
		}
	}
	return stats.Summarize(values).Median
}

// conclude says what the run came to, in the order of the package's documentation:
// wrong answers, lost counters, regressions, the self-test, what is open.
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
	switch wrong, lost := r.wrong(), r.Gate.Unaccepted(); {
	case len(wrong) > 0:
		first := wrong[0]
		r.Outcome, r.Reason = Regressed, fmt.Sprintf("head failed in %d trials, first in %s, block %d: %s", len(wrong), first.Cell, first.Block, first.Void)
		r.Where = locate(nil, r.Gate.Changes)
	case len(lost) > 0:
		r.Outcome, r.Reason = Regressed, fmt.Sprintf("head no longer has counter %s, which no commit accepts", strings.Join(lost, ", "))
		r.Where = locate([]Culprit{{What: strings.Join(lost, ", "), Rooms: rooms[lostCounter]}}, r.Gate.Changes)
	case failed > 0:
		r.Outcome, r.Reason = Regressed, fmt.Sprintf("%d of %d gates regressed", failed, len(r.Rows))
		if failures > 0 {
			r.Reason += fmt.Sprintf("; %d rows of the self-test failed too, so that sizes are uncertain", failures)
		}
	case failures > 0:
		r.Outcome, r.Reason = Inconclusive, fmt.Sprintf("this machine cannot gate today: %d rows of the self-test came to another verdict than is known to be right", failures)
	case open > 0:
		r.Outcome, r.Reason = Inconclusive, fmt.Sprintf("%d of %d gates could not be decided", open, len(r.Rows))
		if r.Gate.Stopped != "" {
			r.Reason += ": " + r.Gate.Stopped
		}
		for _, d := range r.Disturbed {
			r.Reason += fmt.Sprintf("; others used the machine in %d of %d blocks of %s", d.Disturbed, d.Blocks, d.Load)
		}
	default:
		r.Outcome, r.Reason = Pass, fmt.Sprintf("none of %d gates regressed", len(r.Rows))
		if n := count(func(w Row) bool { return w.Verdict == Regressed }); n > 0 {
			r.Reason = fmt.Sprintf("%d of %d gates regressed, which commits accept", n, len(r.Rows))
		}
	}
}

// wrong are the trials of head that are its store's fault, failed checks first. A
// check that failed is so whatever base did. A store that did not start, or ended
// by itself, is so unless one of base did the same: it may be the machine.
func (r *Result) wrong() []record.Trial {
	var checks, ends []record.Trial
	baseEnded := false
	for _, t := range r.Voids {
		base := false
		switch armOf(r.Manifest, t.Cell) {
		case record.ArmBase:
			base = true
		case record.ArmHead, record.ArmAgain:
		default:
			continue
		}
		switch fault := faultOf(t); {
		case fault == failedCheck && !base:
			checks = append(checks, t)
		case fault == ended && base:
			baseEnded = true
		case fault == ended:
			ends = append(ends, t)
		}
	}
	if baseEnded {
		return checks
	}
	return append(checks, ends...)
}

// fault is what a void trial says of its store.
type fault int

const (
	notStore    fault = iota // the measurement's: a trace whose times do not add up is an estimate from few writes
	failedCheck              // an answer was wrong
	ended                    // it did not start, or not last to the checks
)

// WrongAnswer reports whether a trial on an arm decides the run: a check that head
// failed.
func WrongAnswer(t record.Trial, arm string) bool {
	return t.Void != "" && (arm == record.ArmHead || arm == record.ArmAgain) && faultOf(t) == failedCheck
}

func faultOf(t record.Trial) fault {
	of := ended
	for _, c := range t.Checks {
		switch {
		case !c.Failed():
		case c.Name == record.CheckStages:
			of = notStore
		default:
			return failedCheck
		}
	}
	return of
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
