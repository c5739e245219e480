package capacity

import (
	"cmp"
	"fmt"
	"time"

	"metastorebench/harness/format"
	"metastorebench/harness/record"
)

// Verdict is what one trial says about its rate.
type Verdict int

// The verdicts.
const (
	// Unusable says nothing about the rate: wrong answers, a store that failed.
	Unusable Verdict = iota
	Met
	NotMet
	// Late is NotMet by a trial whose generator was late: it counts, but the store
	// need not be the cause.
	Late
)

// maxLoss is the share of due operations that may end without success: the
// completed rate must be that close to the offered one.
const maxLoss = 0.01

// checkErrors is the check of package check that counts failed operations. A
// store that refuses work has not met the objective; any other failed check
// makes its answers worthless.
const checkErrors = "errors"

// Judgement is a verdict with its grounds.
type Judgement struct {
	Verdict Verdict
	// Reason says why the verdict is not Met.
	Reason string
}

// Judge decides one trial. A response time counts from the intended start, so
// that waiting for a busy store is in it. Failed operations count with the time
// they took, and against the completed rate.
//
// A generator that was late has made response times longer, never shorter: what
// meets the objective all the same has met it.
func (s Spec) Judge(t *record.Trial) (Judgement, error) {
	if reason := Wrong(t); reason != "" {
		return Judgement{Unusable, reason}, nil
	}
	if t.OpenLoop == nil || len(t.Ops) != 1 || t.Ops[0].Op != record.OpPut {
		return Judgement{Unusable, cmp.Or(t.Void, "the record has no open loop of puts")}, nil
	}
	if reason := saturated(t); reason != "" {
		return Judgement{NotMet, reason}, nil
	}
	lateness, err := t.Lateness()
	if err != nil {
		return Judgement{}, fmt.Errorf("cell %s, block %d: %w", t.Cell, t.Block, err)
	}
	if t.Void != "" && !lateness.Late() {
		return Judgement{Unusable, t.Void}, nil
	}
	j, err := s.judgeLatency(t)
	if j.Verdict == NotMet && lateness.Late() {
		j.Verdict = Late
		j.Reason += fmt.Sprintf("; the generator was late: p99 of its timing error is %v", time.Duration(lateness.P99NS).Round(time.Microsecond))
	}
	return j, err
}

// Wrong says which check of the store's answers failed, or "". No rate excuses
// that.
func Wrong(t *record.Trial) string {
	for _, c := range t.Checks {
		if !c.OK && c.Name != checkErrors {
			return "check " + c.Name + " failed: " + c.Detail
		}
	}
	return ""
}

// saturated says how the trial fell short of its rate, if it did.
func saturated(t *record.Trial) string {
	o, done := t.OpenLoop, t.Ops[0].Count
	if o.Saturated() {
		return fmt.Sprintf("saturated: %s of %s due operations were never sent", format.Count(o.Unsent), format.Count(o.Due))
	}
	if lost := float64(o.Due-done) / float64(o.Due); o.Due > 0 && lost > maxLoss {
		return fmt.Sprintf("%s of %s due operations did not succeed; accepted: up to %v %%", format.Count(o.Due-done), format.Count(o.Due), 100*maxLoss)
	}
	for _, c := range t.Checks {
		if !c.OK {
			return c.Detail
		}
	}
	return ""
}

func (s Spec) judgeLatency(t *record.Trial) (Judgement, error) {
	h, err := record.DecodeHDR(t.Ops[0].ResponseHDR)
	if err != nil {
		return Judgement{}, fmt.Errorf("cell %s, block %d: response times: %w", t.Cell, t.Block, err)
	}
	for _, o := range s.Objectives {
		// Beyond the histogram's range means beyond any objective.
		if n := h.TotalCount() + t.Ops[0].OutOfRange; n < o.samples() {
			return Judgement{Unusable, fmt.Sprintf("%s needs %d operations, the trial has %d", o.Name(), o.samples(), n)}, nil
		}
		beyond := 100 * float64(t.Ops[0].OutOfRange) / float64(h.TotalCount()+t.Ops[0].OutOfRange)
		if p := h.ValueAtPercentile(o.Percentile); p > o.Limit.Nanoseconds() || beyond > 100-o.Percentile {
			return Judgement{NotMet, fmt.Sprintf("%s is %v, above %v", o.Name(), time.Duration(p).Round(time.Microsecond), o.Limit)}, nil
		}
	}
	return Judgement{Verdict: Met}, nil
}
