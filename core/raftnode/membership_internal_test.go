package raftnode

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/member"
)

// TestOvertakenChanges: a snapshot of the leader's tells which of the changes that
// wait have been made; the others are proposed again.
func TestOvertakenChanges(t *testing.T) {
	one := func(id uint64, learner bool) member.Member {
		return member.Member{ID: id, PeerURLs: []string{"http://127.0.0.1:1"}, Learner: learner}
	}
	after := member.NewSet(one(1, false), one(2, true), one(3, false))
	after.Removed = []uint64{4}
	c := changes{waiting: make(map[uint64]*change)}
	waiting := make(map[string]*change)
	for name, what := range map[string]member.Change{
		"added":            {Op: member.OpAdd, Member: one(2, true)},
		"promoted":         {Op: member.OpPromote, Member: one(3, false)},
		"removed":          {Op: member.OpRemove, Member: one(4, false)},
		"not yet added":    {Op: member.OpAdd, Member: one(9, true)},
		"not yet promoted": {Op: member.OpPromote, Member: one(2, true)},
		"not yet removed":  {Op: member.OpRemove, Member: one(1, false)},
		"update":           {Op: member.OpUpdate, Member: one(1, false)},
	} {
		waiting[name] = &change{what: what, entry: &raftpb.ConfChange{Id: new(uint64(len(waiting)))}, done: make(chan error, 1)}
		require.NoError(t, c.add(waiting[name]))
	}
	c.overtaken(after)
	for _, name := range []string{"added", "promoted", "removed"} {
		require.NoError(t, <-waiting[name].done)
		require.Equal(t, after, waiting[name].after)
		delete(waiting, name)
	}
	require.Len(t, c.waiting, len(waiting))
	for name, w := range waiting {
		require.Empty(t, w.done, name)
		require.Same(t, w, c.waiting[w.entry.GetId()], name)
	}
}
