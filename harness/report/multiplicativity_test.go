package report

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/stats"
)

func TestPartitionsOfOnePhase(t *testing.T) {
	require.Equal(t, []partition{
		{name: "items of phase 1", parts: []stats.Setting{1, 2, 4, 8}, product: "35.1 to 114", together: "6"},
	}, partitions(append(stats.Factors(1), stats.Factor{ID: "other"})))
}

// TestPartitionsOfTwoPhases: P1.1 and P2.1 share a layer, and so do P1.2 and P2.3.
func TestPartitionsOfTwoPhases(t *testing.T) {
	var factors []stats.Factor
	for _, id := range []string{"P1.1", "P1.2", "P2.1", "P2.3", "other"} {
		factors = append(factors, stats.Factor{ID: id})
	}
	require.Equal(t, []partition{
		{name: "items of phase 1", parts: []stats.Setting{1, 2}, product: "9.00 to 22.0", together: "6"},
		{name: "items of phase 2", parts: []stats.Setting{4, 8}, product: "12.0", together: "2.5"},
		{name: "layers: consensus, protocol", parts: []stats.Setting{1 | 4, 2 | 8}, product: "108 to 264", together: none},
		{name: "phases", parts: []stats.Setting{1 | 2, 4 | 8}, product: "15.0", together: none},
	}, partitions(factors))
	require.Empty(t, partitions([]stats.Factor{{ID: "other"}}), "the plan predicts nothing of it")
}
