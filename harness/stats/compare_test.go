package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

var puts = stats.Throughput(record.OpPut)

// pair makes a run of cells a and b whose log-ratios per block are logs.
func pair(t *testing.T, logs []float64) (a, b *stats.Cell) {
	t.Helper()
	var trials []record.Trial
	for i, l := range logs {
		trials = append(trials, trial("a", i, int64(math.Round(1e9*math.Exp(l)))), trial("b", i, 1e9))
	}
	r := newRun(t, trials...)
	return r.Cell("a"), r.Cell("b")
}

func TestComparePairsByBlock(t *testing.T) {
	// The ratio of medians would be 20/10 = 2; the blocks say 4, 2 and 0.5.
	r := newRun(t,
		trial("a", 0, 40), trial("a", 1, 20), trial("a", 2, 5), trial("a", 3, 99),
		trial("b", 0, 10), trial("b", 1, 10), trial("b", 2, 10))
	c, err := stats.Compare(r.Cell("a"), r.Cell("b"), puts)
	require.NoError(t, err)
	require.Equal(t, 3, c.N)
	require.InDelta(t, math.Cbrt(4), c.Ratio, 1e-12)
	require.InDelta(t, 0.5, c.Min, 1e-12)
	require.InDelta(t, 4, c.Max, 1e-12)
	require.False(t, c.Interval)
	require.True(t, math.IsNaN(c.P))
	require.False(t, c.Different())
	require.Equal(t, []stats.Warning{
		{Kind: stats.WarnFewSamples, Text: "n=3: needs 6 or more blocks for a 95 % interval"},
		{Kind: stats.WarnIncomplete, Text: "1 of 4 blocks have no partner"},
	}, c.Warnings)
}

func TestCompareRepeatsPairsByOrder(t *testing.T) {
	c, err := stats.CompareRepeats([]float64{40, 20, 5, 0, 99}, []float64{10, 10, 10, 10})
	require.NoError(t, err)
	require.Equal(t, 3, c.N)
	require.InDelta(t, math.Cbrt(4), c.Ratio, 1e-12)
	require.False(t, c.Interval)
	require.Contains(t, c.Warnings, stats.Warning{Kind: stats.WarnIncomplete, Text: "2 of 5 repeats have no partner"})

	// A drift that both sides follow does not widen the interval.
	c, err = stats.CompareRepeats([]float64{20, 42, 79, 161, 322, 638}, []float64{10, 20, 40, 80, 160, 320})
	require.NoError(t, err)
	require.True(t, c.Interval)
	require.InDelta(t, 2, c.Ratio, 0.05)
	require.Greater(t, c.Lo, 1.8)
	require.Less(t, c.Hi, 2.2)

	_, err = stats.CompareRepeats(nil, []float64{1})
	require.ErrorIs(t, err, stats.ErrNoPairs)
}

func TestCompareIntervalAndTestAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	different := 0
	for range 200 {
		logs := make([]float64, 10)
		for i := range logs {
			logs[i] = 0.03 + 0.05*rng.NormFloat64()
		}
		c, err := stats.Compare(pairOf(t, logs))
		require.NoError(t, err)
		require.InDelta(t, c.Ratio*c.Ratio, c.Lo*c.Hi, 1e-9, "the estimate is the interval's centre on a log scale")
		require.Equal(t, c.P < stats.Alpha, c.Lo > 1 || c.Hi < 1)
		if c.Different() {
			different++
		}
	}
	require.NotZero(t, different)
	require.Less(t, different, 200)
}

func pairOf(t *testing.T, logs []float64) (a, b *stats.Cell, m stats.Metric) {
	a, b = pair(t, logs)
	return a, b, puts
}

func TestCompareWithoutNoise(t *testing.T) {
	c, err := stats.Compare(pairOf(t, make([]float64, 8)))
	require.NoError(t, err)
	require.Equal(t, []float64{1, 1, 1, 1}, []float64{c.Ratio, c.Lo, c.Hi, c.P})
	a, b := pair(t, make([]float64, 8))
	c, err = stats.Compare(a, b, func(tr *record.Trial) (float64, bool) { return map[string]float64{"a": 6, "b": 3}[tr.Cell], true })
	require.NoError(t, err)
	require.InDelta(t, 2, c.Lo, 1e-12)
	require.InDelta(t, 2, c.Hi, 1e-12)
	require.True(t, c.Different())
}

