package plots_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/gate"
	"metastorebench/plots"
)

func TestGatePower(t *testing.T) {
	throughput := gate.Gate{Metric: gate.Metric{Name: "throughput", Better: gate.Higher}, Load: "put50", Floor: 0.05}
	allocs := gate.Gate{Metric: gate.Metric{Name: "allocs_per_op"}, Load: "batch1", Floor: 0.02}
	p := &gate.Power{Runs: 50, Alarms: 1, Describe: "head x", Faults: []gate.FaultPower{
		{Gate: throughput, Runs: 50, Found: 48, Loss: 0.12},
		{Gate: throughput, Runs: 50, Found: 3, Loss: 0.05},
		{Gate: throughput, Runs: 50, Found: 0, Loss: -0.01},
		{Gate: allocs, Runs: 50, Found: 50, Loss: 0.1},
	}}
	f, err := plots.GatePower(p)
	require.NoError(t, err)
	require.Contains(t, f.Caption, "1 of 50 had a gate that regressed")
	svg, err := f.Render("svg")
	require.NoError(t, err)
	for _, text := range []string{"planted losses found, n=50 runs", "throughput@put50", "allocs_per_op@batch1", "measured loss (%)"} {
		require.Contains(t, string(svg), text)
	}
	_, err = plots.GatePower(&gate.Power{Runs: 1, Faults: p.Faults[2:3]})
	require.ErrorIs(t, err, plots.ErrNoData)
}
