package stats

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// CompareAcross compares num to den on m, cells of two runs, whose trials do not
// pair: whatever changed between the runs, the machine's mood included, is in
// the ratio. The estimate is Hodges and Lehmann's: the median of the ratios of
// all pairs of trials, with the interval that belongs to the Mann-Whitney test,
// whose p-value is benchmath's. Interval and p-value may disagree where p is
// near Alpha, as the interval uses the normal approximation, which makes it no
// shorter.
//
// It refuses what Compare refuses; without a positive value on both sides it
// returns ErrNoPairs. Machines are the caller's to check:
// record.Environment.DiffersFrom.
//
// Source: Hollander and Wolfe, Nonparametric Statistical Methods, sections 4.1
// to 4.3.
func CompareAcross(num, den *Cell, m Metric) (Comparison, error) {
	if err := comparable(num, den); err != nil {
		return Comparison{}, err
	}
	x, y := positive(num, m), positive(den, m)
	if len(x) == 0 || len(y) == 0 {
		return Comparison{}, fmt.Errorf("%w: %q and %q", ErrNoPairs, num.ID, den.ID)
	}
	logs := make([]float64, 0, len(x)*len(y))
	for _, a := range x {
		for _, b := range y {
			logs = append(logs, math.Log(a/b))
		}
	}
	slices.Sort(logs)
	pairs := len(logs)
	c := Comparison{
		N: min(len(x), len(y)), P: math.NaN(), Adjusted: math.NaN(),
		Ratio: math.Exp((logs[(pairs-1)/2] + logs[pairs/2]) / 2), Min: math.Exp(logs[0]), Max: math.Exp(logs[pairs-1]),
	}
	if c.N < MinInterval {
		c.Warnings = append(c.Warnings, tooFew(c.N))
		return c, nil
	}
	const z = 1.959964 // the normal distribution's 97.5 % point
	mean, sd := float64(pairs)/2, math.Sqrt(float64(pairs)*float64(len(x)+len(y)+1)/12)
	outside := int(mean - z*sd - 0.5) // pairs beyond each end
	c.Lo, c.Hi, c.Interval = math.Exp(logs[outside]), math.Exp(logs[pairs-1-outside]), true
	test := benchmath.AssumeNothing.Compare(benchmath.NewSample(x, &benchmath.DefaultThresholds), benchmath.NewSample(y, &benchmath.DefaultThresholds))
	c.P, c.Adjusted, c.LeastP = test.P, test.P, leastRankP(c.N)
	return c, nil
}

// leastRankP is the p-value of two samples of n that do not overlap.
func leastRankP(n int) float64 {
	one, _ := math.Lgamma(float64(n + 1))
	both, _ := math.Lgamma(float64(2*n + 1))
	return 2 * math.Exp(2*one-both)
}

// positive are m's values of the cell that have a logarithm.
func positive(c *Cell, m Metric) []float64 {
	return slices.DeleteFunc(valuesOf(c.Trials, m), func(v float64) bool { return v <= 0 })
}
