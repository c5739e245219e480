package plan

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// apiPlan is a plan with one workload and one group, of these texts.
func apiPlan(baseline, load, group string) []byte {
	return fmt.Appendf(nil, `
name: p
title: t
baseline: {engine: memory, disk: native%s}
workloads:
  w: {type: put, clients: 5, key_bytes: 8, value_bytes: 64, keys: 100, %s}
groups:
  - {name: g, designs: [fixed], workloads: [w], %s}
levels:
  default: {blocks: 1, warmup: 1s, measure: 1s}
`, baseline, load, group)
}

// TestAxisAPI checks that the axis decides how a workload's operations are sent,
// and that the cell's record says so.
func TestAxisAPI(t *testing.T) {
	for _, load := range []string{"batch_ops: 10", "batch_ops: 10, api: batch"} {
		p, err := Parse("p.yaml", apiPlan(", api: unary", load, "vary: {api: [unary, batch, stream]}"), catalog(t))
		require.NoError(t, err)
		m, err := p.Expand("default")
		require.NoError(t, err)
		require.Equal(t, []string{"memory/w/api=unary", "memory/w/api=batch", "memory/w/api=stream"}, ids(m, ""))
		sent := func(w record.Workload) []any { return []any{w.API, w.BatchOps} }
		require.Equal(t, []any{workload.APIGRPC, 0}, sent(m.Entries[0].Workload))
		require.Equal(t, []any{workload.APIBatch, 10}, sent(m.Entries[1].Workload))
		require.Equal(t, []any{workload.APIStream, 0}, sent(m.Entries[2].Workload))
	}
	p, err := Parse("p.yaml", apiPlan("", "batch_ops: 10, api: batch", "doc: no axis"), catalog(t))
	require.NoError(t, err)
	m, err := p.Expand("default")
	require.NoError(t, err)
	require.Equal(t, 10, m.Entries[0].Workload.BatchOps)
}

// TestAxisClient checks that the axis decides what makes single calls, and nothing else,
// and that selectors know it, of cells that have no such axis too.
func TestAxisClient(t *testing.T) {
	p, err := Parse("p.yaml", apiPlan(", api: unary, client: grpc-go", "batch_ops: 10", "vary: {api: [unary, batch], client: [grpc-go, lean]}"), catalog(t))
	require.NoError(t, err)
	m, err := p.Expand("default")
	require.NoError(t, err)
	var made []string
	for _, e := range m.Entries {
		made = append(made, e.Cell.Options[AxisAPI]+" "+e.Cell.Options[AxisClient]+": "+e.Workload.Client)
	}
	require.ElementsMatch(t, []string{"unary grpc-go: grpc-go", "unary lean: lean", "batch grpc-go: grpc-go", "batch lean: grpc-go"}, made)
	client := func(w record.Workload) string { return Properties(record.Cell{}, w, nil)[AxisClient] }
	require.Equal(t, record.ClientGRPC, client(record.Workload{API: workload.APIGRPC}), "a record from before there was a choice")
	require.Equal(t, record.ClientLean, client(record.Workload{API: workload.APIGRPC, Client: record.ClientLean}))
	require.Empty(t, client(record.Workload{API: workload.APIHTTP}))
}

// TestNetworkPlanHoldsWhatWasPromised: every value of --rpc with both clients, to 400.
func TestNetworkPlanHoldsWhatWasPromised(t *testing.T) {
	for level, most := range map[string]time.Duration{"smoke": 45 * time.Second, "default": 6 * time.Minute, "full": 20 * time.Minute} {
		m := expand(t, "rpc", level)
		require.LessOrEqual(t, m.Planned(), most, level)
		require.Len(t, m.Entries, 2*3*2*4, level)
	}
}

func TestAxisAPIDoesNotFit(t *testing.T) {
	for want, text := range map[string][]byte{
		"p.yaml:8: group g: workload w goes over http, and axis api asks for batch; accepted: api grpc, batch or stream": apiPlan(", api: unary", "api: http", "set: {api: batch}"),
		`p.yaml:8: group g: workload "w": batch_ops is 0; accepted: 1 to 10000`:                                          apiPlan(", api: unary", "api: grpc", "vary: {api: [unary, batch]}"),
		`p.yaml:6: workload "w": batch_ops is 10, but api grpc sends one operation in a call; accepted with api batch`:   apiPlan("", "batch_ops: 10", "doc: no axis"),
		`unknown value "pigeon" of axis api; accepted: unary, batch, stream`:                                             apiPlan(", api: pigeon", "batch_ops: 10", "doc: wrong axis"),
	} {
		_, err := Parse("p.yaml", text, catalog(t))
		require.ErrorIs(t, err, ErrInvalid)
		require.ErrorContains(t, err, want)
	}
}
