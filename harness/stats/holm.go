package stats

import (
	"cmp"
	"slices"
)

// Holm corrects the p-values of one table for their number: the adjusted values,
// in the order given. Rejecting those below 0.05 keeps the chance of one or more
// false rejections in the table at 5 % or less, however the comparisons depend on
// each other (Holm, A Simple Sequentially Rejective Multiple Test Procedure,
// 1979). p is not changed.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	adjusted := make([]float64, len(p))
	least := 0.0 // an adjusted value is no less than those before it
	for rank, i := range order {
		least = max(least, min(1, float64(len(p)-rank)*p[i]))
		adjusted[i] = least
	}
	return adjusted
}
