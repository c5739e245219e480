package stats

import (
	"metastorebench/harness/metric"

	"fmt"
	"slices"

	"gonum.org/v1/gonum/stat"

	"metastorebench/harness/infer"
)

// Summary describes one sample. The zero value is an empty sample.
type Summary struct {
	// Median, Min and Max describe the sample.
	Median, Min, Max float64
	// Estimate is what it says of more of its kind: the mean, on a log scale where all
	// values are positive, with its interval.
	infer.Estimate
	// Warnings say what the sample is too small for, or what is missing.
	Warnings []Warning
}

// Summarize describes values, which it does not keep or change.
func Summarize(values []float64) Summary {
	if len(values) == 0 {
		return Summary{Warnings: []Warning{{WarnFewSamples, "no valid trial"}}}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	s := Summary{Median: stat.Mean(sorted[(n-1)/2:n/2+1], nil), Min: sorted[0], Max: sorted[n-1], Estimate: infer.Mean(values)}
	if !s.Interval {
		s.Warnings = []Warning{tooFew(n)}
	}
	return s
}

// Over summarizes m over c's valid trials. Trials without the metric are left
// out and named in a warning. Its n is that of the trials that have it.
func Over(c *Cell, m metric.Func) Summary {
	values := make([]float64, 0, len(c.Trials))
	for _, t := range c.Trials {
		if v, ok := m(t); ok {
			values = append(values, v)
		}
	}
	s := Summarize(values)
	if missing := len(c.Trials) - len(values); missing > 0 && len(values) > 0 {
		s.Warnings = append(s.Warnings, Warning{WarnIncomplete, fmt.Sprintf("%d of %d trials do not have the metric", missing, len(c.Trials))})
	}
	return s
}
