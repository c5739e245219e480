package stats

import (
	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/record"
)

// LevelOf is a metric in a cell, summarised as the metric says, for one operation type,
// whose value in a trial is what read says; N is 0 if the cell does not have it.
func LevelOf(c *Cell, m metric.Metric, read metric.Func, op string) (Summary, error) {
	switch m.Summary {
	case metric.Merged:
		return percentileLevel(c, m, read, op)
	case metric.Counted:
		return failedLevel(c), nil
	case metric.Sums:
		s := Over(c, read)
		if s.N > 0 {
			s.Estimate = infer.Arithmetic(valuesOf(c.Trials, read))
		}
		return s.notBelowZero(), nil
	}
	return Over(c, read).notBelowZero(), nil
}

// notBelowZero ends an interval of what is never negative at 0: Student's, of counts some
// of which are 0, reaches below.
func (s Summary) notBelowZero() Summary {
	if s.Interval && s.Min >= 0 {
		s.Lo = max(s.Lo, 0)
	}
	return s
}

// percentileLevel is that of the merged histogram, of trials that are void for failed
// operations alone too. Its interval is that of the blocks' own percentiles, widened to
// hold the merged one: merging gives a bad block its weight, which a mean does not.
func percentileLevel(c *Cell, m metric.Metric, read metric.Func, op string) (Summary, error) {
	c = c.WithFailures()
	of := LatencyOf
	if m.Response {
		of = ResponseOf
	}
	l, err := of(c, op)
	if err != nil {
		return Summary{}, err
	}
	ns, ok := l.Percentile(m.Percentile)
	if !ok {
		return Summary{}, nil
	}
	s := Over(c, read)
	s.Value, s.N = float64(ns)/1e6, l.Blocks
	if s.Interval {
		s.Lo, s.Hi = min(s.Lo, s.Value), max(s.Hi, s.Value)
	}
	return s, nil
}

// failedLevel is the share of failed operations in percent, of all types and of all
// trials: one in which more fail than may is void, so that the valid ones alone show
// nothing. Its interval takes operations as independent; a burst counts as many.
func failedLevel(c *Cell) Summary {
	failed, all, n := int64(0), int64(0), 0
	for _, t := range c.Recorded() {
		f, a := metric.Failures(t)
		failed, all = failed+f, all+a
		if a > 0 {
			n++
		}
	}
	if all == 0 {
		return Summary{}
	}
	lo, hi := infer.Proportion(failed, all)
	return Summary{Estimate: infer.Estimate{Value: 100 * float64(failed) / float64(all), Lo: 100 * lo, Hi: 100 * hi, N: n, Interval: true}}
}

// CompareAny is Compare, CeilingShare or UnsafeSpeed, whichever the cells' durability
// allows: a store is a share of a ceiling, and an unsafe log is as fast as it is; neither
// is a rank. Errors: as theirs.
func CompareAny(num, den *Cell, m metric.Func) (Comparison, error) {
	switch {
	case den.Durability == record.TierNone && num.Durability != record.TierNone:
		return CeilingShare(num, den, m)
	case num.Durability == record.TierUnsafe && den.Durability == record.TierSynced:
		return UnsafeSpeed(num, den, m)
	}
	return Compare(num, den, m)
}
