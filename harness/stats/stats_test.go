package stats_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/metric"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

// trial is a put trial of one second with n operations.
func trial(cell string, block int, n int64) record.Trial {
	return record.Trial{
		Schema: record.Schema, Cell: cell, Block: block, Order: block, MeasureNS: 1e9, Durability: record.TierSynced,
		Ops: []record.OpStats{{Op: record.OpPut, Count: n}},
	}
}

func newRun(t *testing.T, trials ...record.Trial) *stats.Run {
	t.Helper()
	m := record.Manifest{Cells: []record.Cell{{ID: "a"}, {ID: "b"}}}
	r, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	return r
}

func TestSummarizeKnownValues(t *testing.T) {
	s := stats.Summarize([]float64{3, 1})
	require.Equal(t, 2, s.N)
	require.Equal(t, []float64{2, 1, 3}, []float64{s.Median, s.Min, s.Max})
	require.False(t, s.Interval)
	require.Equal(t, []stats.Warning{{Kind: stats.WarnFewSamples, Text: "n=2: needs 3 or more blocks for a 95 % interval"}}, s.Warnings)

	// The estimate is the geometric mean, the description is the sample's own.
	s = stats.Summarize([]float64{1, 100, 10})
	require.True(t, s.Interval)
	require.Equal(t, []float64{10, 1, 100}, []float64{s.Median, s.Min, s.Max})
	require.InDelta(t, 10, s.Value, 1e-9)
	require.InDelta(t, 100, s.Lo*s.Hi, 1e-9)
	require.Empty(t, s.Warnings)

	require.Equal(t, "no valid trial", stats.Summarize(nil).Warnings[0].String())
}

func TestSummarizeKeepsItsInput(t *testing.T) {
	in := []float64{3, 1, 2}
	stats.Summarize(in)
	require.Equal(t, []float64{3, 1, 2}, in)
}

func TestCeilingShareDemandsACeiling(t *testing.T) {
	noop := trial("b", 0, 40)
	noop.Durability = record.TierNone
	r := newRun(t, trial("a", 0, 10), noop)
	s, err := stats.CeilingShare(r.Cell("a"), r.Cell("b"), puts)
	require.NoError(t, err)
	require.InDelta(t, 0.25, s.Ratio, 1e-12)
	_, err = stats.CeilingShare(r.Cell("a"), r.Cell("a"), puts)
	require.ErrorIs(t, err, stats.ErrTier)
	_, err = stats.Compare(r.Cell("a"), r.Cell("b"), puts)
	require.ErrorIs(t, err, stats.ErrTier, "a store and a ceiling are no ranking")
}

func TestNewRunTakesOutVoidTrials(t *testing.T) {
	void := trial("a", 1, 1_000_000)
	void.Void = "end state differs"
	again := trial("a", 1, 11)
	again.Order = 7
	r := newRun(t, trial("a", 0, 10), void, again)
	require.Equal(t, 3, r.Trials)
	require.Equal(t, []stats.Void{{Cell: "a", Block: 1, Reason: "end state differs"}}, r.Voids)
	require.Len(t, r.Cell("a").Void, 1)
	require.Equal(t, 11.0, stats.Over(r.Cell("a"), puts).Max)
}

func TestNewRunRefusesContradictions(t *testing.T) {
	m := record.Manifest{Cells: []record.Cell{{ID: "a"}}}
	_, err := stats.NewRun(m, []record.Trial{trial("x", 0, 1)})
	require.ErrorIs(t, err, stats.ErrUnknownCell)
	_, err = stats.NewRun(m, []record.Trial{trial("a", 0, 1), trial("a", 0, 1)})
	require.ErrorIs(t, err, stats.ErrDuplicate)
	other := trial("a", 1, 1)
	other.Durability = record.TierUnsafe
	_, err = stats.NewRun(m, []record.Trial{trial("a", 0, 1), other})
	require.ErrorIs(t, err, stats.ErrTier)
	_, err = stats.NewRun(record.Manifest{Cells: []record.Cell{{ID: "a"}, {ID: "a"}}}, nil)
	require.ErrorIs(t, err, stats.ErrDuplicate)
}

func TestPercentilesComeFromTheMergedHistogram(t *testing.T) {
	// One block of 600 at 1 ms and one of 400 at 9 ms: the mean of the two
	// medians would be 5 ms; the median of all is 1 ms.
	encode := func(ns, n int64) string {
		h := record.NewHistogram()
		require.NoError(t, h.RecordValues(ns, n))
		s, err := record.EncodeHDR(h)
		require.NoError(t, err)
		return s
	}
	a, b := trial("a", 0, 600), trial("a", 1, 400)
	a.Ops[0].ServiceHDR, b.Ops[0].ServiceHDR = encode(1e6, 600), encode(9e6, 400)
	l, err := stats.LatencyOf(newRun(t, a, b).Cell("a"), record.OpPut)
	require.NoError(t, err)
	require.Equal(t, 2, l.Blocks)
	p50, ok := l.Percentile(50)
	require.True(t, ok)
	require.InEpsilon(t, 1e6, p50, 1e-3)
	p99, ok := l.Percentile(99)
	require.True(t, ok, "1,000 operations are just enough")
	require.InEpsilon(t, 9e6, p99, 1e-3)
	_, ok = l.Percentile(99.9)
	require.False(t, ok, "p99.9 needs 10,000")

	b.Ops[0].OutOfRange = 20
	l, err = stats.LatencyOf(newRun(t, a, b).Cell("a"), record.OpPut)
	require.NoError(t, err)
	p99, _ = l.Percentile(99)
	require.GreaterOrEqual(t, p99, int64(record.Infinite), "what no bucket holds is longer than all others")

	a.Ops[0].ServiceHDR = "not a histogram"
	_, err = stats.LatencyOf(newRun(t, a).Cell("a"), record.OpPut)
	require.ErrorIs(t, err, record.ErrHistogram)
	require.ErrorContains(t, err, `cell "a", block 0, put`)
}

