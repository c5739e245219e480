package stats

import (
	"fmt"
	"math"
	"strings"

	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/record"
)

// Comparison is a ratio of two cells. The zero value compares nothing.
type Comparison struct {
	infer.Effect
	Warnings []Warning
}

// Compare compares num to den on m, paired by block: both ran in the same
// stretch of time, so that what a slow machine does to a block falls on both
// sides of the quotient. The estimate is the geometric mean of num/den over the
// blocks in which both are valid and positive.
//
// It refuses cells of different durability tiers (ErrTier) or workloads
// (ErrWorkload), and cells without a common block (ErrNoPairs).
func Compare(num, den *Cell, m metric.Func) (Comparison, error) {
	if err := comparable(num, den); err != nil {
		return Comparison{}, err
	}
	return paired(num, den, m)
}

// CeilingShare is store/ceiling per block: which part of what a target that
// stores nothing can do the store reaches. It is no ranking, has no use for the
// test, and demands that the ceiling's tier is record.TierNone and the store's
// is not (ErrTier).
func CeilingShare(store, ceiling *Cell, m metric.Func) (Comparison, error) {
	if ceiling.Durability != record.TierNone || store.Durability == record.TierNone {
		return Comparison{}, fmt.Errorf("%w: ceiling %q is %q, want %q; store %q is %q", ErrTier,
			ceiling.ID, ceiling.Durability, record.TierNone, store.ID, store.Durability)
	}
	return paired(store, ceiling, m)
}

// UnsafeSpeed is unsafe/safe per block: how much faster a store is that answers
// before its log is synced. It is no ranking, because what the two acknowledge is
// not the same, and demands the tiers record.TierUnsafe and record.TierSynced
// (ErrTier) and equal workloads (ErrWorkload).
func UnsafeSpeed(unsafe, safe *Cell, m metric.Func) (Comparison, error) {
	if unsafe.Durability != record.TierUnsafe || safe.Durability != record.TierSynced {
		return Comparison{}, fmt.Errorf("%w: %q is %q, want %q; %q is %q, want %q", ErrTier,
			unsafe.ID, unsafe.Durability, record.TierUnsafe, safe.ID, safe.Durability, record.TierSynced)
	}
	if d := workloadDifferences(unsafe, safe); len(d) > 0 {
		return Comparison{}, fmt.Errorf("%w: %q and %q: %s", ErrWorkload, unsafe.ID, safe.ID, strings.Join(d, "; "))
	}
	return paired(unsafe, safe, m)
}

func paired(num, den *Cell, m metric.Func) (Comparison, error) {
	byBlock := make(map[int]float64, len(den.Trials))
	for _, t := range den.Trials {
		if v, ok := m(t); ok && v > 0 {
			byBlock[t.Block] = v
		}
	}
	var logs []float64
	for _, t := range num.Trials {
		v, ok := m(t)
		if d := byBlock[t.Block]; ok && v > 0 && d > 0 {
			logs = append(logs, math.Log(v/d))
		}
	}
	if len(logs) == 0 {
		return Comparison{}, fmt.Errorf("%w: %q and %q", ErrNoPairs, num.ID, den.ID)
	}
	c := newComparison(logs)
	if most := max(len(num.Trials), len(den.Trials)); most > len(logs) {
		c.Warnings = append(c.Warnings, Warning{WarnIncomplete, fmt.Sprintf("%d of %d blocks have no partner", most-len(logs), most)})
	}
	return c, nil
}

// CompareRepeats compares two series of repeats that were measured in turn: the
// i-th of num and the i-th of den ran in the same stretch of time, and are paired
// as Compare pairs the trials of a block. Values that are not positive, and those
// beyond the shorter series, have no partner. Without any pair it returns
// ErrNoPairs.
func CompareRepeats(num, den []float64) (Comparison, error) {
	var logs []float64
	for i := range min(len(num), len(den)) {
		if num[i] > 0 && den[i] > 0 {
			logs = append(logs, math.Log(num[i]/den[i]))
		}
	}
	if len(logs) == 0 {
		return Comparison{}, fmt.Errorf("%w: %d and %d repeats", ErrNoPairs, len(num), len(den))
	}
	c := newComparison(logs)
	if most := max(len(num), len(den)); most > len(logs) {
		c.Warnings = append(c.Warnings, Warning{WarnIncomplete, fmt.Sprintf("%d of %d repeats have no partner", most-len(logs), most)})
	}
	return c, nil
}

// newComparison summarizes log-ratios by block.
func newComparison(logs []float64) Comparison {
	c := Comparison{Effect: infer.Paired(logs)}
	if !c.Interval {
		c.Warnings = append(c.Warnings, tooFew(c.N))
	}
	return c
}

// CompareAcross compares num to den on m, cells of two runs, whose trials do not pair:
// whatever changed between the runs, the machine's mood included, is in the ratio of
// their geometric means.
//
// It refuses what Compare refuses; without a positive value on both sides it returns
// ErrNoPairs. Machines are the caller's to check: record.Environment.
func CompareAcross(num, den *Cell, m metric.Func) (Comparison, error) {
	if err := comparable(num, den); err != nil {
		return Comparison{}, err
	}
	x, y := logsOf(num, m), logsOf(den, m)
	if len(x) == 0 || len(y) == 0 {
		return Comparison{}, fmt.Errorf("%w: %q and %q", ErrNoPairs, num.ID, den.ID)
	}
	c := Comparison{Effect: infer.Unpaired(x, y)}
	if !c.Interval {
		c.Warnings = append(c.Warnings, tooFew(c.N))
	}
	return c, nil
}

// logsOf are the logarithms of m's values of the cell that have one.
func logsOf(c *Cell, m metric.Func) (logs []float64) {
	for _, v := range valuesOf(c.Trials, m) {
		if v > 0 {
			logs = append(logs, math.Log(v))
		}
	}
	return logs
}
