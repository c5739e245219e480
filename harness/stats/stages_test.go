package stats_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/claims"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

// tracedRun is a synthetic run whose traced writes spend a fifth of their time in
// append and a tenth in each other stage.
func tracedRun(t *testing.T) *stats.Run {
	m, trials := statstest.Phase1(statstest.Config{Seed: 9, Blocks: 6, Level: "full", Samples: 500})
	r, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	return r
}

func TestBreakdownAddsUp(t *testing.T) {
	r := tracedRun(t)
	strata := r.TracedStrata(stats.Factors(1))
	require.Len(t, strata, 2, "native and plan disk")
	for _, s := range strata {
		b, ok := stats.BreakdownOf(s.Baseline())
		require.True(t, ok)
		require.Equal(t, []int64{6, 16}, []int64{int64(b.Trials), b.Every})
		require.Positive(t, b.Samples)
		var names []string
		sum, share := 0.0, 0.0
		for _, p := range b.Parts {
			names = append(names, p.Name)
			sum += p.MeanNS
			share += p.MeanNS / b.ServiceMeanNS
			require.Equal(t, 6, p.NS.N)
			require.True(t, p.Share.Interval)
		}
		require.Equal(t, append(record.StageNames(), stats.PartOutside), names)
		require.InEpsilon(t, b.ServiceMeanNS, sum, 1e-9)
		require.InDelta(t, 1, share, 1e-9)
		require.InEpsilon(t, b.Service.Median, b.ServiceMeanNS, 0.2)
		require.InEpsilon(t, 0.8*b.Service.Median, b.Store.Median, 0.1)
		requireLayers(t, b)
	}
}

// requireLayers compares the plan's layers with the synthetic division.
func requireLayers(t *testing.T, b stats.Breakdown) {
	t.Helper()
	want := map[string]float64{"B1": 0.2, "B2": 0.1, "B3": 0.1, "B4": 0.4, "B5": 0}
	for _, c := range claims.All() {
		if c.Kind != claims.KindLayer {
			continue
		}
		l, ok := b.Layer(c.ID)
		require.True(t, ok, c.ID)
		require.InDelta(t, want[c.ID], l.Share.Median, 0.05, c.ID)
		require.NotEmpty(t, l.What)
	}
	_, ok := b.Layer("B9")
	require.False(t, ok)
}

// TestTracedCellsAreNotStudied: they are slower by what tracing costs.
func TestTracedCellsAreNotStudied(t *testing.T) {
	r := tracedRun(t)
	for _, s := range r.Study(stats.Factors(1)) {
		require.False(t, stats.Traced(s.Options), s.Group)
	}
	_, ok := stats.BreakdownOf(r.Study(stats.Factors(1))[0].Baseline())
	require.False(t, ok, "no stages, no breakdown")
}

// overheadRun has a cell with arms a and b, traced and not; on[block] is the
// number of puts of each traced arm, where an untraced one has 1,000.
func overheadRun(t *testing.T, a, b []int64) *stats.Run {
	t.Helper()
	var m record.Manifest
	var trials []record.Trial
	for arm, on := range map[string][]int64{"a": a, "b": b} {
		for every, id := range map[string]string{"0": "off-" + arm, "16": "on-" + arm} {
			opts := map[string]string{"propose": "batch", "arm": arm, "stage-sample": every}
			m.Cells = append(m.Cells, record.Cell{ID: id, Group: "overhead", Workload: "put50", Options: opts})
			for block, n := range on {
				if every == "0" {
					n = 1000
				}
				trials = append(trials, trial(id, block, n))
			}
		}
	}
	r, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	return r
}

func TestOverhead(t *testing.T) {
	r := overheadRun(t, []int64{990, 980, 1000}, []int64{970, 980})
	all := r.Overheads()
	require.Len(t, all, 1)
	require.Equal(t, "16", all[0].Every)
	require.True(t, maps.Equal(map[string]string{"propose": "batch"}, all[0].Variant))
	require.Len(t, all[0].Pairs, 2)
	c, err := all[0].Ratio(puts)
	require.NoError(t, err)
	require.Equal(t, 2, c.N, "a block without both arms does not count")
	require.InDelta(t, 0.98, c.Ratio, 1e-4)
	_, err = all[0].Ratio(stats.PeakRSS)
	require.ErrorIs(t, err, stats.ErrNoPairs)
	require.Empty(t, tracedRun(t).Overheads())
	require.Empty(t, r.TracedStrata(nil), "what measures the overhead is no breakdown")
}
