package gate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// noise makes losses of n blocks with a standard deviation of sd around a true
// loss, as a normal distribution or as Student's t with 3 degrees of freedom,
// which has heavy tails.
func noise(rng *rand.Rand, n int, truth, sd float64, heavy bool) Losses {
	losses := make(Losses, n)
	for i := range losses {
		v := rng.NormFloat64()
		if heavy {
			chi := 0.0
			for range 3 {
				z := rng.NormFloat64()
				chi += z * z
			}
			v /= math.Sqrt(chi) // variance of t(3)/sqrt(3) is 1
		}
		losses[i] = truth + sd*v
	}
	return losses
}

func mustRules(t testing.TB) Rules {
	t.Helper()
	r, err := ParseRules(DefaultText())
	require.NoError(t, err)
	return r
}

func (r Rules) named(t testing.TB, metric, load string) Gate {
	t.Helper()
	i := r.find(metric, load)
	require.GreaterOrEqual(t, i, 0)
	return r.Gates[i]
}

// TestErrorRates simulates gates on noise as measured, 16 % between neighbours:
// of losses on the floor no more are called regressed, and no more pass, than the
// rates promise; equal revisions are hardly ever called different; a loss of 10 %
// is found.
func TestErrorRates(t *testing.T) {
	const planned, runs, tests = 192, 2000, 15
	r := mustRules(t)
	g := r.named(t, "throughput", "put50")
	floor := g.limit()
	count := func(seed uint64, truth float64, heavy bool, tests int) map[Verdict]float64 {
		rng := rand.New(rand.NewPCG(seed, 1))
		share := make(map[Verdict]float64)
		for range runs {
			share[r.Decide(g, noise(rng, planned, truth, 0.16, heavy), tests, planned).Verdict] += 1.0 / runs
		}
		return share
	}
	for _, heavy := range []bool{false, true} {
		limit := func(rate float64) float64 { return rate + 3*math.Sqrt(rate*(1-rate)/runs) }
		at := count(1, floor, heavy, 1)
		require.LessOrEqual(t, at[Regressed], limit(r.Alpha), "heavy %v: %v", heavy, at)
		require.LessOrEqual(t, at[Pass]+at[Improved], limit(r.Beta), "heavy %v: %v", heavy, at)
		same := count(2, 0, heavy, tests)
		require.Less(t, same[Regressed]*tests, 0.02, "a whole run: %v", same)
		slower := count(3, -math.Log(0.9), heavy, tests)
		require.Greater(t, slower[Regressed], 0.9, "heavy %v: %v", heavy, slower)
		require.Zero(t, slower[Pass], "heavy %v", heavy)
	}
}

// TestSteadyLosses finds one allocation in 70 with noise of 1 %, and 5 % of log
// bytes with 0.4 %, in the first look of CI's plan.
func TestSteadyLosses(t *testing.T) {
	r := mustRules(t)
	rng := rand.New(rand.NewPCG(4, 1))
	for _, c := range []struct {
		metric, load string
		truth, sd    float64
	}{{"allocs_per_op", "put50", math.Log1p(1.0 / 70), 0.01}, {"allocs_per_op", "batch1", math.Log1p(1.0 / 10), 0.01}, {"wal_bytes_per_write", "put1", math.Log(1.05), 0.005}} {
		g := r.named(t, c.metric, c.load)
		for range 500 {
			d := r.Decide(g, noise(rng, 192, c.truth, c.sd, false), len(r.Gates), 192)
			require.Equal(t, Regressed, d.Verdict, "%s: %+v", g.Name(), d)
		}
	}
}

func TestDecisions(t *testing.T) {
	r := mustRules(t)
	same, lower, higher := r.named(t, "entries_per_ready", "put1"), r.named(t, "fsyncs_per_write", "put1"), r.named(t, "throughput", "put50")
	equal := func(n int, v float64) Losses {
		l := make(Losses, n)
		for i := range l {
			l[i] = v
		}
		return l
	}
	around := func(n int, v float64) Losses {
		l := equal(n, v)
		for i := range l {
			l[i] += 0.01 * float64(1-2*(i%2))
		}
		return l
	}
	for _, c := range []struct {
		name    string
		g       Gate
		losses  Losses
		planned int
		want    Verdict
		look    int
	}{
		{"no block yet", lower, nil, 24, Undecided, 0},
		{"before the first look with enough blocks", lower, equal(5, 0), 24, Undecided, 0},
		{"counts that agree", lower, equal(6, 0), 24, Pass, 1},
		{"what comes later does not matter", lower, append(equal(6, 0), equal(18, 1)...), 24, Pass, 1},
		{"more of what is to be less", lower, equal(6, 0.02), 24, Regressed, 1},
		{"less of it", lower, equal(6, -0.02), 24, Improved, 1},
		{"more, where neither is better", same, equal(6, 0.02), 24, Regressed, 1},
		{"less, where neither is better", same, equal(6, -0.02), 24, Regressed, 1},
		{"neither, within the floor", same, equal(6, -0.005), 24, Pass, 1},
		{"around the floor to the end", lower, around(24, math.Log1p(lower.Floor)), 24, Inconclusive, 3},
		{"blocks without pairs", lower, equal(24, math.NaN()), 24, Inconclusive, 3},
		{"too few blocks planned", lower, equal(4, 1), 4, Inconclusive, 0},
		{"a throughput", higher, equal(24, higher.loss(100, 90)), 24, Regressed, 1},
	} {
		d := r.Decide(c.g, c.losses, len(r.Gates), c.planned)
		require.Equal(t, c.want, d.Verdict, c.name)
		require.Equal(t, c.look, d.Look, c.name)
	}
	require.InDelta(t, 0.9, higher.Ratio(higher.loss(100, 90)), 1e-12)
	require.InDelta(t, 1.2, lower.Ratio(lower.loss(100, 120)), 1e-12)
	require.True(t, math.IsNaN(lower.loss(0, 1)))
}

// TestSpending checks that the looks together spend exactly the rate.
func TestSpending(t *testing.T) {
	require.Zero(t, spent(0.05, 0))
	require.InDelta(t, 0.05, spent(0.05, 1), 1e-12)
	require.InDelta(t, 0.05*math.Log(1+(math.E-1)/2), spent(0.05, 0.5), 1e-12)
	r := mustRules(t)
	blocks, shares := r.looksAt(192)
	require.Equal(t, []int{12, 24, 48, 96, 192}, blocks)
	require.Equal(t, []float64{0.0625, 0.125, 0.25, 0.5, 1}, shares)
	blocks, _ = r.looksAt(24)
	require.Equal(t, []int{6, 12, 24}, blocks, "a look needs six blocks")
	blocks, _ = r.looksAt(5)
	require.Empty(t, blocks)
}
