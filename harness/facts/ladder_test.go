package facts

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/plan"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

// phases are rungs of the plan that plan ladder climbs.
var phases = []plan.Rung{
	{Name: "baseline", Where: plan.Selector{"propose": {"perop"}}},
	{Name: "phase 1", Where: plan.Selector{"propose": {"batch"}, "wal": {"perentry"}}},
	{Name: "phase 2", Where: plan.Selector{"wal": {"group"}, "pipeline": {"off"}}},
	{Name: "phase 3", Where: plan.Selector{"pipeline": {"on"}, "wal": {"group"}}},
}

// TestLadder: ratios are what the report of 17fdb8b said of these rungs; the intervals
// are those of another family.
func TestLadder(t *testing.T) {
	doc := reference(t, "ladder", plan.Asked{Rungs: phases, Views: []plan.View{{
		Kind: "ladder", ID: "puts", Metrics: []string{"throughput", "p99"}, Ratios: []string{"throughput"},
		Where: plan.Selector{"ops": {"put"}},
	}}}, "ladder-memory", "ladder-memory-plan-disk", "ladder-batch-memory")
	for address, want := range map[string]float64{
		"puts/sustained, native, unary, phase 1/throughput_ratio": 3.20,
		"puts/sustained, native, unary, phase 3/throughput_ratio": 2.92,
		"puts/sustained, native, unary, phase 2/throughput_step":  0.945,
		"puts/put100, plan, unary, phase 1/throughput_ratio":      49.3,
		"puts/put100, native, unary, baseline/p99":                16.2,
	} {
		f, err := doc.At(address)
		require.NoError(t, err)
		require.InEpsilon(t, want, float64(f.Value), 0.005, address)
	}
	_, err := doc.At("puts/batch50, native, batch, phase 1/throughput_ratio")
	require.ErrorContains(t, err, `it holds "1"`, "the lowest rung that was measured")
	require.Len(t, doc.Views[0].Tables[0].Rows, 4*4+2*3)
}

// TestLadderFigures: the rungs in the plan's order, whatever the cells' order, a figure
// for each disk, and what a claim wants of the cells that it speaks of.
func TestLadderFigures(t *testing.T) {
	m, trials := statstest.Ladder(statstest.Config{Seed: 1, Blocks: 3, Level: "full", Samples: 20})
	wants := func(v float64) *float64 { return &v }
	doc := documentOf(t, m, trials, plan.Asked{Rungs: phases,
		Claims: []plan.Claim{{ID: "T", Goals: []plan.ClaimGoal{
			{Rule: plan.RuleReach, Metric: "throughput", Op: "put", Min: wants(20000), Contrast: plan.Contrast{Where: plan.Selector{"rung": {"phase 1"}, "disk": {"native"}}}},
			{Rule: plan.RuleReach, Metric: "throughput", Op: "put", Min: wants(50000), Contrast: plan.Contrast{Where: plan.Selector{"rung": {"phase 2"}, "disk": {"native"}}}},
			{Rule: plan.RuleReach, Metric: "p99", Op: "put", Max: wants(5), Contrast: plan.Contrast{Where: plan.Selector{"rung": {"phase 2"}}}},
		}}},
		Views: []plan.View{{Kind: "ladder", ID: "puts", Where: plan.Selector{"group": {"ladder-memory", "ladder-batch-memory", "ladder-stream-memory"}, "ops": {"put"}}}}})
	figs := doc.Views[0].Figures
	require.Len(t, figs, 2)
	for i, disk := range []string{"native", "plan"} {
		require.Contains(t, figs[i].ID, disk)
		require.Equal(t, []string{"baseline", "phase 1", "phase 2", "phase 3"}, figs[i].X.Categories)
		require.True(t, figs[i].Y.Log)
		f, err := doc.At("puts/put100, " + disk + ", unary, phase 3/throughput")
		require.NoError(t, err)
		require.Equal(t, f.ID, figs[i].Series[0].Points[3].Fact)
	}
	require.Len(t, figs[1].Series, 3, "single puts, batches, streams")
	require.Equal(t, Series{Name: "T wants", Style: StyleTarget, Points: []Point{{X: 1, Y: 20000}, {X: 2, Y: 50000}}}, figs[0].Series[3])
}

// TestLadderWithTwoCellsOnARung names both.
func TestLadderWithTwoCellsOnARung(t *testing.T) {
	m, trials := statstest.Ladder(statstest.Config{Seed: 1, Blocks: 3, Level: "full", Samples: 20})
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	_, err = Of(run, plan.Asked{Rungs: phases, Views: []plan.View{{Kind: "ladder", ID: "all", Where: plan.Selector{"group": {"layers"}}}}})
	require.ErrorContains(t, err, "view all: ")
	require.ErrorContains(t, err, "are both baseline of memory, put50, native, unary")
}
