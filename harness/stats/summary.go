package stats

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
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
	Warnings []Warning
}

// Summarize describes values, which it does not keep or change. The interval is
// that of benchmath.AssumeNothing: the binomial order-statistic interval of the
// median (Hollander and Wolfe, Nonparametric Statistical Methods, section 3.6).
func Summarize(values []float64) Summary {
	if len(values) == 0 {
		return Summary{Warnings: []Warning{{WarnFewSamples, "no valid trial"}}}
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
		out.Warnings = []Warning{tooFew(out.N)}
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
		s.Warnings = append(s.Warnings, Warning{WarnIncomplete, fmt.Sprintf("%d of %d trials do not have the metric", missing, len(c.Trials))})
	}
	return s
}
