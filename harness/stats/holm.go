package stats

import (
	"cmp"
	"slices"
)

// Alpha is the chance of calling any difference in a table where there is none.
const Alpha = 1 - Confidence

// Holm returns p adjusted for their number, in their order: comparing these to
// Alpha keeps the chance of one or more false differences among all of them at
// Alpha or below, whatever their dependence. p is not changed. A NaN stands for
// a comparison without a test: it stays NaN and does not count.
//
// Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure,
// Scandinavian Journal of Statistics 6 (1979).
func Holm(p []float64) []float64 {
	adjusted := slices.Clone(p)
	var order []int
	for i, v := range p {
		if v == v { // not NaN
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	running := 0.0
	for rank, i := range order {
		running = max(running, min(1, p[i]*float64(len(order)-rank)))
		adjusted[i] = running
	}
	return adjusted
}
