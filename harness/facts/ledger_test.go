package facts_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/plan"
)

// TestLedger: a row for each prediction that was judged, the joint verdict of goals
// that hold together, every environment below, and what is missing as notes.
func TestLedger(t *testing.T) {
	batch, rpc := alone("P1.1", 2, 100), alone("P1.4", 1.3, 1.3)
	batch.Name, rpc.Name = "first", "second"
	_, d := claimsOf(t, full, nil, plan.Claim{ID: "both", Both: true, Goals: []plan.ClaimGoal{batch, rpc}}, one("batch", alone("P1.1", 2, 100)), one("nothing", alone("P9.9", 2, 2)))
	head, every := d.Views[0].Tables[0], d.Views[0].Tables[1]
	keys := make([]string, len(head.Rows))
	for i, r := range head.Rows {
		keys[i] = r.Key
		require.Len(t, r.Cells, len(head.Columns))
	}
	require.Equal(t, []string{"both.first", "both.second", "batch"}, keys)
	row := head.Rows[1].Cells
	require.Equal(t, "both second", row[0].Text)
	require.Equal(t, "put throughput, P1.4 / no item: 1.3", row[1].Text)
	require.NotZero(t, row[2].Fact)
	require.Equal(t, "6", row[3].Text)
	require.Equal(t, "partly", row[5].Text)
	require.Contains(t, row[6].Text, "alone refuted: no effect")
	require.Greater(t, len(every.Rows), len(head.Rows))
	require.Equal(t, "both.first (2)", every.Rows[1].Key)
	require.Equal(t, "confirmed", every.Rows[0].Cells[5].Text)
	require.Equal(t, []string{"nothing: not yet measured: this run has no cells that bear on it.", "Verdicts: confirmed 1, partly 1, not yet measured 1."}, head.Notes)
}
