package gate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

func TestRulesOfTheGate(t *testing.T) {
	r := mustRules(t)
	for _, g := range r.Gates {
		if g.Metric.Name == "throughput" || g.Metric.Name == "p50" || g.Metric.Name == "p99" {
			require.Equal(t, Noisy, g.Kind(), g.Name())
		}
	}
	steady, err := r.Narrow([]string{"put1", "put50"}, true)
	require.NoError(t, err)
	for _, g := range steady.Gates {
		require.Equal(t, Steady, g.Kind())
		require.Contains(t, []string{"put1", "put50"}, g.Load)
	}
	require.Empty(t, steady.Plants, "they are found on loads that are left out, or in times")
	_, err = r.Narrow([]string{"other"}, false)
	require.ErrorIs(t, err, ErrRules)
	require.ErrorContains(t, err, "no gate is about a load of the plan; its loads are other")
}

func TestRuleViolations(t *testing.T) {
	const bad = `
alpha: 0.7
beta: 0
looks: [0.5, 0.25]
gates:
  - {metric: speed, load: put1, floor: 1}
  - {metric: p99, load: "", floor: 1}
  - {metric: p99, load: put1, floor: -1}
  - {metric: p50, load: put1, floor: 1}
  - {metric: p50, load: put1, floor: 1}
plants:
  - {name: delay, metric: throughput, load: put1}
  - {name: rare, metric: fsyncs_per_write, load: put1, every: 3}
power:
  - {name: odd, metric: fsyncs_per_write, load: put1, every: -1}
`
	_, err := ParseRules([]byte(bad))
	require.ErrorIs(t, err, ErrRules)
	for _, want := range []string{
		"alpha is 0.7; accepted", "beta is 0; accepted", "looks are [0.5 0.25]; accepted", `speed@put1: unknown metric "speed"; accepted: throughput, `,
		"p99@: names no load", "floor is -1; accepted: above 0", "p50@put1: is there twice",
		`plant "rare": has every; accepted: under power only`, `plant "odd": every is -1; accepted: 1 or more`,
		`plant "delay": is to be found in throughput@put1, which is no gate`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, 13, len(strings.Split(err.Error(), "\n")))
	_, err = ParseRules([]byte("flavour: 1"))
	require.ErrorIs(t, err, ErrRules)
	require.ErrorContains(t, err, "line 1")
	_, err = ParseRules([]byte("{alpha: 0.05, beta: 0.05, looks: [1]}"))
	require.ErrorContains(t, err, "no gates")
}

func TestTrailers(t *testing.T) {
	accepted, err := ParseTrailers("c0ffee", "store: less pooling\n\nBody, Gate-accept: not here.\n\nGate-accept: allocs - pooled buffers removed, see #12\nGate-accept: p99@put50 - bounded queue - on purpose\nGate-accept: metastore_wal_bytes_total - nobody read it\n")
	require.NoError(t, err)
	require.Equal(t, []record.Accepted{
		{Metric: "allocs", Reason: "pooled buffers removed, see #12", Commit: "c0ffee"},
		{Metric: "p99", Load: "put50", Reason: "bounded queue - on purpose", Commit: "c0ffee"},
		{Metric: "metastore_wal_bytes_total", Reason: "nobody read it", Commit: "c0ffee"},
	}, accepted)
	r := mustRules(t)
	require.NotNil(t, accepts(accepted, r.named(t, "allocs", "get8")))
	require.NotNil(t, accepts(accepted, r.named(t, "p99", "put50")))
	require.Nil(t, accepts(accepted, r.named(t, "p50", "put50")))
	for _, bad := range []string{"Gate-accept: speed - why", "Gate-accept: p99", "Gate-accept: p99 - "} {
		_, err := ParseTrailers("c0ffee", bad)
		require.ErrorIs(t, err, ErrTrailer, bad)
		require.ErrorContains(t, err, "accepted: \"Gate-accept: METRIC[@LOAD] - REASON\"")
	}
}