func TestStrata(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 1, Blocks: 2, Level: "default", Samples: 20})
	r, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	fs, err := r.Factors()
	require.NoError(t, err)
	require.Len(t, fs, 4)
	require.Equal(t, stats.Factor{ID: "P1.1", Axis: "propose", Off: "perop", On: "batch"}, fs[0])

	s := r.Strata(fs)[0]
	require.Equal(t, "put50", s.Workload)
	require.Len(t, s.Rows, 16)
	require.Equal(t, []stats.Setting{0, 1, 2, 4, 8}, []stats.Setting{s.Rows[0].Setting, s.Rows[1].Setting, s.Rows[2].Setting, s.Rows[3].Setting, s.Rows[4].Setting}, "none, then each item alone")
	require.Equal(t, s.All(), s.Rows[15].Setting)
	require.Equal(t, "batch", s.At(s.All()).Options["apply"])
	require.Nil(t, s.At(99))
	for _, s := range r.Strata(fs) {
		for _, row := range s.Rows {
			require.Equal(t, "metastore", row.Cell.Target, "a target without the axes is in no stratum")
		}
	}
}

func TestOpsOrder(t *testing.T) {
	tr := trial("a", 0, 1)
	tr.Ops = []record.OpStats{{Op: "zap"}, {Op: "delete"}, {Op: "compact"}, {Op: "get"}, {Op: "put"}}
	require.Equal(t, []string{"put", "get", "delete", "compact", "zap"}, newRun(t, tr).Cell("a").Ops())
}

func TestLogFactorial(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 7, Blocks: 3, Level: "full", Samples: 100})
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	factors, err := run.Factors()
	require.NoError(t, err)
	full := 0
	for _, s := range run.Strata(factors) {
		blocks, left, complete := s.LogFactorial(puts)
		require.Equal(t, len(s.Rows) == 16, complete, "%s %s", s.Group, s.Workload)
		if !complete || !s.At(0).Measured() {
			continue
		}
		full++
		require.Equal(t, 3, len(blocks)+left)
		for _, row := range s.Rows {
			for _, y := range blocks {
				// The response is one of the cell's own, as a logarithm.
				found := false
				for _, trial := range row.Cell.Trials {
					v, _ := puts(trial)
					found = found || math.Abs(math.Exp(y[row.Setting])-v) < 1e-6*v
				}
				require.True(t, found)
			}
		}
	}
	require.Positive(t, full)
}

// A tail counts what operations took that failed, unless the trial had other faults.
func TestTrialsWithFailures(t *testing.T) {
	void := func(block int, failed ...string) record.Trial {
		tr := trial("a", block, 100)
		tr.Void = "void"
		for _, name := range failed {
			tr.Checks = append(tr.Checks, record.Check{Name: name})
		}
		tr.Checks = append(tr.Checks, record.Check{Name: "linearizable", State: record.CheckTooFew})
		return tr
	}
	saturated := void(4, record.CheckErrors)
	saturated.OpenLoop = &record.OpenLoop{Due: 10, Unsent: 5}
	c := newRun(t, trial("a", 0, 100), void(3), void(2, record.CheckErrors), void(1, record.CheckErrors, "end-state"), saturated).Cell("a")
	require.Len(t, c.Trials, 1)
	require.Len(t, c.Recorded(), 5)
	var blocks []int
	for _, tr := range c.WithFailures().Trials {
		blocks = append(blocks, tr.Block)
	}
	require.Equal(t, []int{0, 2}, blocks)
}

func TestALevelIsNotBelowZero(t *testing.T) {
	r := newRun(t, trial("a", 0, 1), trial("a", 1, 1), trial("a", 2, 1))
	waits := map[int]float64{0: 0, 1: 0, 2: 24_000}
	read := func(tr *record.Trial) (float64, bool) { return waits[tr.Block], true }
	s, err := stats.LevelOf(r.Cell("a"), metric.Must("lock_wait"), read, "")
	require.NoError(t, err)
	require.True(t, s.Interval)
	require.Equal(t, 8_000.0, s.Value)
	require.Zero(t, s.Lo)
	require.Greater(t, s.Hi, 24_000.0)
}
