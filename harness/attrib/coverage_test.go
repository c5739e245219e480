package attrib_test

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/attrib"
	"metastorebench/harness/fraction"
	"metastorebench/harness/infer"
)

// Coverage is measured over this many simulated runs of ten blocks each.
const (
	runs      = 200
	runBlocks = 10
)

// estimates names every estimate of a full factorial.
func estimates(r *attrib.Result) map[string]infer.Effect {
	out := map[string]infer.Effect{"total": r.Total, "residual": r.Residual}
	for name, view := range map[string][]infer.Effect{
		"alone": r.Alone, "last": r.Last, "ladder": r.Ladder, "main": r.Main, "shapley": r.Shapley, "pair": r.Pairs(),
	} {
		for i, e := range view {
			out[fmt.Sprint(name, " ", i)] = e
		}
	}
	return out
}

// fractionEstimates names every estimate of a fraction.
func fractionEstimates(r *attrib.Fraction) map[string]infer.Effect {
	out := map[string]infer.Effect{"total": r.Total, "model": r.Model, "lack of fit": r.LackOfFit}
	for name, view := range map[string][]infer.Effect{"main": r.Main, "pair": r.Pairs, "alone": r.Alone, "last": r.Last} {
		for i, e := range view {
			out[fmt.Sprint(name, " ", i)] = e
		}
	}
	return out
}

// cover simulates runs and checks how often each 95 % interval holds the truth:
// with normal noise 95 % within what so many runs can tell (four standard errors,
// both sides), with skewed noise at least 90 %. It logs the mean and the worst
// over the estimates.
func cover(t *testing.T, truth map[string]infer.Effect, isSkewed bool, simulate func() map[string]infer.Effect) {
	held := map[string]int{}
	for range runs {
		for name, e := range simulate() {
			if !e.Excludes(truth[name].Ratio) {
				held[name]++
			}
		}
	}
	least, sum := 1.0, 0.0
	for _, name := range slices.Sorted(maps.Keys(truth)) {
		coverage := float64(held[name]) / runs
		sum += coverage
		least = min(least, coverage)
		band := 4 * math.Sqrt(0.05*0.95/runs)
		if isSkewed {
			require.GreaterOrEqual(t, coverage, 0.90-band, name)
		} else {
			require.InDelta(t, 0.95, coverage, band, name)
		}
	}
	t.Logf("coverage of the 95 %% interval over %d runs of %d blocks: mean %.1f %%, worst of %d estimates %.1f %%",
		runs, runBlocks, 100*sum/float64(len(truth)), len(truth), 100*least)
}

// seeded gives each system noise of its own.
func seeded(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name)) // an fnv hash never fails
	return rand.New(rand.NewPCG(h.Sum64(), 0))
}

func TestCoverage(t *testing.T) {
	for name, f := range systems {
		for noiseName, e := range map[string]noise{"normal": normal, "skewed": skewed} {
			t.Run(name+"/"+noiseName, func(t *testing.T) {
				rng := seeded(name)
				cover(t, estimates(f.exact(t)), noiseName == "skewed", func() map[string]infer.Effect {
					r, err := attrib.Factorial(k, f.blocks(rng, every(k), runBlocks, e))
					require.NoError(t, err)
					return estimates(r)
				})
			})
		}
	}
}

// TestCoverageOfFractions uses a design of resolution VI, and one of IV whose
// points leave out the setting of all items.
func TestCoverageOfFractions(t *testing.T) {
	for _, c := range []struct{ k, resolution int }{{6, fraction.ResolutionV}, {9, fraction.ResolutionIV}} {
		d, err := fraction.Standard(c.k, c.resolution)
		require.NoError(t, err)
		for name, f := range systems {
			for noiseName, e := range map[string]noise{"normal": normal, "skewed": skewed} {
				t.Run(fmt.Sprintf("k=%d/%s/%s", c.k, name, noiseName), func(t *testing.T) {
					rng := seeded(name)
					cover(t, fractionEstimates(f.exactFraction(t, d)), noiseName == "skewed", func() map[string]infer.Effect {
						r, err := attrib.Fractional(d, f.blocks(rng, measured(d), runBlocks, e))
						require.NoError(t, err)
						return fractionEstimates(r)
					})
				})
			}
		}
	}
}
