package stats_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// twoFactors is a run of a plan with two factors: all four settings in block 0,
// the baseline and both on in block 1.
func twoFactors(t *testing.T) *stats.Run {
	t.Helper()
	m := record.Manifest{PlanYAML: "baseline: {pool: off, conns: 1, engine: memory}\nfactors: [{id: P3.4, axis: pool, value: on}, {id: P3.3, axis: conns, value: N}]\n"}
	var trials []record.Trial
	for i, id := range []string{"none", "pool", "conns", "both"} {
		m.Cells = append(m.Cells, record.Cell{ID: id, Group: "g", Workload: "put", Target: "metastore", Options: map[string]string{
			"engine": "memory", "pool": []string{"off", "on"}[i&1], "conns": []string{"1", "N"}[i>>1],
		}})
		tr := trial(id, 0, int64(10*(i+1)))
		tr.Workload.Loop = record.LoopClosed
		trials = append(trials, tr)
		if i == 0 || i == 3 {
			trials = append(trials, trial(id, 1, int64(100*(i+1))))
		}
	}
	r, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	return r
}

func TestFactorsOfTheRunsPlan(t *testing.T) {
	r := twoFactors(t)
	factors, err := r.Factors()
	require.NoError(t, err)
	require.Equal(t, []stats.Factor{{ID: "P3.4", Axis: "pool", Off: "off", On: "on"}, {ID: "P3.3", Axis: "conns", Off: "1", On: "N"}}, factors)

	r.Manifest.PlanYAML = "baseline: {engine: memory}"
	factors, err = r.Factors()
	require.NoError(t, err)
	require.Empty(t, factors, "a plan of ends has none")

	r.Manifest.PlanYAML = "factors: 3"
	_, err = r.Factors()
	require.ErrorIs(t, err, stats.ErrPlan)
}

func TestLogSettings(t *testing.T) {
	r := twoFactors(t)
	factors, err := r.Factors()
	require.NoError(t, err)
	s := r.Strata(factors)[0]

	blocks, left, complete := s.LogSettings(puts, []stats.Setting{3, 0})
	require.True(t, complete)
	require.Zero(t, left)
	require.Equal(t, [][]float64{{math.Log(40), math.Log(10)}, {math.Log(400), math.Log(100)}}, blocks, "in the order asked for")

	blocks, left, complete = s.LogSettings(puts, []stats.Setting{0, 1, 2, 3, 3})
	require.True(t, complete)
	require.Equal(t, 1, left, "block 1 lacks two settings")
	require.Len(t, blocks, 1)
	require.InDelta(t, math.Log(40), blocks[0][4], 1e-12, "a setting may repeat")

	_, _, complete = s.LogSettings(puts, []stats.Setting{4})
	require.False(t, complete, "there is no such cell")
}
