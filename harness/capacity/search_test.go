package capacity

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

var wide = bounds{min: 10, start: 1000, max: 100_000, resolution: 0.05, repeats: 3}

// drive runs a search against a system and returns the rates that it tried.
func drive(t *testing.T, b bounds, meets func(rate float64) bool) (*Search, []float64) {
	t.Helper()
	s := newSearch(b)
	var tried []float64
	for {
		rate, ok := s.Rate()
		if !ok {
			return s, tried
		}
		require.GreaterOrEqual(t, rate, b.min)
		require.LessOrEqual(t, rate, b.max)
		tried = append(tried, rate)
		require.Less(t, len(tried), 1000, "the search does not end")
		s.Tell(meets(rate), false)
	}
}

func TestSearchFindsASharpLimit(t *testing.T) {
	for _, limit := range []float64{10.5, 37, 999, 1000, 1001, 4321, 64_000, 99_000} {
		s, _ := drive(t, wide, func(rate float64) bool { return rate <= limit })
		require.True(t, s.low <= limit && limit < s.high, "limit %v in [%v, %v)", limit, s.low, s.high)
		require.LessOrEqual(t, s.high/s.low, 1.05)
	}
}

func TestSearchStopsAtAMajority(t *testing.T) {
	_, tried := drive(t, wide, func(rate float64) bool { return rate <= 4000 })
	count := map[float64]int{}
	for _, r := range tried {
		count[r]++
	}
	for rate, n := range count {
		require.Equal(t, 2, n, "two of three decide rate %v", rate)
	}
	require.Equal(t, []float64{1000, 1000, 2000, 2000, 4000, 4000, 8000, 8000}, tried[:8])

	dissent := 0
	_, tried = drive(t, bounds{min: 500, start: 500, max: 500, resolution: 0.05, repeats: 5}, func(float64) bool { dissent++; return dissent%2 == 1 })
	require.Len(t, tried, 5, "met, not, met, not, met")
}

func TestSearchAtTheEnds(t *testing.T) {
	s, tried := drive(t, wide, func(float64) bool { return true })
	require.Equal(t, 100_000.0, s.low)
	require.Zero(t, s.high)
	require.Equal(t, 100_000.0, tried[len(tried)-1])

	s, tried = drive(t, wide, func(float64) bool { return false })
	require.Zero(t, s.low)
	require.Equal(t, 10.0, s.high)
	require.Equal(t, 10.0, tried[len(tried)-1])
}

// TestSearchUnderNoise has a system whose chance to meet falls smoothly around
// its limit: the result lies in the region where the chance is mixed.
func TestSearchUnderNoise(t *testing.T) {
	const limit, width = 5000.0, 0.03 // the chance goes from 0.88 to 0.12 within 6 % of the limit
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		s, _ := drive(t, wide, func(rate float64) bool {
			return rng.Float64() < 1/(1+math.Exp(2*math.Log(rate/limit)/width))
		})
		require.InEpsilon(t, limit, s.low, 0.2)
		require.LessOrEqual(t, s.high/s.low, 1.05)
	}
}

// TestSearchUnderUnrelatedNoise has a system that now and then fails at any rate
// and now and then passes at any: the search ends with a bracket all the same.
func TestSearchUnderUnrelatedNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	near := 0
	const runs = 300
	for range runs {
		s, tried := drive(t, wide, func(rate float64) bool { return (rate <= 5000) != (rng.Float64() < 0.05) })
		require.Less(t, s.low, s.high)
		require.LessOrEqual(t, len(tried), 60)
		if math.Abs(math.Log(s.low/5000)) < 0.1 {
			near++
		}
	}
	require.Greater(t, near, runs*80/100, "the majority outvotes one bad trial")
}

// TestSearchSaysWhoMissed has a generator that is late above 6,000.
func TestSearchSaysWhoMissed(t *testing.T) {
	for _, c := range []struct {
		limit float64
		late  bool
	}{{4000, false}, {6000, true}} {
		s := newSearch(wide)
		for {
			rate, ok := s.Rate()
			if !ok {
				break
			}
			s.Tell(rate <= c.limit, rate > 6000)
		}
		require.Equal(t, c.late, s.highLate, "only the bracket's upper end counts")
	}
}

func TestTidyKeepsFourDigits(t *testing.T) {
	for in, want := range map[float64]float64{1: 1, 0.123456: 0.1235, 12.3456: 12.35, 1234.56: 1235, 123_456: 123_500, 99_999: 100_000} {
		require.Equal(t, want, tidy(in))
	}
}

func TestLeftFallsToZero(t *testing.T) {
	s := newSearch(wide)
	for {
		rate, ok := s.Rate()
		if !ok {
			break
		}
		require.Positive(t, s.left())
		require.Less(t, s.left(), 100)
		s.Tell(rate <= 3000, false)
	}
	require.Zero(t, s.left())
}
