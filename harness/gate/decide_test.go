package gate

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

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
		{"before the first look with enough blocks", lower, equal(7, 0), 24, Undecided, 0},
		{"counts that agree", lower, equal(8, 0), 24, Pass, 1},
		{"what comes later does not matter", lower, append(equal(8, 0), equal(16, 1)...), 24, Pass, 1},
		{"more of what is to be less", lower, equal(8, 0.02), 24, Regressed, 1},
		{"less of it", lower, equal(8, -0.02), 24, Improved, 1},
		{"more, where neither is better", same, equal(8, 0.02), 24, Regressed, 1},
		{"less, where neither is better", same, equal(8, -0.02), 24, Regressed, 1},
		{"neither, within the floor", same, equal(8, -0.005), 24, Pass, 1},
		{"around the floor to the end", lower, around(24, math.Log1p(lower.Floor)), 24, Inconclusive, 3},
		{"blocks without pairs", lower, equal(24, math.NaN()), 24, Inconclusive, 3},
		{"too few blocks planned", lower, equal(4, 1), 4, Inconclusive, 0},
		{"a throughput", higher, equal(24, higher.loss(100, 90)), 24, Regressed, 1},
	} {
		d := r.Decide(c.g, c.losses, nil, len(r.Gates), c.planned)
		require.Equal(t, c.want, d.Verdict, c.name)
		require.Equal(t, c.look, d.Look, c.name)
	}
	require.InDelta(t, 0.9, higher.Ratio(higher.loss(100, 90)), 1e-12)
	require.InDelta(t, 1.2, lower.Ratio(lower.loss(100, 120)), 1e-12)
	require.True(t, math.IsNaN(lower.loss(0, 1)))
}

// TestLayoutWidens: the interval of a time that is compared with two layouts of base
// is wider on both sides by half of what lies between them.
func TestLayoutWidens(t *testing.T) {
	r := mustRules(t)
	g := r.named(t, "throughput", "put50")
	around := func(n int, v float64) Losses {
		l := make(Losses, n)
		for i := range l {
			l[i] = v + 0.001*float64(1-2*(i%2))
		}
		return l
	}
	plain := r.Decide(g, around(32, 0.08), nil, len(r.Gates), 200)
	require.Equal(t, Regressed, plain.Verdict)
	wide := r.Decide(g, around(32, 0.08), around(32, -0.1), len(r.Gates), 200)
	require.Equal(t, Undecided, wide.Verdict, "0.08 less 0.05 is within the floor")
	require.InDelta(t, 0.05, wide.Layout, 1e-9)
	require.Equal(t, Pass, r.Decide(g, around(32, 0), nil, len(r.Gates), 200).Verdict)
	require.Equal(t, Undecided, r.Decide(g, around(32, 0), around(32, 0.12), len(r.Gates), 200).Verdict)
}
