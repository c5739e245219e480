package stats_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

var puts = metric.Must("throughput").Of(metric.Machine{}, record.OpPut)

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
	require.True(t, c.Interval)
	require.Equal(t, []stats.Warning{
		{Kind: stats.WarnIncomplete, Text: "1 of 4 blocks have no partner"},
	}, c.Warnings)
}

func TestCompareRepeatsPairsByOrder(t *testing.T) {
	c, err := stats.CompareRepeats([]float64{40, 20, 5, 0, 99}, []float64{10, 10, 10, 10})
	require.NoError(t, err)
	require.Equal(t, 3, c.N)
	require.InDelta(t, math.Cbrt(4), c.Ratio, 1e-12)
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

func pairOf(t *testing.T, logs []float64) (a, b *stats.Cell, m metric.Func) {
	a, b = pair(t, logs)
	return a, b, puts
}

func TestCompareWithoutNoise(t *testing.T) {
	c, err := stats.Compare(pairOf(t, make([]float64, 8)))
	require.NoError(t, err)
	require.Equal(t, []float64{1, 1, 1, 1}, []float64{c.Ratio, c.Lo, c.Hi, c.P()})
	a, b := pair(t, make([]float64, 8))
	c, err = stats.Compare(a, b, func(tr *record.Trial) (float64, bool) { return map[string]float64{"a": 6, "b": 3}[tr.Cell], true })
	require.NoError(t, err)
	require.InDelta(t, 2, c.Lo, 1e-12)
	require.InDelta(t, 2, c.Hi, 1e-12)
	infer.Judge(infer.Margin, &c.Effect)
	require.Equal(t, infer.Different, c.Word)
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

func TestCompareAcross(t *testing.T) {
	var trials []record.Trial
	for i := range 6 {
		trials = append(trials, trial("a", i, int64(200+i)), trial("b", i+100, 100))
	}
	r := newRun(t, trials...)
	c, err := stats.CompareAcross(r.Cell("a"), r.Cell("b"), puts)
	require.NoError(t, err)
	require.Equal(t, 6, c.N)
	require.InDelta(t, 2.025, c.Ratio, 1e-3)
	require.InDelta(t, 2, c.Min, 1e-9)
	require.InDelta(t, 2.05, c.Max, 1e-9)
	require.True(t, c.Interval)
	require.Empty(t, c.Warnings)

	few := newRun(t, trial("a", 0, 1), trial("b", 1, 1))
	c, err = stats.CompareAcross(few.Cell("a"), few.Cell("b"), puts)
	require.NoError(t, err)
	require.False(t, c.Interval)
	require.Equal(t, stats.WarnFewSamples, c.Warnings[0].Kind)
	_, err = stats.CompareAcross(few.Cell("a"), few.Cell("b"), metric.Must("allocs").Of(metric.Machine{}, ""))
	require.ErrorIs(t, err, stats.ErrNoPairs)
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
