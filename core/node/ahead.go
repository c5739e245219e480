package node

import (
	"fmt"

	"go.uber.org/zap"

	"metastorebench/core/wal"
)

// catchUpLog deals with an engine that has applied entries, or a part of one, which
// the log does not have. Only a policy that acknowledges first lets that come
// about: an engine that keeps its data on disk writes them when it sees fit, and a
// crash then takes the end of the log. What the engine holds is whole, so with such
// a policy the log goes on behind it. With any other one the log has lost what it
// had synced, and the node refuses. So it does in a cluster, whose other members
// may have committed other entries at these indexes.
func (n *Node) catchUpLog(r *recovered) error {
	last, st := r.log.Stats().LastIndex, r.state
	if st.AppliedIndex < last || st.AppliedIndex == last && st.AppliedOps == 0 {
		return nil
	}
	found := fmt.Sprintf("the %s engine in %s has applied entry %d and %d commands of the next, but the Raft log ends at entry %d",
		n.opts.EngineName, n.opts.DataDir, st.AppliedIndex, st.AppliedOps, last)
	background, ok := n.opts.Sync.(wal.Background)
	switch acksFirst := ok && background.AcknowledgesFirst(); {
	case !acksFirst:
		return fmt.Errorf("%w: %s: synced entries are lost; if the store ran with --wal=async before it crashed, start it with --wal=async, which goes on behind the engine, and stop it before it is started with another --wal", ErrDataDir, found)
	case len(r.members.Members) > 1:
		return fmt.Errorf("%w: %s: this member may differ from the others; remove it from the cluster, and add it again with an empty --data-dir", ErrDataDir, found)
	}
	n.opts.Logger.Warn("the engine is ahead of the Raft log, which goes on behind it (--wal=async)",
		zap.Uint64("applied", st.AppliedIndex), zap.Uint32("applied_commands", st.AppliedOps), zap.Uint64("log_end", last))
	return n.skipLog(r)
}

// skipLog makes the log begin behind what the engine holds. The rest of an entry
// that was applied in part is lost. The engine has to say so, durably, before the
// log can give the entry's index to another.
func (n *Node) skipLog(r *recovered) error {
	st := &r.state
	st.AppliedOps = 0
	if err := n.engine.NewBatch().Commit(*st); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	if err := n.engine.Flush(); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	mark := wal.SnapshotMark{Index: st.AppliedIndex, Term: st.AppliedTerm, ConfState: st.ConfState}
	if err := r.log.SaveSnapshot(mark); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	r.rec.Snapshot, r.rec.HardState, r.rec.Entries = mark, r.log.HardState(), nil
	return nil
}
