package plots_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/gate"
	"metastorebench/harness/record"
	"metastorebench/plots"
)

func TestGateRatios(t *testing.T) {
	throughput := gate.Gate{Metric: gate.Metric{Name: "throughput", Better: gate.Higher}, Load: "put50", Floor: 0.05}
	entries := gate.Gate{Metric: gate.Metric{Name: "entries_per_ready", Better: gate.Same}, Load: "put1", Floor: 0.01}
	res := &gate.Result{
		Gate:    record.Gate{Arms: []record.Arm{{Name: record.ArmHead, Commit: "0123456789abcdef"}}},
		Outcome: gate.Regressed,
		Rows: []gate.Row{
			{Gate: throughput, Losses: gate.Losses{0.1, 0.12, math.NaN()}, Decision: gate.Decision{Verdict: gate.Regressed, N: 2, Mean: 0.11, SE: 0.01, AtLeast: 0.08, AtMost: 0.14}},
			{Gate: entries, Losses: gate.Losses{math.NaN()}, Decision: gate.Decision{Verdict: gate.Inconclusive, AtLeast: math.NaN(), AtMost: math.NaN()}},
		},
		Tests: []gate.SelfTest{
			{Pair: gate.Pair{New: record.ArmAgain, Want: gate.Pass}, Rows: []gate.Row{{Gate: throughput, Losses: gate.Losses{0}}}},
			{Pair: gate.Pair{New: "planted-lost-batch", Want: gate.Regressed}, Rows: []gate.Row{
				{Gate: entries, Losses: gate.Losses{0.7, 0.7}, Decision: gate.Decision{Verdict: gate.Regressed, N: 2, Mean: 0.7, AtLeast: 0.7, AtMost: 0.7}},
			}},
		},
	}
	f, err := plots.GateRatios(res)
	require.NoError(t, err)
	svg, err := f.Render("svg")
	require.NoError(t, err)
	for _, text := range []string{
		"0123456789ab against a stored run, regressed, n up to 2 blocks", "throughput@put50", "-10.42 %, regressed", "no pair, inconclusive",
		"planted-lost-batch: entries_per_ready@put1", "floor", "one block",
	} {
		require.Contains(t, string(svg), text)
	}
	require.NotContains(t, string(svg), ">pass<", "only verdicts that are there")

	_, err = plots.GateRatios(&gate.Result{Rows: res.Rows[1:]})
	require.ErrorIs(t, err, plots.ErrNoData)
}
