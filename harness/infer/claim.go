package infer

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"metastorebench/harness/format"
)

// Verdict is a word of the ledger.
type Verdict string

// The vocabulary, in the order in which counts of it are written.
const (
	Confirmed     Verdict = "confirmed"           // the predicted sign, and the interval meets the predicted size
	Partly        Verdict = "partly"              // the predicted sign, but the interval leaves out the predicted size
	Refuted       Verdict = "refuted"             // no effect, or the wrong sign
	Inconclusive  Verdict = "inconclusive"        // the interval leaves too much open
	NotMeasurable Verdict = "not measurable here" // the reason says why
	NotYet        Verdict = "not yet measured"    // there are no records
)

// All is the vocabulary.
func All() []Verdict {
	return []Verdict{Confirmed, Partly, Refuted, Inconclusive, NotMeasurable, NotYet}
}

// Negligible is the share, in percent of a write, below which a layer counts as
// having none: a hundredth is less than ten blocks can resolve.
const Negligible = 1.0

// Range is a prediction; an open bound is infinite.
type Range struct{ Min, Max float64 }

// String writes the range as the plan does, unrounded: "6 to 11", "at least
// 20,000", "below 5", "1.3".
func (r Range) String() string {
	exact := func(v float64) string { return format.Separate(strconv.FormatFloat(v, 'f', -1, 64)) }
	switch {
	case math.IsInf(r.Max, 1):
		return "at least " + exact(r.Min)
	case math.IsInf(r.Min, -1):
		return "below " + exact(r.Max)
	case r.Min == r.Max:
		return exact(r.Min)
	}
	return exact(r.Min) + " to " + exact(r.Max)
}

// String is "value [lo, hi]", or the value alone.
func (e Estimate) String() string {
	if !e.Interval {
		return format.Number(e.Value)
	}
	return format.Number(e.Value) + " " + e.bounds()
}

func (e Estimate) bounds() string {
	return "[" + format.Number(e.Lo) + ", " + format.Number(e.Hi) + "]"
}

// Kind is what a quantity is, which decides what "no effect" and "right sign"
// mean for it.
type Kind int

// Kinds of quantities.
const (
	KindRatio  Kind = iota // with the change / without it; no effect is 1
	KindShare              // percent of a whole; no effect is Negligible
	KindTarget             // a bound to reach, from a baseline: Predicted has one open side
	KindLevel              // a value to arrive at; Rises says from which side
	KindBound              // a bound to keep, whatever the baseline
)

// Case is a prediction with its measurement.
type Case struct {
	Kind      Kind
	Predicted Range
	Measured  Estimate
	// Change is the ratio to the same run's baseline, for a target or a level.
	// Without an interval it decides nothing.
	Change Estimate
	// ChangeOf names what changed, if it is not what was Measured; ChangeFrom is that
	// baseline, if it has a name.
	ChangeOf, ChangeFrom string
	// Rises says that the plan expects a Level to grow.
	Rises bool
}

// JudgeClaim applies the rule of the package comment. The reason is one sentence
// without a final stop, with the numbers that decided.
func JudgeClaim(c Case) (Verdict, string) {
	if !c.Measured.Interval {
		return Inconclusive, "no interval: " + tooFew(c.Measured.N)
	}
	switch c.Kind {
	case KindRatio:
		if math.IsInf(c.Predicted.Min, -1) || math.IsInf(c.Predicted.Max, 1) {
			return boundedEffect(c)
		}
		return effect(c, 1, "1")
	case KindShare:
		return effect(c, Negligible, fmt.Sprintf("a share below %g %%", Negligible))
	case KindTarget, KindBound:
		return target(c)
	default:
		return level(c)
	}
}

// Faster judges the claim that a ratio is above 1, of no stated size.
func Faster(e Estimate) (Verdict, string) {
	switch {
	case !e.Interval:
		return Inconclusive, "no interval: " + tooFew(e.N)
	case e.Lo > 1:
		return Confirmed, fmt.Sprintf("all of %s is above 1", e.bounds())
	case e.Hi < 1:
		return Refuted, fmt.Sprintf("all of %s is below 1", e.bounds())
	}
	return Inconclusive, fmt.Sprintf("%s holds 1, no difference", e.bounds())
}

// Both is the verdict on a claim whose goals have to hold together, each judged on its
// own: theirs if they agree, the weakest word if one of them is not decided, and
// otherwise partly. Without any goal nothing is measured yet.
func Both(goals ...Verdict) Verdict {
	if len(goals) == 0 {
		return NotYet
	}
	for _, open := range []Verdict{NotYet, NotMeasurable, Inconclusive} {
		if slices.Contains(goals, open) {
			return open
		}
	}
	if slices.ContainsFunc(goals, func(v Verdict) bool { return v != goals[0] }) {
		return Partly
	}
	return goals[0]
}

