package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/core/member"
)

// TestMembership drives the Cluster service through etcd's client.
func TestMembership(t *testing.T) {
	cluster := apitest.NewCluster(member.Member{ID: apitest.MemberID, Name: "m1", PeerURLs: []string{"http://p:2380"}})
	c := etcdClient(t, apitest.New(), api.ServerOptions{Cluster: cluster})
	ctx := t.Context()

	added, err := c.MemberAddAsLearner(ctx, []string{"http://p:2381"})
	require.NoError(t, err)
	require.True(t, added.Member.IsLearner)
	require.Len(t, added.Members, 2)
	require.Zero(t, added.Header.Revision)
	id := added.Member.ID
	_, err = c.MoveLeader(ctx, id)
	require.ErrorIs(t, err, rpctypes.ErrBadLeaderTransferee)

	promoted, err := c.MemberPromote(ctx, id)
	require.NoError(t, err)
	require.False(t, promoted.Members[1].IsLearner)
	_, err = c.MemberUpdate(ctx, id, []string{"http://p:2382"})
	require.NoError(t, err)
	_, err = c.MoveLeader(ctx, id)
	require.NoError(t, err)
	require.Equal(t, id, cluster.Leader())
	_, err = c.MoveLeader(ctx, id)
	require.ErrorIs(t, err, rpctypes.ErrNotLeader)
	removed, err := c.MemberRemove(ctx, id)
	require.NoError(t, err)
	require.Len(t, removed.Members, 1)
}

// TestMembershipErrors: etcd's errors for etcd's cases.
func TestMembershipErrors(t *testing.T) {
	cluster := apitest.NewCluster(
		member.Member{ID: apitest.MemberID, Name: "m1", PeerURLs: []string{"http://p:2380"}},
		member.Member{ID: 2, PeerURLs: []string{"http://p:2"}, Learner: true})
	c := etcdClient(t, apitest.New(), api.ServerOptions{Cluster: cluster})
	ctx := t.Context()
	_, err := c.MemberAdd(ctx, []string{"http://p:2380"})
	require.ErrorIs(t, err, rpctypes.ErrPeerURLExist)
	_, err = c.MemberAddAsLearner(ctx, []string{"http://p:3"})
	require.ErrorIs(t, err, rpctypes.ErrTooManyLearners)
	_, err = c.MemberUpdate(ctx, 2, []string{"http://a:1", "http://a:2"})
	require.ErrorIs(t, err, rpctypes.ErrMemberBadURLs)
	_, err = c.MemberPromote(ctx, apitest.MemberID)
	require.ErrorIs(t, err, rpctypes.ErrMemberNotLearner)
	_, err = c.MemberRemove(ctx, 99)
	require.ErrorIs(t, err, rpctypes.ErrMemberNotFound)
	_, err = c.MemberRemove(ctx, 2)
	require.NoError(t, err)
	_, err = c.MemberPromote(ctx, 2)
	require.ErrorIs(t, err, rpctypes.ErrMemberNotFound)
}