func TestCompareRefusals(t *testing.T) {
	unsafe := trial("b", 0, 10)
	unsafe.Durability = record.TierUnsafe
	r := newRun(t, trial("a", 0, 10), unsafe)
	_, err := stats.Compare(r.Cell("a"), r.Cell("b"), puts)
	require.ErrorIs(t, err, stats.ErrTier)
	require.ErrorContains(t, err, `"a" is "synced", "b" is "unsafe"`)

	r = newRun(t, trial("a", 0, 10), trial("b", 1, 10))
	_, err = stats.Compare(r.Cell("a"), r.Cell("b"), puts)
	require.ErrorIs(t, err, stats.ErrNoPairs)

	open, closed := trial("a", 0, 10), trial("b", 0, 10)
	open.Workload = record.Workload{Loop: record.LoopOpen, OfferedOpsPerSecond: 100, Clients: 8, Conns: 1, Mix: map[string]float64{"put": 1}}
	closed.Workload = record.Workload{Loop: record.LoopClosed, Clients: 8, Conns: 4}
	r = newRun(t, open, closed)
	_, err = stats.Compare(r.Cell("a"), r.Cell("b"), puts)
	require.ErrorIs(t, err, stats.ErrWorkload)
	require.ErrorContains(t, err, `loop open and closed; offered rate 100 and 0; conns 1 and 4; mix map[put:1] and map[]`)
}

// TestAxesOfTheClientMayDiffer: what is compared is no different workload.
func TestAxesOfTheClientMayDiffer(t *testing.T) {
	one, many := trial("a", 0, 10), trial("b", 0, 10)
	one.Workload.Conns, many.Workload.Conns = 1, 8
	cells := []record.Cell{{ID: "a", Options: map[string]string{"conns": "1"}}, {ID: "b", Options: map[string]string{"conns": "N"}}}
	r, err := stats.NewRun(record.Manifest{Cells: cells}, []record.Trial{one, many})
	require.NoError(t, err)
	_, err = stats.Compare(r.Cell("a"), r.Cell("b"), puts)
	require.NoError(t, err)
}

func TestCorrect(t *testing.T) {
	tested := func(p float64) *stats.Comparison {
		return &stats.Comparison{N: 10, Interval: true, P: p, Adjusted: p, LeastP: 0.0001}
	}
	few := &stats.Comparison{N: 3, P: math.NaN()}
	table := []*stats.Comparison{tested(0.01), few, tested(0.03), tested(0.04)}
	require.Empty(t, stats.Correct(table))
	require.InDelta(t, 0.03, table[0].Adjusted, 1e-12)
	require.True(t, table[0].Different())
	require.False(t, table[2].Different(), "0.03 alone, 0.06 among three")
	require.False(t, few.Different())

	large := make([]*stats.Comparison, 600)
	for i := range large {
		large[i] = tested(0.0001)
	}
	w := stats.Correct(large)
	require.Len(t, w, 1)
	require.Equal(t, stats.WarnTableSize, w[0].Kind)
	require.Contains(t, w[0].Text, "n=10 is too few for 600 comparisons")
	for _, c := range large {
		c.LeastP = 0
	}
	require.Empty(t, stats.Correct(large), "a test without a bound can tell as many")
}

func TestCompareAcross(t *testing.T) {
	// Two runs of six: every value of one is above every one of the other. The
	// exact test gives 2 / (12 over 6) = 0.00216, and the estimate is the median
	// of 36 ratios.
	var trials []record.Trial
	for i := range 6 {
		trials = append(trials, trial("a", i, int64(200+i)), trial("b", i+100, 100))
	}
	r := newRun(t, trials...)
	c, err := stats.CompareAcross(r.Cell("a"), r.Cell("b"), puts)
	require.NoError(t, err)
	require.Equal(t, 6, c.N)
	require.InDelta(t, math.Sqrt(2.02*2.03), c.Ratio, 1e-9)
	require.InDelta(t, 2, c.Min, 1e-9)
	require.InDelta(t, 2.05, c.Max, 1e-9)
	require.InDelta(t, 2, c.Lo, 1e-9) // 36 ratios, 5 beyond each end: the sixth
	require.InDelta(t, 2.05, c.Hi, 1e-9)
	require.InDelta(t, 2.0/924, c.P, 1e-9)
	require.InDelta(t, c.P, c.LeastP, 1e-12, "no overlap is the most that a rank test can see")
	require.True(t, c.Different())

	few := newRun(t, trial("a", 0, 1), trial("b", 1, 1))
	c, err = stats.CompareAcross(few.Cell("a"), few.Cell("b"), puts)
	require.NoError(t, err)
	require.False(t, c.Interval)
	require.Equal(t, stats.WarnFewSamples, c.Warnings[0].Kind)
	_, err = stats.CompareAcross(few.Cell("a"), few.Cell("b"), stats.Allocs)
	require.ErrorIs(t, err, stats.ErrNoPairs)
}