// tooFew says why an estimate over n blocks has no interval.
func tooFew(n int) string {
	if n < MinBlocks {
		return fmt.Sprintf("n=%d, %d or more blocks are needed", n, MinBlocks)
	}
	return fmt.Sprintf("fewer than %d blocks have enough operations each", MinBlocks)
}

// effect judges a quantity whose absence has a value, called none.
func effect(c Case, none float64, noneText string) (Verdict, string) {
	m, p := c.Measured, c.Predicted
	up := p.Min > none
	meets := m.Lo <= p.Max && m.Hi >= p.Min
	null := m.Lo <= none && m.Hi >= none || c.Kind == KindShare && m.Hi < none
	switch {
	case null && meets:
		return Inconclusive, fmt.Sprintf("%s holds both %s, no effect, and %s", m.bounds(), noneText, p)
	case null:
		return Refuted, fmt.Sprintf("no effect: %s holds %s and leaves out %s", m.bounds(), noneText, p)
	case meets:
		return Confirmed, fmt.Sprintf("%s meets %s", m.bounds(), p)
	case up == (m.Lo > none):
		return Partly, fmt.Sprintf("the predicted sign, but %s lies %s %s", m.bounds(), side(m, p), p)
	}
	return Refuted, fmt.Sprintf("the wrong sign: %s, predicted %s", m.bounds(), p)
}

// boundedEffect judges a ratio that is predicted to be on one side of a bound: all of the
// interval has to be there, or it is open. A bound beside which 1 lies too, as in "at most
// 1.05", predicts no sign.
func boundedEffect(c Case) (Verdict, string) {
	m, p := c.Measured, c.Predicted
	switch {
	case m.Lo >= p.Min && m.Hi <= p.Max:
		return Confirmed, fmt.Sprintf("all of %s is %s", m.bounds(), p)
	case m.Lo <= p.Max && m.Hi >= p.Min:
		return Inconclusive, fmt.Sprintf("%s holds the bound, %s", m.bounds(), p)
	case p.Min <= 1 && p.Max >= 1:
		return Refuted, fmt.Sprintf("missed: %s lies %s %s", m.bounds(), side(m, p), withoutBound(p))
	}
	return effect(c, 1, "1")
}

// side says on which side of p the interval lies that does not meet it.
func side(m Estimate, p Range) string {
	if m.Lo > p.Max {
		return "above"
	}
	return "below"
}

// target judges a bound to reach.
func target(c Case) (Verdict, string) {
	m, p := c.Measured, c.Predicted
	rises := math.IsInf(p.Max, 1)
	switch {
	case m.Lo >= p.Min && m.Hi <= p.Max:
		return Confirmed, fmt.Sprintf("reached: all of %s is %s", m.bounds(), p)
	case m.Lo <= p.Max && m.Hi >= p.Min:
		return Inconclusive, fmt.Sprintf("%s holds the bound, %s", m.bounds(), p)
	}
	if c.Kind == KindBound {
		return Refuted, fmt.Sprintf("missed: %s lies %s %s", m.bounds(), side(m, p), withoutBound(p))
	}
	return missed(c, rises)
}

// level judges a value to arrive at.
func level(c Case) (Verdict, string) {
	if m, p := c.Measured, c.Predicted; m.Lo <= p.Max && m.Hi >= p.Min {
		return Confirmed, fmt.Sprintf("%s meets %s", m.bounds(), p)
	}
	return missed(c, c.Rises)
}

// missed tells a miss in the right direction from one that is not.
func missed(c Case, rises bool) (Verdict, string) {
	miss := fmt.Sprintf("missed: %s lies %s %s", c.Measured.bounds(), side(c.Measured, c.Predicted), withoutBound(c.Predicted))
	g := c.Change
	if !g.Interval {
		return Inconclusive, miss + "; whether it moved in the right direction is not known: no interval for the change from " + cmp.Or(c.ChangeFrom, "this run's baseline")
	}
	change := g.String() + " times " + cmp.Or(c.ChangeFrom, "this run's baseline")
	if c.ChangeOf != "" {
		change += " (" + c.ChangeOf + ")"
	}
	switch {
	case rises && g.Lo > 1 || !rises && g.Hi < 1:
		return Partly, miss + ", but in the predicted direction: " + change
	case g.Lo <= 1 && g.Hi >= 1:
		return Refuted, miss + ", and no change: " + change
	}
	return Refuted, miss + ", in the wrong direction: " + change
}

// withoutBound is the bound of a one-sided range, or the range.
func withoutBound(p Range) string {
	switch {
	case math.IsInf(p.Max, 1):
		return Range{p.Min, p.Min}.String()
	case math.IsInf(p.Min, -1):
		return Range{p.Max, p.Max}.String()
	}
	return p.String()
}
