package attrib_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/attrib"
	"metastorebench/harness/infer"
)

const k = 4

func TestKnownSystems(t *testing.T) {
	near := func(want, got float64) { t.Helper(); require.InDelta(t, want, got, 1e-9) }
	ln := math.Log

	m := systems["multiplicative"].exact(t)
	for i, f := range []float64{1.5, 2, 1, 0.8} {
		for _, view := range [][]infer.Effect{m.Alone, m.Last, m.Ladder, m.Main, m.Shapley} {
			near(ln(f), view[i].Log)
		}
	}
	near(0, m.Residual.Log)
	near(0, m.Interaction[0][1].Log)

	m = systems["masking"].exact(t)
	near(ln(3), m.Alone[0].Log)
	near(ln(3), m.Alone[1].Log)
	near(0, m.Last[0].Log)
	near(ln(3), m.Ladder[0].Log)
	near(0, m.Ladder[1].Log)
	near(ln(3)/2, m.Shapley[0].Log)
	near(ln(3)/2, m.Shapley[1].Log)
	near(-ln(3), m.Interaction[0][1].Log)
	near(-ln(3), m.Residual.Log)

	m = systems["pure interaction"].exact(t)
	near(0, m.Alone[2].Log)
	near(ln(4), m.Last[2].Log)
	near(ln(4)/2, m.Shapley[2].Log)
	near(ln(4)/2, m.Main[3].Log)
	near(ln(4), m.Interaction[2][3].Log)
	near(ln(4), m.Residual.Log)

	m = systems["two bottlenecks"].exact(t)
	near(ln(2), m.Alone[0].Log)
	near(0, m.Alone[1].Log)
	near(ln(2.5), m.Last[1].Log)
	near(ln(5), m.Total.Log)
	near(ln(2.5), m.Interaction[0][1].Log)
	near(ln(2)+ln(2.5)/2, m.Shapley[0].Log)
	near(ln(2.5)/2, m.Shapley[1].Log)
}

func TestShapleyAddsUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		random := system(func(int) float64 { return rng.NormFloat64() })
		r, err := attrib.Factorial(k, random.blocks(rng, every(k), 3, normal))
		require.NoError(t, err)
		sum := 0.0
		for _, s := range r.Shapley {
			sum += s.Log
		}
		require.InDelta(t, r.Total.Log, sum, 1e-9)
	}
}

func TestMultiplicativity(t *testing.T) {
	ln := math.Log
	for name, c := range map[string]struct{ a, b, both, residual float64 }{
		"multiply":            {2, 3, 6, 1},
		"in each other's way": {2, 3, 3, 0.5},
		"only together":       {1, 1, 4, 4},
	} {
		t.Run(name, func(t *testing.T) {
			block := func(base float64) []float64 {
				return []float64{base, base + ln(c.a), base + ln(c.b), base + ln(c.both)}
			}
			p, err := attrib.Multiplicativity([][]float64{block(8), block(7), block(6)})
			require.NoError(t, err)
			require.InDelta(t, ln(c.a), p.Alone[0].Log, 1e-9)
			require.InDelta(t, ln(c.b), p.Alone[1].Log, 1e-9)
			require.InDelta(t, ln(c.a*c.b), p.Product.Log, 1e-9)
			require.InDelta(t, ln(c.both), p.Total.Log, 1e-9)
			require.InDelta(t, ln(c.residual), p.Residual.Log, 1e-9)
			require.Equal(t, c.residual == 1, p.Residual.P() > 0.5)
		})
	}
	for _, blocks := range [][][]float64{nil, {{1, 2}}, {{1, 2, 3}, {1, 2}}, {{1, math.NaN(), 3}}} {
		_, err := attrib.Multiplicativity(blocks)
		require.ErrorIs(t, err, attrib.ErrData)
	}
}

// TestPValue compares with the paired t test of four differences: mean 0.1, and
// t = 2 on 3 degrees of freedom.
func TestPValue(t *testing.T) {
	sem := 0.05
	d := sem * 2 * math.Sqrt(3) / 2 // two values at +d, two at -d have this standard error
	var blocks [][]float64
	for _, v := range []float64{0.1 + d, 0.1 - d, 0.1 + d, 0.1 - d} {
		blocks = append(blocks, []float64{5, 5 + v})
	}
	r, err := attrib.Factorial(1, blocks)
	require.NoError(t, err)
	require.InDelta(t, 0.1394, r.Total.P(), 1e-4)
	require.InDelta(t, 3.1824*sem, math.Log(r.Total.Hi)-r.Total.Log, 1e-5)
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		k      int
		blocks [][]float64
	}{
		"no items":  {0, [][]float64{{1}}},
		"too many":  {11, nil},
		"no blocks": {1, nil},
		"a hole":    {2, [][]float64{{1, 2, 3}}},
		"not a log": {1, [][]float64{{1, math.Inf(-1)}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := attrib.Factorial(c.k, c.blocks)
			require.ErrorIs(t, err, attrib.ErrData)
		})
	}
	r, err := attrib.Factorial(1, [][]float64{{1, 2}})
	require.NoError(t, err)
	require.False(t, r.Total.Interval, "one block has no interval")
}
