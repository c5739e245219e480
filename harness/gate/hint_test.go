package gate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/metric"
	"metastorebench/harness/record"
)

// TestHintsNameAQuantityOnce: syncs per write and writes per sync moved by the same,
// and a gate's own metric is no hint of its loss.
func TestHintsNameAQuantityOnce(t *testing.T) {
	run := simulated(24, truths(armTruth{allocs: 3, ops: -0.2}))
	for i := range run.Trials {
		if m := run.Trials[i].Mechanism; armOf(run.Manifest, run.Trials[i].Cell) == record.ArmHead {
			m.Fsyncs *= 2
		}
	}
	rows := judge(t, run).Rows
	names := func(w Row) (all []string) {
		for _, h := range w.Hints {
			all = append(all, h.Metric.Name)
		}
		return all
	}
	require.Equal(t, []string{"fsyncs_per_write"}, names(rows[0]), "of allocs@put")
	require.Equal(t, []string{"fsyncs_per_write", "allocs"}, names(rows[2]), "of throughput@put")
}

// TestAGateIsOfOneOperationType: a load of several has no throughput of its own.
func TestAGateIsOfOneOperationType(t *testing.T) {
	trial := record.Trial{MeasureNS: 1e9, Ops: []record.OpStats{{Op: record.OpPut, Count: 100}}}
	g := Gate{Metric: metric.Must("throughput")}
	v, ok := g.Of(&trial)
	require.True(t, ok)
	require.Equal(t, 100.0, v)
	trial.Ops = append(trial.Ops, record.OpStats{Op: record.OpGet, Count: 100})
	_, ok = g.Of(&trial)
	require.False(t, ok)
}
