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

// TestMembers: a cluster of several stands in a cell's id, whoever is the target.
func TestMembers(t *testing.T) {
	for target, want := range map[string][]string{
		"etcd":      {"etcd/w", "etcd/members=3/w"},
		"metastore": {"memory/w", "memory/members=3/w"},
	} {
		p, err := Parse("p.yaml", apiPlan(`, members: "1"`, "", `target: `+target+`, vary: {members: ["1", "3"]}`), catalog(t))
		require.NoError(t, err)
		m, err := p.Expand("default")
		require.NoError(t, err)
		require.Equal(t, want, ids(m, ""))
	}
	_, err := Parse("p.yaml", apiPlan("", "", `set: {members: "2"}`), catalog(t))
	require.ErrorContains(t, err, `unknown value "2" of axis members; accepted: 1, 3, 5`)
}

// TestPeerIsNotAskedForMore: what etcd cannot do is refused where the plan says
// it, be it in the group or in the baseline that all cells share.
func TestPeerIsNotAskedForMore(t *testing.T) {
	for _, tc := range []struct{ baseline, load, group, want string }{
		{"", "", "target: etcd, set: {disk: plan}", "p.yaml:8: group g: disk is plan, and target etcd cannot add a delay to its syncs; accepted: native"},
		{"", "batch_ops: 10, api: batch", "target: etcd", "workload w goes over batch, a service of our store's; accepted for target etcd: grpc, http"},
		{", api: batch", "batch_ops: 10", "target: etcd", "workload w goes over batch, a service of our store's"},
		{"", "", "target: etcd, set: {engine: pebble}", "axis engine means nothing to target etcd; accepted: rpc, disk, api, conns, client, members"},
	} {
		_, err := Parse("p.yaml", apiPlan(tc.baseline, tc.load, tc.group), catalog(t))
		require.ErrorIs(t, err, ErrInvalid)
		require.ErrorContains(t, err, tc.want)
	}
}
