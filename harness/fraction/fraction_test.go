package fraction_test

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/fraction"
)

// each calls fn for every standard design with what was asked for.
func each(t *testing.T, fn func(d fraction.Design, resolution int)) {
	for k := fraction.MinFactors; k <= fraction.MaxFactors; k++ {
		for _, resolution := range []int{fraction.ResolutionIV, fraction.ResolutionV} {
			d, err := fraction.Standard(k, resolution)
			require.NoError(t, err)
			fn(d, resolution)
		}
	}
}

// TestResolutionsOfTheTables compares the computed resolution and the number of
// settings with the tables of the books.
func TestResolutionsOfTheTables(t *testing.T) {
	want := map[[2]int][2]int{ // factors and resolution asked for: p and resolution
		{6, 5}: {1, 6}, {7, 5}: {1, 7}, {8, 5}: {2, 5}, {9, 5}: {2, 6}, {10, 5}: {3, 5},
		{6, 4}: {2, 4}, {7, 4}: {3, 4}, {8, 4}: {4, 4}, {9, 4}: {4, 4}, {10, 4}: {5, 4},
	}
	each(t, func(d fraction.Design, resolution int) {
		require.Equal(t, want[[2]int{d.K, resolution}], [2]int{d.P, d.Resolution()}, "%d factors", d.K)
		require.Len(t, d.Relation(), 1<<d.P-1)
	})
}

// TestPointsAreABalancedFraction checks what makes it a design: every factor is
// on in half of the settings, and every pair of factors takes its four levels
// equally often.
func TestPointsAreABalancedFraction(t *testing.T) {
	each(t, func(d fraction.Design, _ int) {
		points := d.Points()
		require.Len(t, points, 1<<(d.K-d.P))
		require.Zero(t, points[0], "the baseline comes first")
		for i := range d.K {
			for j := range i {
				var count [4]int
				for _, s := range points {
					count[s>>i&1<<1|s>>j&1]++
				}
				quarter := len(points) / 4
				require.Equal(t, [4]int{quarter, quarter, quarter, quarter}, count)
			}
		}
	})
}

// TestAliasesCannotBeToldApart compares, for random responses, the contrast of
// each effect with those of its aliases: equal but for the sign, and different
// for effects that are no aliases.
func TestAliasesCannotBeToldApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	each(t, func(d fraction.Design, _ int) {
		points := d.Points()
		y := make([]float64, len(points))
		for i := range y {
			y[i] = rng.NormFloat64()
		}
		contrast := func(effect fraction.Word) float64 {
			sum := 0.0
			for i, s := range points {
				off := bits.OnesCount(uint(effect &^ s))
				sum += float64(1-2*(off%2)) * y[i]
			}
			return sum
		}
		sets := slices.Concat(d.Mains(d.K), d.Pairs(d.K))
		for _, set := range sets {
			require.Len(t, set, 1<<d.P)
			for _, term := range set {
				require.InDelta(t, contrast(set[0].Effect), float64(term.Sign)*contrast(term.Effect), 1e-9, "%d factors: %v", d.K, set)
			}
		}
		for i, a := range sets {
			for _, b := range sets[:i] {
				require.Greater(t, math.Abs(math.Abs(contrast(a[0].Effect))-math.Abs(contrast(b[0].Effect))), 1e-9, "%v and %v", a, b)
			}
		}
	})
}

func TestPairsOfResolutionV(t *testing.T) {
	each(t, func(d fraction.Design, resolution int) {
		alone := func(set fraction.AliasSet) bool {
			return !slices.ContainsFunc(set[1:], func(a fraction.Term) bool { return a.Effect.Order() <= 2 })
		}
		for _, set := range d.Mains(d.K) {
			require.True(t, alone(set), "a main effect is aliased with no pair")
		}
		pairs := d.Pairs(2)
		if resolution == fraction.ResolutionV {
			require.Len(t, pairs, d.K*(d.K-1)/2)
		} else {
			require.Less(t, len(pairs), d.K*(d.K-1)/2, "resolution IV has pairs in common")
		}
	})
}

func TestLines(t *testing.T) {
	d, err := fraction.Standard(6, fraction.ResolutionV)
	require.NoError(t, err)
	lines := d.Lines([]string{"a", "b", "c", "d", "e", "f"})
	require.Equal(t, "2^(6-1) fractional factorial of resolution VI: 32 of 64 settings", lines[0])
	require.Equal(t, "items: A = a, B = b, C = c, D = d, E = e, F = f", lines[1])
	require.Equal(t, "defining relation: I = ABCDEF", lines[2])
	require.True(t, strings.HasPrefix(lines[3], "aliases of main effects, up to order 5: A = BCDEF, B = ACDEF, "), lines[3])
	require.Contains(t, lines[4], "AB = CDEF, AC = BDEF")

	d, err = fraction.Standard(8, fraction.ResolutionV)
	require.NoError(t, err)
	lines = d.Lines(strings.Fields("a b c d e f g h"))
	require.Contains(t, lines[0], "64 of 256 settings, and all items together", "a word of odd length leaves it out")
	require.Equal(t, "defining relation: I = -ABCDG = -ABEFH = CDEFGH", lines[2])

	d, err = fraction.Standard(6, fraction.ResolutionIV)
	require.NoError(t, err)
	require.Contains(t, strings.Join(d.Lines(strings.Fields("a b c d e f")), "\n"), "AB = CE, AC = BE, AD = EF, AE = BC = DF")
}

func TestMeasured(t *testing.T) {
	v, err := fraction.Standard(7, fraction.ResolutionV)
	require.NoError(t, err)
	iv, err := fraction.Standard(7, fraction.ResolutionIV)
	require.NoError(t, err)
	d, ok := fraction.Measured(7, v.Has)
	require.True(t, ok)
	require.Equal(t, 1, d.P)
	d, ok = fraction.Measured(7, func(s fraction.Word) bool { return iv.Has(s) || s == iv.All() })
	require.True(t, ok)
	require.Equal(t, 3, d.P)
	_, ok = fraction.Measured(7, func(s fraction.Word) bool { return s == 0 })
	require.False(t, ok)
	_, ok = fraction.Measured(4, func(fraction.Word) bool { return true })
	require.False(t, ok)
}

func TestRefusals(t *testing.T) {
	for _, c := range [][2]int{{5, 5}, {11, 5}, {6, 3}, {6, 6}} {
		_, err := fraction.Standard(c[0], c[1])
		require.ErrorIs(t, err, fraction.ErrNone)
	}
	_, err := fraction.Standard(5, 5)
	require.ErrorContains(t, err, "5 factors; accepted: 6 to 10")
}
