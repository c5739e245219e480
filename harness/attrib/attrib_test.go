package attrib_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/attrib"
)

const k = 4

// system is a synthetic store with a known log-throughput for each setting.
type system func(s int) float64

func on(s, i int) bool { return s&(1<<i) != 0 }

var systems = map[string]system{
	// Items multiply by 1.5, 2, 1 and 0.8.
	"multiplicative": func(s int) float64 {
		y := 8.0
		for i, f := range []float64{1.5, 2, 1, 0.8} {
			if on(s, i) {
				y += math.Log(f)
			}
		}
		return y
	},
	// Item 0 takes away the bottleneck that item 1 eases: either gives 3, both
	// give 3.
	"masking": func(s int) float64 {
		if on(s, 0) || on(s, 1) {
			return 8 + math.Log(3)
		}
		return 8
	},
	// Nothing alone, 4 together.
	"pure interaction": func(s int) float64 {
		if on(s, 2) && on(s, 3) {
			return 8 + math.Log(4)
		}
		return 8
	},
	"no effect": func(int) float64 { return 8 },
}

// blocks draws n blocks: a level shared by the block, and noise per cell that is
// skewed if skewed is set (a slow trial now and then).
func (f system) blocks(rng *rand.Rand, n int, skewed bool) [][]float64 {
	out := make([][]float64, n)
	for b := range out {
		level := 0.3 * rng.NormFloat64()
		out[b] = make([]float64, 1<<k)
		for s := range out[b] {
			noise := 0.08 * rng.NormFloat64()
			if skewed {
				noise = -0.08 * (rng.ExpFloat64() - 1)
			}
			out[b][s] = f(s) + level + noise
		}
	}
	return out
}

// exact is the system without noise: the truth that estimates are held to.
func (f system) exact(t *testing.T) *attrib.Result {
	y := make([]float64, 1<<k)
	for s := range y {
		y[s] = f(s)
	}
	r, err := attrib.Factorial(k, [][]float64{y, y}, 0.95)
	require.NoError(t, err)
	return r
}

// each calls fn for every estimate of both results, by name.
func each(truth, got *attrib.Result, fn func(name string, truth float64, got attrib.Estimate)) {
	fn("total", truth.Total.Log, got.Total)
	fn("residual", truth.Residual.Log, got.Residual)
	for i := range k {
		fn(fmt.Sprint("alone ", i), truth.Alone[i].Log, got.Alone[i])
		fn(fmt.Sprint("last ", i), truth.Last[i].Log, got.Last[i])
		fn(fmt.Sprint("ladder ", i), truth.Ladder[i].Log, got.Ladder[i])
		fn(fmt.Sprint("main ", i), truth.Main[i].Log, got.Main[i])
		fn(fmt.Sprint("shapley ", i), truth.Shapley[i].Log, got.Shapley[i])
		for j := i + 1; j < k; j++ {
			fn(fmt.Sprint("interaction ", i, j), truth.Interaction[i][j].Log, got.Interaction[i][j])
		}
	}
}

func TestKnownSystems(t *testing.T) {
	near := func(want, got float64) { t.Helper(); require.InDelta(t, want, got, 1e-9) }
	ln := math.Log

	m := systems["multiplicative"].exact(t)
	for i, f := range []float64{1.5, 2, 1, 0.8} {
		for _, view := range [][]attrib.Estimate{m.Alone, m.Last, m.Ladder, m.Main, m.Shapley} {
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
}

func TestShapleyAddsUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		random := system(func(int) float64 { return rng.NormFloat64() })
		r, err := attrib.Factorial(k, random.blocks(rng, 3, false), 0.95)
		require.NoError(t, err)
		sum := 0.0
		for _, s := range r.Shapley {
			sum += s.Log
		}
		require.InDelta(t, r.Total.Log, sum, 1e-9)
	}
}

// TestCoverage measures how often the 95 % interval holds the truth, over 1,000
// simulated runs of 10 blocks of each system: it must be 95 % within what 1,000
// runs can tell for normal noise (four standard errors), and at least 90 % with
// skewed noise.
func TestCoverage(t *testing.T) {
	const runs = 1000
	for name, f := range systems {
		for _, skewed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/skewed=%v", name, skewed), func(t *testing.T) {
				rng, truth := rand.New(rand.NewPCG(3, 4)), f.exact(t)
				missed := make(map[string]int)
				for range runs {
					r, err := attrib.Factorial(k, f.blocks(rng, 10, skewed), 0.95)
					require.NoError(t, err)
					each(truth, r, func(name string, truth float64, got attrib.Estimate) {
						if got.Excludes(truth) {
							missed[name]++
						}
					})
				}
				limit := 0.05 + 4*math.Sqrt(0.05*0.95/runs)
				if skewed {
					limit = 0.10
				}
				for what, n := range missed {
					require.LessOrEqual(t, float64(n)/runs, limit, "%s: %d of %d intervals miss the truth", what, n, runs)
				}
				require.NotEmpty(t, missed, "an interval that never misses is too wide")
			})
		}
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
			p, err := attrib.Multiplicativity([][]float64{block(8), block(7)}, 0.95)
			require.NoError(t, err)
			require.InDelta(t, ln(c.a), p.Alone[0].Log, 1e-9)
			require.InDelta(t, ln(c.b), p.Alone[1].Log, 1e-9)
			require.InDelta(t, ln(c.a*c.b), p.Product.Log, 1e-9)
			require.InDelta(t, ln(c.both), p.Total.Log, 1e-9)
			require.InDelta(t, ln(c.residual), p.Residual.Log, 1e-9)
			require.Equal(t, c.residual == 1, p.Residual.P > 0.5)
		})
	}
	for _, blocks := range [][][]float64{nil, {{1, 2}}, {{1, 2, 3}, {1, 2}}, {{1, math.NaN(), 3}}} {
		_, err := attrib.Multiplicativity(blocks, 0.95)
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
	r, err := attrib.Factorial(1, blocks, 0.95)
	require.NoError(t, err)
	require.InDelta(t, 0.1394, r.Total.P, 1e-4)
	require.InDelta(t, 3.1824*sem, r.Total.Hi-r.Total.Log, 1e-5)
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
			_, err := attrib.Factorial(c.k, c.blocks, 0.95)
			require.ErrorIs(t, err, attrib.ErrData)
		})
	}
	r, err := attrib.Factorial(1, [][]float64{{1, 2}}, 0.95)
	require.NoError(t, err)
	require.True(t, math.IsInf(r.Total.Lo, -1), "one block has no interval")
}
