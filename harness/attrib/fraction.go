package attrib

import (
	"fmt"
	"math/bits"

	"metastorebench/harness/fraction"
	"metastorebench/harness/infer"
)

// Fraction is the attribution of a fractional factorial. Everything in it but
// Total rests on a model: effects of three or more items are nil (sparsity). What
// the design aliases with what, the design says.
type Fraction struct {
	Design fraction.Design
	// Total is y[all] - y[{}], measured.
	Total infer.Effect
	// Main has the main effects, by item. Under the model they are the Shapley
	// shares too (an item's effect alone plus half of its interactions).
	Main []infer.Effect
	// Pairs are the interactions of two items that can be told apart: one per
	// alias set of Design.Pairs, in its order. At resolution V or more that is
	// one per pair of items; at IV some are sums of interactions.
	Pairs []infer.Effect
	// Alone and Last are the effects against the baseline and on top of all
	// others, by item, as the model has them: Main minus, or plus, half of the
	// item's interactions. Nil below resolution V.
	Alone, Last []infer.Effect
	// Model is the sum of Main: the total as the model has it.
	Model infer.Effect
	// LackOfFit is Total - Model. If it excludes 0, the model is wrong: there
	// are effects of three or more items.
	LackOfFit infer.Effect
}

// Fractional attributes the gain of a design's items. Each block holds the
// responses, logarithms, of the design's Points in their order, then that of
// Design.All, which is measured apart where the design does not hold it.
// Errors wrap ErrData.
func Fractional(d fraction.Design, blocks [][]float64) (*Fraction, error) {
	if d.K == 0 {
		return nil, fmt.Errorf("%w: no design", ErrData)
	}
	points := d.Points()
	if err := check(blocks, len(points)+1); err != nil {
		return nil, err
	}
	e := estimator(blocks)
	total := func(y []float64) float64 { return y[len(points)] - y[0] }
	main := func(y []float64, i int) float64 { return contrast(points, y, 1<<i) }
	model := func(y []float64) float64 {
		sum := 0.0
		for i := range d.K {
			sum += main(y, i)
		}
		return sum
	}
	f := &Fraction{
		Design: d, Total: e.over(total), Model: e.over(model),
		LackOfFit: e.over(func(y []float64) float64 { return total(y) - model(y) }),
	}
	for i := range d.K {
		f.Main = append(f.Main, e.over(func(y []float64) float64 { return main(y, i) }))
	}
	for _, set := range d.Pairs(2) {
		f.Pairs = append(f.Pairs, e.over(func(y []float64) float64 { return contrast(points, y, set[0].Effect) }))
	}
	if d.Resolution() >= fraction.ResolutionV {
		for i := range d.K {
			half := func(y []float64) float64 { return halfInteractions(d, points, y, i) }
			f.Alone = append(f.Alone, e.over(func(y []float64) float64 { return main(y, i) - half(y) }))
			f.Last = append(f.Last, e.over(func(y []float64) float64 { return main(y, i) + half(y) }))
		}
	}
	return f, nil
}

// contrast estimates an effect of one or two items with all that is aliased with
// it: for one, the mean difference that the item makes; for two, the mean change
// of one's effect when the other is switched on. y may be longer than points.
func contrast(points []fraction.Word, y []float64, effect fraction.Word) float64 {
	sum := 0.0
	for i, s := range points {
		if bits.OnesCount(uint(effect&^s))%2 == 0 {
			sum += y[i]
		} else {
			sum -= y[i]
		}
	}
	// Half of the settings have the sign +. A difference of differences is twice
	// the difference of their means.
	return sum * float64(effect.Order()) / float64(len(points)/2)
}

// halfInteractions is half of the sum of item i's interactions with the others.
func halfInteractions(d fraction.Design, points []fraction.Word, y []float64, i int) float64 {
	sum := 0.0
	for j := range d.K {
		if j != i {
			sum += contrast(points, y, 1<<i|1<<j)
		}
	}
	return sum / 2
}
