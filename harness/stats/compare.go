package stats

import (
	"fmt"
	"math"
	"strings"

	"metastorebench/harness/record"
)

// Comparison is a ratio of two cells with its interval and its test. The zero
// value compares nothing.
type Comparison struct {
	// N is the number of blocks with both cells or, unpaired, the smaller
	// number of trials.
	N int
	// Ratio is the estimate: paired, the geometric mean of the ratios per block,
	// the centre of the interval on a log scale; unpaired, the Hodges-Lehmann
	// estimate, the median of the ratios of all pairs of trials.
	Ratio float64
	// Min and Max are the least and the greatest of those ratios.
	Min, Max float64
	// Lo and Hi bound the true ratio at Confidence. Without Interval they are
	// zero: N is below MinInterval, and there is no test either.
	Lo, Hi   float64
	Interval bool
	// P is the two-sided p-value of "no difference", NaN without Interval.
	P float64
	// LeastP is the smallest p-value that the test can give for N, whatever the
	// data; 0 for a test without such a bound.
	LeastP float64
	// Adjusted is P corrected for the table that the comparison stands in; P
	// itself until Correct was called.
	Adjusted float64
	Warnings []Warning
}

// Different reports whether the two sides differ at Alpha, after correction.
func (c *Comparison) Different() bool { return c.Interval && c.Adjusted < Alpha }

// Compare compares num to den on m, paired by block: both ran in the same
// stretch of time, so that what a slow machine does to a block falls on both
// sides of the quotient. The estimate is the geometric mean of num/den over the
// blocks in which both are valid and positive, with the symmetric studentized
// bootstrap interval of the mean log-ratio and the p-value that belongs to it
// (see studentized for the choice and the measured coverage).
//
// It refuses cells of different durability tiers (ErrTier) or workloads
// (ErrWorkload), and cells without a common block (ErrNoPairs).
func Compare(num, den *Cell, m Metric) (Comparison, error) {
	if err := comparable(num, den); err != nil {
		return Comparison{}, err
	}
	return paired(num, den, m)
}

// CeilingShare is store/ceiling per block: which part of what a target that
// stores nothing can do the store reaches. It is no ranking, has no use for the
// test, and demands that the ceiling's tier is record.TierNone and the store's
// is not (ErrTier).
func CeilingShare(store, ceiling *Cell, m Metric) (Comparison, error) {
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
func UnsafeSpeed(unsafe, safe *Cell, m Metric) (Comparison, error) {
	if unsafe.Durability != record.TierUnsafe || safe.Durability != record.TierSynced {
		return Comparison{}, fmt.Errorf("%w: %q is %q, want %q; %q is %q, want %q", ErrTier,
			unsafe.ID, unsafe.Durability, record.TierUnsafe, safe.ID, safe.Durability, record.TierSynced)
	}
	if d := workloadDifferences(unsafe, safe); len(d) > 0 {
		return Comparison{}, fmt.Errorf("%w: %q and %q: %s", ErrWorkload, unsafe.ID, safe.ID, strings.Join(d, "; "))
	}
	return paired(unsafe, safe, m)
}

func paired(num, den *Cell, m Metric) (Comparison, error) {
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
	c := ratioOf(logs)
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
	c := ratioOf(logs)
	if most := max(len(num), len(den)); most > len(logs) {
		c.Warnings = append(c.Warnings, Warning{WarnIncomplete, fmt.Sprintf("%d of %d repeats have no partner", most-len(logs), most)})
	}
	return c, nil
}

// ratioOf summarizes log-ratios.
func ratioOf(logs []float64) Comparison {
	c := Comparison{N: len(logs), P: math.NaN(), Adjusted: math.NaN(), Min: math.Inf(1), Max: math.Inf(-1)}
	sum := 0.0
	for _, l := range logs {
		sum += l
		c.Min, c.Max = min(c.Min, math.Exp(l)), max(c.Max, math.Exp(l))
	}
	c.Ratio = math.Exp(sum / float64(c.N))
	if c.N < MinInterval {
		c.Warnings = append(c.Warnings, tooFew(c.N))
		return c
	}
	mean, half, p := studentized(logs)
	c.Ratio, c.Lo, c.Hi, c.Interval = math.Exp(mean), math.Exp(mean-half), math.Exp(mean+half), true
	c.P, c.Adjusted, c.LeastP = p, p, leastP(c.N)
	return c
}

// Correct sets Adjusted of all comparisons of one table by Holm's method.
// Comparisons without a test do not count. It returns a warning if the table is
// so large that no p-value of its smallest sample could pass.
func Correct(table []*Comparison) []Warning {
	p := make([]float64, len(table))
	tests, worst := 0, &Comparison{}
	for i, c := range table {
		p[i] = math.NaN()
		if c.Interval {
			p[i] = c.P
			tests++
			if c.LeastP > worst.LeastP {
				worst = c
			}
		}
	}
	for i, a := range Holm(p) {
		table[i].Adjusted = a
	}
	if worst.LeastP*float64(tests) >= Alpha {
		return []Warning{{WarnTableSize, fmt.Sprintf("n=%d is too few for %d comparisons: no p-value below %.2g is possible, %.2g would be needed",
			worst.N, tests, worst.LeastP, Alpha/float64(tests))}}
	}
	return nil
}