// TestCoverageAcross measures the unpaired interval with 500 runs of each noise.
func TestCoverageAcross(t *testing.T) {
	const runs, n = 500, 10
	for name, noise := range noises {
		rng := rand.New(rand.NewPCG(8, 8))
		covered := 0
		for range runs {
			var trials []record.Trial
			for i := range n {
				trials = append(trials,
					trial("a", i, int64(1e9*math.Exp(0.2+0.05*noise(rng, i, n)))), trial("b", i, int64(1e9*math.Exp(0.05*noise(rng, i, n)))))
			}
			r := newRun(t, trials...)
			c, err := stats.CompareAcross(r.Cell("a"), r.Cell("b"), puts)
			require.NoError(t, err)
			if c.Lo <= math.Exp(0.2) && math.Exp(0.2) <= c.Hi {
				covered++
			}
		}
		t.Logf("%-8s %.3f", name, float64(covered)/runs)
		require.GreaterOrEqual(t, float64(covered)/runs, 0.93, name) // 0.95 less two standard errors
	}
}

func TestCopies(t *testing.T) {
	cells := []record.Cell{
		{ID: "a", Options: map[string]string{"arm": "a", "rpc": "x"}}, {ID: "other", Options: map[string]string{"arm": "a", "rpc": "y"}},
		{ID: "none", Options: map[string]string{"rpc": "x"}}, {ID: "b", Options: map[string]string{"arm": "b", "rpc": "x"}},
	}
	r, err := stats.NewRun(record.Manifest{Cells: cells}, []record.Trial{
		trial("a", 0, 1), trial("a", 1, 2), trial("a", 2, 3), trial("b", 0, 1), trial("other", 0, 1), trial("none", 0, 1),
	})
	require.NoError(t, err)
	pairs := r.Copies()
	require.Len(t, pairs, 1)
	require.Equal(t, []string{"a", "b"}, []string{pairs[0].A.ID, pairs[0].B.ID})
	part := pairs[0].A.Between(1, 2)
	require.Len(t, part.Trials, 1)
	require.Equal(t, 1, part.Trials[0].Block)
	require.Len(t, pairs[0].A.Trials, 3, "the cell is kept")
}

func TestProportion(t *testing.T) {
	// Clopper and Pearson's values for 0, 1 and 10 of 10: 1 - 0.025^(1/10) =
	// 0.3085, and 0.0025 to 0.4450.
	for k, want := range map[int][2]float64{0: {0, 0.3085}, 1: {0.0025, 0.4450}, 10: {0.6915, 1}} {
		lo, hi := stats.Proportion(k, 10)
		require.InDelta(t, want[0], lo, 1e-4)
		require.InDelta(t, want[1], hi, 1e-4)
	}
	lo, hi := stats.Proportion(0, 0)
	require.Equal(t, []float64{0, 1}, []float64{lo, hi})
}

// TestLatencyOfAPart: the histograms that a cell keeps are of all its trials.
func TestLatencyOfAPart(t *testing.T) {
	m, trials := statstest.AA(statstest.Config{Seed: 2, Blocks: 3, Level: "full", Samples: 100}, 1)
	r, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	c := r.Cells[0]
	for _, want := range []struct {
		cell  *stats.Cell
		count int64
	}{{c, 300}, {c.Between(0, 1), 100}, {c, 300}, {c.Between(1, 3), 200}} {
		l, err := stats.LatencyOf(want.cell, record.OpPut)
		require.NoError(t, err)
		require.Equal(t, want.count, l.Hist.TotalCount())
	}
}
