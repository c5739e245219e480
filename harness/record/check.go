package record

import "fmt"

// CheckStages is the check that the traced stages of writes agree with their time:
// one of the measurement, while all others are of the store.
const CheckStages = "stages"

// CheckErrors is the check that few operations failed: a store that fails it was
// not wrong, and what it was measured by counts where failures do.
const CheckErrors = "errors"

// Check is one verification made inside the trial.
type Check struct {
	Name string `json:"name"`
	// OK says that the check was made in full and found nothing wrong.
	OK bool `json:"ok"`
	// State says why a check that found nothing wrong is not OK. It is empty for one
	// that is OK or failed, and in records from before it was kept, in which OK says
	// no more than that nothing was found.
	State CheckState `json:"state,omitempty"`
	// Detail says what was compared, and what differed when it failed.
	Detail string `json:"detail"`
}

// CheckState is why a check says nothing.
type CheckState string

// States of a check that found nothing wrong and is not OK. None voids a trial's
// numbers; each is a reason not to take the store's answers for right.
const (
	CheckUndecided CheckState = "undecided" // it could not be decided in its time
	CheckTooFew    CheckState = "too few"   // it saw too little
	CheckPartial   CheckState = "partial"   // a part was left out
	CheckOff       CheckState = "off"       // the plan has it switched off
)

// valid reports whether the state is one of this package's, and fits OK.
func (c Check) valid() bool {
	switch c.State {
	case "":
		return true
	case CheckUndecided, CheckTooFew, CheckPartial, CheckOff:
		return !c.OK
	}
	return false
}

// Failed reports whether something was found to be wrong.
func (c Check) Failed() bool { return !c.OK && c.State == "" }

// Unchecked are the checks that are not OK and did not fail.
func (t *Trial) Unchecked() (checks []Check) {
	for _, c := range t.Checks {
		if !c.OK && !c.Failed() {
			checks = append(checks, c)
		}
	}
	return checks
}

// Unchecked says what of a run's valid trials was not checked: a line for each check
// and state, with the number of trials and the first of them. It is empty if all
// was.
func Unchecked(trials []Trial) (lines []string) {
	type group struct {
		name  string
		state CheckState
	}
	var order []group
	first, count := map[group]string{}, map[group]int{}
	for i := range trials {
		t := &trials[i]
		if t.Void != "" {
			continue
		}
		for _, c := range t.Unchecked() {
			g := group{c.Name, c.State}
			if count[g]++; count[g] == 1 {
				order = append(order, g)
				first[g] = fmt.Sprintf("%s, block %d: %s", t.Cell, t.Block, c.Detail)
			}
		}
	}
	for _, g := range order {
		lines = append(lines, fmt.Sprintf("%s is %s in %d of %d trials, first in %s", g.name, g.state, count[g], len(trials), first[g]))
	}
	return lines
}

// OutcomeOK and OutcomeFailed are outcomes of a check beside its states.
const (
	OutcomeOK     = "ok"
	OutcomeFailed = "failed"
)

// Outcome is what the check came to, in a word: OutcomeOK, OutcomeFailed, or its State.
func (c Check) Outcome() string {
	switch {
	case c.OK:
		return OutcomeOK
	case c.Failed():
		return OutcomeFailed
	}
	return string(c.State)
}
