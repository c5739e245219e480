package raftnode

import (
	"context"
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/kv"
	"metastorebench/core/member"
	"metastorebench/core/wal"
)

// This file is what the loop has to do with snapshots of the engine: it asks for
// those that followers need, and takes over those that the leader sends. The
// data do not pass through it; a Raft snapshot here is the metadata, and as its
// data the encoded membership.

// Announce fills in the message that announces a snapshot of the state at index,
// which an entry of the given term made.
func Announce(m *raftpb.Message, index, term uint64, members member.Set) {
	m.Snapshot = &raftpb.Snapshot{
		Data:     members.Encode(),
		Metadata: &raftpb.SnapshotMetadata{Index: &index, Term: &term, ConfState: confState(members)},
	}
}

// sendSnapshots takes the messages out that are snapshots and has them sent.
func (n *Node) sendSnapshots(messages []*raftpb.Message) []*raftpb.Message {
	rest := messages[:0]
	for _, m := range messages {
		if m.GetType() != raftpb.MsgSnap {
			rest = append(rest, m)
		} else if !n.cfg.SendSnapshot(m, n.members) {
			n.rn.ReportSnapshot(m.GetTo(), raft.SnapshotFailure)
		}
	}
	return rest
}

// ReportSnapshot tells the loop whether the peer has the snapshot that
// Config.SendSnapshot began to send; until then it gets no entries.
func (n *Node) ReportSnapshot(ctx context.Context, peer uint64, ok bool) error {
	status := raft.SnapshotFailure
	if ok {
		status = raft.SnapshotFinish
	}
	return n.call(ctx, func() { n.rn.ReportSnapshot(peer, status) })
}

// ReportUnreachable tells the loop that messages to the peer were lost. It does
// not block and may be called on the loop's own goroutine.
func (n *Node) ReportUnreachable(peer uint64) {
	select {
	case n.unreachable <- peer:
	default: // enough reports wait
	}
}

// call runs f on the loop and waits for it.
func (n *Node) call(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case n.calls <- func() { f(); close(done) }:
	case <-ctx.Done():
		return ctx.Err()
	case <-n.ended.Done():
		return kv.ErrStopped
	}
	<-done
	return nil
}

func markOf(s *raftpb.Snapshot) wal.SnapshotMark {
	meta := s.GetMetadata()
	return wal.SnapshotMark{Index: meta.GetIndex(), Term: meta.GetTerm(), ConfState: s.GetData()}
}

// saveSnapshot records a snapshot of the leader's, whose data are durable
// already, in the log that the loop writes itself.
func (n *Node) saveSnapshot(s *raftpb.Snapshot) error {
	if raft.IsEmptySnap(s) {
		return nil
	}
	mark := markOf(s)
	n.markIndex = mark.Index
	if err := cutLog(n.cfg.Log, mark); err != nil {
		return err
	}
	return n.restoreStored(s)
}

// restoreStored makes what the library reads begin behind the snapshot, if there
// is one. The log does already.
func (n *Node) restoreStored(s *raftpb.Snapshot) error {
	if raft.IsEmptySnap(s) {
		return nil
	}
	if err := n.storage.ApplySnapshot(s); err != nil {
		return fmt.Errorf("raftnode: snapshot at %d: %w", s.GetMetadata().GetIndex(), err)
	}
	return nil
}

// restore has the apply stage take over the snapshot, if there is one.
func (n *Node) restore(s *raftpb.Snapshot) error {
	if raft.IsEmptySnap(s) {
		return nil
	}
	mark := markOf(s)
	members, err := member.Decode(mark.ConfState)
	if err != nil {
		return fmt.Errorf("raftnode: snapshot at %d: %w", mark.Index, err)
	}
	n.setMembers(members)
	n.changes.overtaken(members)
	n.handOn([]wal.Entry{{Index: mark.Index, Term: mark.Term, Type: wal.EntryRestored, Data: mark.ConfState}}, nil)
	return nil
}

// checkLog finds out a member whose log has lost entries that it acknowledged: a
// heartbeat's commit index is never beyond them. The library would panic.
func (n *Node) checkLog(m *raftpb.Message) error {
	if m.GetType() != raftpb.MsgHeartbeat || m.GetTerm() < n.hard.Term {
		return nil
	}
	last, err := n.storage.LastIndex()
	if err != nil {
		return fmt.Errorf("raftnode: %w", err)
	}
	if m.GetCommit() <= last {
		return nil
	}
	return fmt.Errorf("%w: it ends at entry %d, the leader %x was told that this member has entry %d; the data directory is old or damaged: remove this member from the cluster and add it again with an empty one",
		ErrLogLost, last, m.GetFrom(), m.GetCommit())
}
