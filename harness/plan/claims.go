package plan

import (
	"math"

	"metastorebench/harness/infer"
)

// Claim is a prediction, with how it is measured: an entry of `claims:`, in the plan
// or in a file that the plan names.
type Claim struct {
	ID    string
	Title string
	// Predicted is the prediction in the words of its source, Source where that is.
	Predicted, Source string
	// Topic is a heading under which a ledger lists it, e.g. "items".
	Topic string
	// From are the plans whose runs a ledger of several runs takes it from, the first
	// that has measured it; the plan that brings the claim, if there are none. Runs of
	// other plans do not bear on it.
	From []string
	// NotHere says why records cannot decide the claim; what was measured is shown.
	NotHere string
	// Both says that all goals have to hold together: one verdict for the claim.
	Both  bool
	Goals []ClaimGoal
	Line  int
}

// Rules by which a goal is judged; see infer.JudgeClaim.
const (
	RuleEffect = "effect" // the ratio of Where to Against is in the expected range
	RuleFaster = "faster" // that ratio is above 1, whatever its size
	RuleMost   = "most"   // that ratio is above those of all Others
	RuleReach  = "reach"  // the level reaches a bound; the ratio to Against tells a miss in the right direction
	RuleArrive = "arrive" // the level arrives at a value, coming from Start
	RuleKeep   = "keep"   // the level keeps a bound
	RuleShare  = "share"  // the level is a share between Least and Metric
)

// ClaimGoal is one thing that a claim predicts, and the measurement that decides it.
type ClaimGoal struct {
	Name string // e.g. "phase 1"; may be empty if the claim has one goal
	// What names the quantity, e.g. "put throughput, all items / baseline"; made from
	// the metric and the contrast, if it is empty.
	What   string
	Rule   string
	Metric string
	// Op is the operation type of a metric that each type has: put, get, range or delete;
	// that of the cell's load, if it is empty.
	Op string
	// Expect is the predicted range in the metric's unit, of a ratio without one; a
	// missing bound is open. Start is where the prediction starts from: nil if it says
	// nothing.
	Min, Max, Start *float64
	// Least is, of RuleShare, the metric that is surely part of the share; "" for none.
	Least string

	Contrast
	// Others are, of RuleMost, the contrasts that have to stay below. The cell of their
	// Where is looked for as one to be compared with the goal's own: it agrees with that
	// in Same or, without that, in everything else. Their Against is the goal's, if it
	// is empty, and is looked for in the same way from the goal's cell.
	Others []Contrast
	// Also are contrasts that belong to the reason.
	Also []Also
	// Prefer orders environments: a place that a selector matches comes before one that
	// it does not, the first selector first; Most names a number of which more is nearer.
	Prefer []Selector
	Most   string
	Line   int
}

// Contrast is two cells: those of Where, and for each the one of Against that agrees
// with it in Same or, without that, in everything else. Of Others and Also, Same says in
// what the cell of Where agrees with that which is judged; without Where it is that one,
// and without Against the reference is that of the goal.
type Contrast struct {
	Name           string // of one among Others
	Where, Against Selector
	Same           []string
}

// Also is a contrast that a reason mentions. The cell of its Where is the one that agrees
// with the goal's cell in Same or, without that, in everything else; that of its Against
// is the one that agrees with the cell of Where in everything else.
type Also struct {
	Contrast
	Text   string // with one %s for the ratio
	Metric string // that of the goal, if it is empty
}

// Range is what the goal expects; a missing bound is infinite.
func (g ClaimGoal) Range() infer.Range {
	r := infer.Range{Min: math.Inf(-1), Max: math.Inf(1)}
	if g.Min != nil {
		r.Min = *g.Min
	}
	if g.Max != nil {
		r.Max = *g.Max
	}
	return r
}
