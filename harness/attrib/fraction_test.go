package attrib_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/attrib"
	"metastorebench/harness/fraction"
	"metastorebench/harness/infer"
)

func standard(t *testing.T, k, resolution int) fraction.Design {
	d, err := fraction.Standard(k, resolution)
	require.NoError(t, err)
	return d
}

// TestFractionsFindWhatFactorialsFind compares a fraction of 32 settings with the
// factorial of 64, on systems that the model holds for.
func TestFractionsFindWhatFactorialsFind(t *testing.T) {
	for name, f := range systems {
		t.Run(name, func(t *testing.T) {
			got := f.exactFraction(t, standard(t, 6, fraction.ResolutionV))
			want, err := attrib.Factorial(6, f.blocks(rand.New(rand.NewPCG(1, 1)), every(6), 2, none))
			require.NoError(t, err)
			same := func(want, got []infer.Effect) {
				t.Helper()
				require.Len(t, got, len(want))
				for i := range want {
					require.InDelta(t, want[i].Log, got[i].Log, 1e-9)
				}
			}
			same(want.Main, got.Main)
			same(want.Shapley, got.Main)
			same(want.Alone, got.Alone)
			same(want.Last, got.Last)
			same(want.Pairs(), got.Pairs)
			same([]infer.Effect{want.Total, want.Total}, []infer.Effect{got.Total, got.Model})
			require.InDelta(t, 0, got.LackOfFit.Log, 1e-9)
		})
	}
}

// TestResolutionIVSumsAliasedPairs plants an interaction of items 2 and 3. The
// design says which pairs it cannot tell from it; they share one estimate.
func TestResolutionIVSumsAliasedPairs(t *testing.T) {
	for _, k := range []int{6, 7, 8, 9, 10} {
		d := standard(t, k, fraction.ResolutionIV)
		r := systems["pure interaction"].exactFraction(t, d)
		require.Nil(t, r.Alone, "interactions that cannot be told apart give no effect alone")
		found := 0
		for i, set := range d.Pairs(2) {
			want := 0.0
			for _, term := range set {
				if term.Effect == 1<<2|1<<3 {
					want = float64(term.Sign*set[0].Sign) * math.Log(4)
					found++
				}
			}
			require.InDelta(t, want, r.Pairs[i].Log, 1e-9, "%d items: %v", k, set)
		}
		require.Equal(t, 1, found)
		for i, m := range r.Main {
			want := 0.0
			if i == 2 || i == 3 {
				want = math.Log(4) / 2
			}
			require.InDelta(t, want, m.Log, 1e-9, "main effects are clear of pairs")
		}
		require.InDelta(t, 0, r.LackOfFit.Log, 1e-9)
	}
}

// TestLackOfFitShowsThreeItems plants a gain of 4 that needs three items. The
// model gives each a quarter of it, where Shapley gives a third; the rest is the
// lack of fit.
func TestLackOfFitShowsThreeItems(t *testing.T) {
	three := system(func(s int) float64 {
		if on(s, 0) && on(s, 1) && on(s, 2) {
			return 8 + math.Log(4)
		}
		return 8
	})
	for _, k := range []int{6, 8} {
		r := three.exactFraction(t, standard(t, k, fraction.ResolutionV))
		require.InDelta(t, math.Log(4), r.Total.Log, 1e-9)
		require.InDelta(t, math.Log(4)/4, r.Main[0].Log, 1e-9)
		require.InDelta(t, 0, r.Main[3].Log, 1e-9)
		require.InDelta(t, math.Log(4)/4, r.LackOfFit.Log, 1e-9)
		require.NotZero(t, r.LackOfFit.Log)
	}
}

func TestModelAddsUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := system(func(int) float64 { return rng.NormFloat64() })
	d := standard(t, 7, fraction.ResolutionV)
	r, err := attrib.Fractional(d, random.blocks(rng, measured(d), 3, normal))
	require.NoError(t, err)
	sum := 0.0
	for _, m := range r.Main {
		sum += m.Log
	}
	require.InDelta(t, r.Model.Log, sum, 1e-9)
	require.InDelta(t, r.Total.Log, sum+r.LackOfFit.Log, 1e-9)
}

func TestFractionalRefusals(t *testing.T) {
	d := standard(t, 6, fraction.ResolutionIV)
	_, err := attrib.Fractional(d, nil)
	require.ErrorIs(t, err, attrib.ErrData)
	_, err = attrib.Fractional(d, [][]float64{make([]float64, 16)})
	require.ErrorIs(t, err, attrib.ErrData)
	require.ErrorContains(t, err, "16 responses, want 17")
	_, err = attrib.Fractional(fraction.Design{}, [][]float64{{1}})
	require.ErrorIs(t, err, attrib.ErrData)
}
