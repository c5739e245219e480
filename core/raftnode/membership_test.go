package raftnode_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/member"
	"metastorebench/core/raftnode"
)

// TestChangesAtOnce: Raft takes one membership change at a time; those that are
// asked for at the same time, anywhere, are all made, in one order for all.
func TestChangesAtOnce(t *testing.T) {
	everyLog(t, func(t *testing.T, c *cluster, _ bool) {
		c.leader(c.replicas...)
		var wg sync.WaitGroup
		for _, r := range c.replicas {
			wg.Go(func() {
				m := member.Member{ID: r.id, Name: fmt.Sprint("renamed ", r.id), PeerURLs: []string{fmt.Sprint("http://h:", r.id)}}
				set, err := r.node.ChangeMembers(t.Context(), member.Change{Op: member.OpUpdate, Member: m})
				if err != nil {
					t.Errorf("replica %d: %v", r.id, err)
				}
				if now, _ := set.Find(r.id); now.Name != m.Name {
					t.Errorf("replica %d is named %q", r.id, now.Name)
				}
			})
		}
		wg.Wait()
		c.put(c.replicas[0], "after")
		c.requireEverywhere("after")
		for _, r := range c.replicas {
			r.mu.Lock()
			require.Equal(t, c.replicas[0].members, r.members)
			for _, m := range r.members.Members {
				require.Equal(t, fmt.Sprint("renamed ", m.ID), m.Name)
			}
			r.mu.Unlock()
		}
	})
}

// TestRefusedChange: what the membership does not allow is refused with its reason
// and stops nobody.
func TestRefusedChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, syncPerReady{}, 0)
		lead := c.leader(c.replicas...)
		_, err := lead.node.ChangeMembers(t.Context(), member.Change{Op: member.OpPromote, Member: member.Member{ID: 2}})
		require.ErrorIs(t, err, member.ErrNotLearner)
		_, err = c.others(lead)[0].node.ChangeMembers(t.Context(), member.Change{Op: member.OpRemove, Member: member.Member{ID: 9}})
		require.ErrorIs(t, err, member.ErrNotFound)
		require.ErrorIs(t, lead.node.LearnerReady(t.Context(), 2), member.ErrNotLearner)
		require.ErrorIs(t, c.others(lead)[0].node.LearnerReady(t.Context(), 2), raftnode.ErrNotLeader)
		c.put(lead, "after")
		c.requireEverywhere("after")
	})
}

// TestRemoved: the others go on without a follower that is removed; it stops with
// that reason if it has been told of its removal, which Raft does not promise.
func TestRemoved(t *testing.T) {
	everyLog(t, func(t *testing.T, c *cluster, _ bool) {
		c.fails = true
		lead := c.leader(c.replicas...)
		gone := c.others(lead)[0]
		set, err := lead.node.ChangeMembers(t.Context(), member.Change{Op: member.OpRemove, Member: member.Member{ID: gone.id}})
		require.NoError(t, err)
		require.True(t, set.WasRemoved(gone.id))
		c.put(lead, "after")
		require.True(t, lead.has("after"))
		gone.stop()
		if gone.err != nil {
			require.ErrorIs(t, gone.err, member.ErrRemoved)
		}
	})
}

// TestTransferLeader moves the leadership around.
func TestTransferLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, syncPerReady{}, 0)
		lead := c.leader(c.replicas...)
		for _, next := range c.others(lead) {
			require.NoError(t, lead.node.TransferLeader(t.Context(), next.id))
			require.ErrorIs(t, lead.node.TransferLeader(t.Context(), next.id), raftnode.ErrNotLeader)
			lead = c.leader(c.replicas...)
			require.Same(t, next, lead)
		}
	})
}

// TestOldDataDirectory: a member that comes back with a copy of its data from
// before it acknowledged more stops with a reason, instead of voting.
func TestOldDataDirectory(t *testing.T) {
	everyLog(t, func(t *testing.T, c *cluster, safe bool) {
		if !safe {
			t.Skip("its log may lack what was acknowledged anyway")
		}
		c.fails = true
		lead := c.leader(c.replicas...)
		c.put(lead, "before")
		c.requireEverywhere("before")
		old := c.others(lead)[0]
		copied := old.fs.CrashClone(vfs.CrashCloneCfg{})
		for i := range 10 {
			c.put(lead, fmt.Sprint("since ", i))
		}
		c.requireEverywhere("since 9")
		old.stop()
		old.fs = copied
		c.start(old)
		old.done.Wait()
		require.ErrorIs(t, old.err, raftnode.ErrLogLost)
		require.ErrorContains(t, old.err, "add it again with an empty one")
		c.put(lead, "after")
	})
}

// TestLocalMessages: what only the library says to itself is not taken from peers.
func TestLocalMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, syncPerReady{}, 0)
		for _, kind := range []raftpb.MessageType{raftpb.MsgHup, raftpb.MsgUnreachable, raftpb.MsgSnapStatus, raftpb.MsgStorageAppendResp} {
			err := c.replicas[0].node.Step(t.Context(), &raftpb.Message{Type: kind.Enum()})
			require.ErrorIs(t, err, raftnode.ErrLocalMessage)
		}
	})
}
