package infer

import "math"

// Trend is Mann and Kendall's test of values that stand in the order of their
// measurement: tau is +1 if each is greater than all before it, -1 if less, and
// p is the two-sided chance of so much order among independent values. Ties
// count for neither, which makes p too large rather than too small.
//
// Sources: Mann, Nonparametric Tests against Trend, Econometrica 13 (1945);
// Kendall, Rank Correlation Methods.
func Trend(values []float64) (tau, p float64) {
	n, s := len(values), 0
	for i, v := range values {
		for _, later := range values[i+1:] {
			switch {
			case later > v:
				s++
			case later < v:
				s--
			}
		}
	}
	pairs := n * (n - 1) / 2
	if s == 0 {
		return 0, 1
	}
	return float64(s) / float64(pairs), kendallP(n, max(s, -s))
}

// kendallExact is the most values for which the distribution is counted out.
const kendallExact = 50

// kendallP is the chance of |S| >= s > 0 among n independent values.
func kendallP(n, s int) float64 {
	pairs := n * (n - 1) / 2
	if n > kendallExact {
		sd := math.Sqrt(float64(n) * float64(n-1) * float64(2*n+5) / 18)
		return math.Erfc(float64(s-1) / sd / math.Sqrt2)
	}
	// p[d] is the chance of d inversions in a random order of the first i values:
	// the i-th is inverted with 0 to i-1 of those before it, each as likely.
	p := []float64{1}
	for i := 2; i <= n; i++ {
		next := make([]float64, len(p)+i-1)
		for d, q := range p {
			for j := range i {
				next[d+j] += q / float64(i)
			}
		}
		p = next
	}
	tail := 0.0
	for d := 0; 2*d <= pairs-s; d++ { // S is pairs - 2d
		tail += p[d]
	}
	return min(1, 2*tail)
}
