package attrib

import (
	"fmt"
	"math"

	"metastorebench/harness/infer"
)

// Product says whether the effects of parts multiply. A part is an item, or a
// group of items that are switched on together, such as a phase.
type Product struct {
	// Alone has each part's effect against the baseline, in the order given.
	Alone []infer.Effect
	// Product is the sum of Alone: what all parts would make if they multiplied.
	Product infer.Effect
	// Total is what all parts make together, as measured.
	Total infer.Effect
	// Residual is Total - Product. It excludes 0 if the parts do not multiply:
	// below, they stand in each other's way; above, they help each other.
	Residual infer.Effect
}

// Multiplicativity compares the product of k >= 1 parts' effects with the
// measured total. Each block holds k+2 responses, logarithms: the baseline, each
// part alone, all parts.
// Errors wrap ErrData.
//
// The residual's interval is wide for many parts: the baseline stands in it k-1
// times, and each part alone once.
func Multiplicativity(blocks [][]float64) (*Product, error) {
	if len(blocks) == 0 {
		return nil, fmt.Errorf("%w: no blocks", ErrData)
	}
	k := len(blocks[0]) - 2
	if k < 1 {
		return nil, fmt.Errorf("%w: block 0 has %d responses, want a baseline, one or more parts, and all", ErrData, len(blocks[0]))
	}
	if err := check(blocks, k+2); err != nil {
		return nil, err
	}
	e := estimator(blocks)
	product := func(y []float64) float64 {
		sum := 0.0
		for _, alone := range y[1 : k+1] {
			sum += alone - y[0]
		}
		return sum
	}
	total := func(y []float64) float64 { return y[k+1] - y[0] }
	p := &Product{
		Product:  e.over(product),
		Total:    e.over(total),
		Residual: e.over(func(y []float64) float64 { return total(y) - product(y) }),
	}
	for i := range k {
		p.Alone = append(p.Alone, e.over(func(y []float64) float64 { return y[1+i] - y[0] }))
	}
	return p, nil
}

// check refuses blocks that do not all hold n finite responses.
func check(blocks [][]float64, n int) error {
	if len(blocks) == 0 {
		return fmt.Errorf("%w: no blocks", ErrData)
	}
	for b, y := range blocks {
		if len(y) != n {
			return fmt.Errorf("%w: block %d has %d responses, want %d", ErrData, b, len(y), n)
		}
		for i, v := range y {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("%w: block %d, response %d is %v; want the logarithm of a positive number", ErrData, b, i, v)
			}
		}
	}
	return nil
}
