package attrib

import (
	"math"

	"metastorebench/harness/infer"
)

// rounding is what sums and differences of a thousand logarithms can be wrong by;
// a log-ratio below it is none.
const rounding = 1e-12

// estimator turns a function of one block into an estimate over all blocks.
type estimator [][]float64

func (blocks estimator) over(f func(y []float64) float64) infer.Effect {
	values := make([]float64, len(blocks))
	for b, y := range blocks {
		if v := f(y); math.Abs(v) > rounding {
			values[b] = v
		}
	}
	return infer.Paired(values)
}
