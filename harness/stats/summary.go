package stats

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/perf/benchmath"

	"metastorebench/harness/record"
)

// Confidence is the level that intervals reach at least.
const Confidence = 0.95

// MinInterval is the smallest n with an interval at Confidence: with six
// samples the chance that all lie on one side of the true median is 2/2^6.
const MinInterval = 6

// Summary describes one sample. The zero value is an empty sample.
type Summary struct {
	N                int
	Median, Min, Max float64
	// Lo and Hi bound the median at Confidence or better; they are order
	// statistics of the sample, so no distribution is assumed. Without Interval
	// they are zero.
	Lo, Hi   float64
	Interval bool
	// Warnings say what the sample is too small for, or what is missing.
	Warnings []string
}

// Summarize describes values, which it does not keep or change. The interval is
// that of benchmath.AssumeNothing: the binomial order-statistic interval of the
// median (Hollander and Wolfe, Nonparametric Statistical Methods, section 3.6).
func Summarize(values []float64) Summary {
	if len(values) == 0 {
		return Summary{Warnings: []string{"no valid trial"}}
	}
	s := benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
	b := benchmath.AssumeNothing.Summary(s, Confidence)
	out := Summary{
		N:      len(values),
		Median: b.Center,
		Min:    s.Values[0],
		Max:    s.Values[len(s.Values)-1],
	}
	if math.IsInf(b.Lo, 0) || math.IsInf(b.Hi, 0) {
		out.Warnings = []string{fmt.Sprintf("n=%d: needs %d or more blocks for a %.0f %% interval", out.N, MinInterval, Confidence*100)}
		return out
	}
	out.Lo, out.Hi, out.Interval = b.Lo, b.Hi, true
	return out
}

// Over summarizes m over c's valid trials. Trials without the metric are left
// out and named in a warning. Its n is that of the trials that have it.
func Over(c *Cell, m Metric) Summary {
	values := make([]float64, 0, len(c.Trials))
	for _, t := range c.Trials {
		if v, ok := m(t); ok {
			values = append(values, v)
		}
	}
	s := Summarize(values)
	if missing := len(c.Trials) - len(values); missing > 0 && len(values) > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d of %d trials do not have the metric", missing, len(c.Trials)))
	}
	return s
}

// PairedRatio summarizes num/den over the blocks in which both cells have a
// valid, non-zero measurement. It refuses to compare different durability
// tiers (ErrTier) and cells without a common block (ErrNoPairs).
func PairedRatio(num, den *Cell, m Metric) (Summary, error) {
	if num.Measured() && den.Measured() && num.Durability != den.Durability {
		return Summary{}, fmt.Errorf("%w: %q is %q, %q is %q", ErrTier, num.ID, num.Durability, den.ID, den.Durability)
	}
	return paired(num, den, m)
}

// CeilingShare summarizes store/ceiling per block: which part of what a target
// that stores nothing can do the store reaches. It is no ranking, and demands
// that the ceiling's tier is record.TierNone and the store's is not (ErrTier).
func CeilingShare(store, ceiling *Cell, m Metric) (Summary, error) {
	if ceiling.Durability != record.TierNone || store.Durability == record.TierNone {
		return Summary{}, fmt.Errorf("%w: ceiling %q is %q, want %q; store %q is %q", ErrTier,
			ceiling.ID, ceiling.Durability, record.TierNone, store.ID, store.Durability)
	}
	return paired(store, ceiling, m)
}

func paired(num, den *Cell, m Metric) (Summary, error) {
	byBlock := make(map[int]float64, len(den.Trials))
	for _, t := range den.Trials {
		if v, ok := m(t); ok && v > 0 {
			byBlock[t.Block] = v
		}
	}
	var ratios []float64
	for _, t := range num.Trials {
		v, ok := m(t)
		if d := byBlock[t.Block]; ok && d > 0 {
			ratios = append(ratios, v/d)
		}
	}
	if len(ratios) == 0 {
		return Summary{}, fmt.Errorf("%w: %q and %q", ErrNoPairs, num.ID, den.ID)
	}
	s := Summarize(ratios)
	if most := max(len(num.Trials), len(den.Trials)); most > len(ratios) {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d of %d blocks have no partner", most-len(ratios), most))
	}
	return s, nil
}
