package attrib

import (
	"errors"
	"fmt"
	"math"
	"math/bits"

	"metastorebench/harness/infer"
)

// MaxItems bounds k: a factorial of more is not run in full.
const MaxItems = 10

// ErrData says that the responses do not form a factorial.
var ErrData = errors.New("attrib: not a factorial")

// Result is the attribution of one factorial of k items.
type Result struct {
	// Total is y[all] - y[{}].
	Total infer.Effect
	// Alone, Last, Ladder, Main and Shapley have one estimate per item.
	Alone, Last, Ladder, Main, Shapley []infer.Effect
	// Interaction[i][j], for i < j, is that of items i and j.
	Interaction [][]infer.Effect
	// Residual is Total minus the sum of Alone.
	Residual infer.Effect
}

// Pairs lists the interactions of all pairs i < j, by i and then j.
func (r *Result) Pairs() []infer.Effect {
	var pairs []infer.Effect
	for i := range r.Interaction {
		pairs = append(pairs, r.Interaction[i][i+1:]...)
	}
	return pairs
}

// Factorial attributes the gain of k items. Each block holds 2^k responses,
// logarithms, indexed by the set of items that are on (bit i for item i).
// Errors wrap ErrData.
func Factorial(k int, blocks [][]float64) (*Result, error) {
	if k < 1 || k > MaxItems {
		return nil, fmt.Errorf("%w: %d items, want 1 to %d", ErrData, k, MaxItems)
	}
	if err := check(blocks, 1<<k); err != nil {
		return nil, err
	}
	e := estimator(blocks)
	all := 1<<k - 1
	r := &Result{
		Total:    e.over(func(y []float64) float64 { return y[all] - y[0] }),
		Residual: e.over(func(y []float64) float64 { return residual(y, k) }),
	}
	for i := range k {
		bit := 1 << i
		r.Alone = append(r.Alone, e.over(func(y []float64) float64 { return y[bit] - y[0] }))
		r.Last = append(r.Last, e.over(func(y []float64) float64 { return y[all] - y[all&^bit] }))
		r.Ladder = append(r.Ladder, e.over(func(y []float64) float64 { return y[2*bit-1] - y[bit-1] }))
		r.Main = append(r.Main, e.over(func(y []float64) float64 { return mainEffect(y, k, i) }))
		r.Shapley = append(r.Shapley, e.over(func(y []float64) float64 { return shapley(y, k, i) }))
		r.Interaction = append(r.Interaction, make([]infer.Effect, k))
		for j := i + 1; j < k; j++ {
			r.Interaction[i][j] = e.over(func(y []float64) float64 { return interaction(y, k, i, j) })
		}
	}
	return r, nil
}

// residual is the total minus what the items do alone.
func residual(y []float64, k int) float64 {
	d := y[1<<k-1] - y[0]
	for i := range k {
		d -= y[1<<i] - y[0]
	}
	return d
}

// mainEffect is the mean difference that item i makes.
func mainEffect(y []float64, k, i int) float64 {
	sum := 0.0
	for s := range 1 << k {
		if s&(1<<i) == 0 {
			sum += y[s|1<<i] - y[s]
		}
	}
	return sum / float64(int(1)<<(k-1))
}

// interaction is the mean change of item i's effect when j is switched on.
func interaction(y []float64, k, i, j int) float64 {
	bi, bj, sum := 1<<i, 1<<j, 0.0
	for s := range 1 << k {
		if s&(bi|bj) == 0 {
			sum += y[s|bi|bj] - y[s|bi] - y[s|bj] + y[s]
		}
	}
	return sum / float64(int(1)<<(k-2))
}

// shapley is item i's mean difference over all orders: each set S without i
// comes before i in |S|! (k-|S|-1)! of the k! orders.
func shapley(y []float64, k, i int) float64 {
	sum := 0.0
	for s := range 1 << k {
		if s&(1<<i) != 0 {
			continue
		}
		n := bits.OnesCount(uint(s))
		orders := math.Gamma(float64(n+1)) * math.Gamma(float64(k-n)) / math.Gamma(float64(k+1))
		sum += orders * (y[s|1<<i] - y[s])
	}
	return sum
}
