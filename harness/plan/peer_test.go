package plan

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

// TestPeerCells: a peer's cells keep the options that mean something to it, and
// their ids name the peer.
func TestPeerCells(t *testing.T) {
	p, err := Parse("p.yaml", apiPlan(", rpc: default, wal: perentry, api: unary", "", "target: etcd, set: {rpc: tuned}"), catalog(t))
	require.NoError(t, err)
	m, err := p.Expand("default")
	require.NoError(t, err)
	require.Equal(t, []record.Cell{{
		ID: "etcd/w", Group: "g", Workload: "w", Target: TargetEtcd,
		Options: map[string]string{"rpc": "tuned", "disk": "native", "api": "unary"},
	}}, m.Cells())
}

// TestPeerIsNotAskedForMore: what etcd cannot do is refused where the plan says
// it, be it in the group or in the baseline that all cells share.
func TestPeerIsNotAskedForMore(t *testing.T) {
	for _, tc := range []struct{ baseline, load, group, want string }{
		{"", "", "target: etcd, set: {disk: plan}", "p.yaml:8: group g: disk is plan, and target etcd cannot add a delay to its syncs; accepted: native"},
		{"", "batch_ops: 10, api: batch", "target: etcd", "workload w goes over batch, a service of our store's; accepted for target etcd: grpc, http"},
		{", api: batch", "batch_ops: 10", "target: etcd", "workload w goes over batch, a service of our store's"},
		{"", "", "target: etcd, set: {engine: pebble}", "axis engine means nothing to target etcd; accepted: rpc, disk, api"},
	} {
		_, err := Parse("p.yaml", apiPlan(tc.baseline, tc.load, tc.group), catalog(t))
		require.ErrorIs(t, err, ErrInvalid)
		require.ErrorContains(t, err, tc.want)
	}
}
