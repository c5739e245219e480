package raftnode

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/kv"
)

// newInboxOnly is a node whose loop does not run.
func newInboxOnly() *Node {
	n := &Node{inbox: newInbox()}
	n.ended, n.end = context.WithCancel(context.Background())
	return n
}

func appendOf(bytes int) *raftpb.Message {
	return &raftpb.Message{Type: raftpb.MsgApp.Enum(), Term: new(uint64(1)), Index: new(uint64(4)), Entries: []*raftpb.Entry{{Index: new(uint64(5)), Data: make([]byte, bytes)}}}
}

// TestInboxIsBounded: by bytes as well as by number; a peer waits then, until there
// is room, its connection ends or the node does.
func TestInboxIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newInboxOnly()
		const each = 1 << 20
		ctx, cancel := context.WithCancel(t.Context())
		steps := make(chan error)
		go func() {
			for {
				err := n.Step(ctx, appendOf(each))
				steps <- err
				if err != nil {
					return
				}
			}
		}()
		taken := 0
		for ; ; taken++ {
			synctest.Wait()
			select {
			case err := <-steps:
				require.NoError(t, err)
				continue
			default:
			}
			break
		}
		require.Less(t, taken, inboxBytes/each+1)
		require.Greater(t, taken, inboxBytes/each/2)

		a := <-n.inbox.queue
		n.inbox.room.Release(a.bytes)
		require.NoError(t, <-steps, "there is room for one more")
		cancel()
		require.ErrorIs(t, <-steps, context.Canceled)

		ended := make(chan error)
		go func() { ended <- n.Step(t.Context(), appendOf(each)) }()
		synctest.Wait()
		n.end()
		require.ErrorIs(t, <-ended, kv.ErrStopped)
	})
}

// TestHugeMessage: one that exceeds the bound by itself still comes through.
func TestHugeMessage(t *testing.T) {
	n := newInboxOnly()
	require.NoError(t, n.Step(t.Context(), appendOf(inboxBytes+1)))
	require.Equal(t, int64(inboxBytes), (<-n.inbox.queue).bytes)
}

// TestHeldAppendsTakeRoom: while a log that groups nothing is being written, appends
// are held, and a peer that sends more than the inbox has room for waits.
func TestHeldAppendsTakeRoom(t *testing.T) {
	n := newInboxOnly()
	n.appender, n.writing = new(appender), []*logWrite{{}}
	const each = 1 << 20
	for n.inbox.room.TryAcquire(each) {
		n.inbox.room.Release(each)
		require.NoError(t, n.Step(t.Context(), appendOf(each)))
		n.receive(<-n.inbox.queue)
	}
	require.Greater(t, len(n.held), inboxBytes/each/2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, n.Step(ctx, appendOf(each)), context.Canceled)
}

// TestImpossibleMessages: they would bring the library down, and are refused.
func TestImpossibleMessages(t *testing.T) {
	entry := func(index uint64, kind raftpb.EntryType, data string) *raftpb.Entry {
		return &raftpb.Entry{Index: &index, Type: &kind, Data: []byte(data)}
	}
	one := new(uint64(1))
	for name, m := range map[string]*raftpb.Message{
		"append with a gap":        {Type: raftpb.MsgApp.Enum(), Term: one, Index: new(uint64(4)), Entries: []*raftpb.Entry{entry(5, 0, ""), entry(7, 0, "")}},
		"append that starts late":  {Type: raftpb.MsgApp.Enum(), Term: one, Index: new(uint64(4)), Entries: []*raftpb.Entry{entry(6, 0, "")}},
		"entry of another program": {Type: raftpb.MsgApp.Enum(), Term: one, Entries: []*raftpb.Entry{entry(1, raftpb.EntryConfChangeV2, "")}},
		"vote of no term":          {Type: raftpb.MsgVote.Enum()},
		"proposal of a term":       {Type: raftpb.MsgProp.Enum(), Term: one, Entries: []*raftpb.Entry{entry(0, 0, "")}},
		"proposal of nothing":      {Type: raftpb.MsgProp.Enum()},
		"read without a name":      {Type: raftpb.MsgReadIndex.Enum()},
		"damaged change":           {Type: raftpb.MsgProp.Enum(), Entries: []*raftpb.Entry{entry(0, raftpb.EntryConfChange, "\xff")}},
		"change of nothing":        {Type: raftpb.MsgProp.Enum(), Entries: []*raftpb.Entry{entry(0, raftpb.EntryConfChange, "")}},
		"snapshot of nothing":      {Type: raftpb.MsgSnap.Enum(), Term: one},
		"snapshot of no members": {Type: raftpb.MsgSnap.Enum(), Term: one, Snapshot: &raftpb.Snapshot{
			Data: []byte("\xff"), Metadata: &raftpb.SnapshotMetadata{Index: new(uint64(5)), Term: one}}},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, newInboxOnly().Step(t.Context(), m), ErrBadMessage)
		})
	}
	for _, m := range []*raftpb.Message{
		appendOf(1), {Type: raftpb.MsgHeartbeat.Enum(), Term: one}, {Type: raftpb.MsgReadIndex.Enum(), Entries: []*raftpb.Entry{{Data: []byte("id")}}},
		{Type: raftpb.MsgProp.Enum(), Entries: []*raftpb.Entry{entry(0, 0, "x")}},
	} {
		require.NoError(t, newInboxOnly().Step(t.Context(), m))
	}
}
