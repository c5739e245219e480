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

// Judgement is a verdict with its grounds.
type Judgement struct {
	Verdict Verdict
	// Reason says why the verdict is not Met.
	Reason string
}

// Judge decides one trial. A response time counts from the intended start, so
// that waiting for a busy store is in it; that of an operation that was never sent
// is infinite. Failed operations count with the time they took, and against the
// completed rate.
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
// that. A store that refuses work (record.CheckErrors) has not met the objective.
func Wrong(t *record.Trial) string {
	for _, c := range t.Checks {
		if c.Failed() && c.Name != record.CheckErrors {
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
		if c.Failed() {
			return c.Detail
		}
	}
	return ""
}

func (s Spec) judgeLatency(t *record.Trial) (Judgement, error) {
	h, err := t.ResponseTimes(&t.Ops[0])
	if err != nil {
		return Judgement{}, fmt.Errorf("cell %s, block %d: response times: %w", t.Cell, t.Block, err)
	}
	for _, o := range s.Objectives {
		if n := h.TotalCount(); n < o.samples() {
			return Judgement{Unusable, fmt.Sprintf("%s needs %d operations, the trial has %d", o.Name(), o.samples(), n)}, nil
		}
		switch p := h.ValueAtPercentile(o.Percentile); {
		case p >= record.Infinite:
			return Judgement{NotMet, fmt.Sprintf("%s is infinite: of %s due operations %s were never sent, %s times were beyond %v",
				o.Name(), format.Count(t.OpenLoop.Due), format.Count(t.OpenLoop.Unsent), format.Count(t.Ops[0].OutOfRange), time.Duration(record.HDRMaxNS))}, nil
		case p > o.Limit.Nanoseconds():
			return Judgement{NotMet, fmt.Sprintf("%s is %v, above %v", o.Name(), time.Duration(p).Round(time.Microsecond), o.Limit)}, nil
		}
	}
	return Judgement{Verdict: Met}, nil
}
