package raftnode

import (
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/kv"
	"metastorebench/core/member"
	"metastorebench/core/wal"
)

// handleReady carries out one Ready; see the package comment for the order.
func (n *Node) handleReady() error {
	if n.appender != nil {
		return n.handleReadyBehind()
	}
	rd := n.rn.Ready()
	n.lease.note(&rd)
	if rd.SoftState != nil {
		n.softState(*rd.SoftState)
	}
	inLog := n.splitCommitted(rd)
	if err := n.commit(rd.CommittedEntries[:inLog], nil); err != nil {
		return err
	}
	leading := n.soft.RaftState == raft.StateLeader
	if leading {
		n.send(rd.Messages)
	}
	if err := n.saveSnapshot(rd.Snapshot); err != nil {
		return err
	}
	if err := n.save(rd); err != nil {
		return err
	}
	if err := n.restore(rd.Snapshot); err != nil {
		return err
	}
	if !leading {
		n.send(rd.Messages)
	}
	if err := n.commit(rd.CommittedEntries[inLog:], nil); err != nil {
		return err
	}
	n.reads.states(rd.ReadStates)
	n.publish()
	n.rn.Advance(rd)
	return nil
}

// publish makes the state after a Ready visible to Status.
func (n *Node) publish() {
	n.status.Store(&Status{ID: n.cfg.ID, Leader: n.soft.Lead, Term: n.hard.Term, CommitIndex: n.hard.Commit})
}

// softState notes who leads. Commands in flight, this leader's own and those
// forwarded to another, may be lost when the leader changes: their outcome is
// unknown. Reads that wait are asked for again: the new leader does not know of
// them.
func (n *Node) softState(s raft.SoftState) {
	if n.soft.Lead != raft.None && s.Lead != n.soft.Lead {
		n.cfg.Proposer.FailInFlight(kv.ErrLeaderLost)
	}
	n.soft = s
	n.flights.lost()
	if s.Lead != raft.None {
		n.askAgain = true
		n.proposeChanges(true)
		select {
		case <-n.leader:
		default:
			close(n.leader)
		}
	}
}

// splitCommitted returns how many of the committed entries are in the synced
// log already. The others are among the Ready's new entries.
func (n *Node) splitCommitted(rd raft.Ready) int {
	if len(rd.Entries) == 0 {
		return len(rd.CommittedEntries)
	}
	first := rd.Entries[0].GetIndex()
	for i, e := range rd.CommittedEntries {
		if e.GetIndex() >= first {
			return i
		}
	}
	return len(rd.CommittedEntries)
}

// commit hands entries to the apply stage, and responses to the library when the
// apply stage has taken them.
func (n *Node) commit(entries []*raftpb.Entry, responses []*raftpb.Message) error {
	if len(entries) == 0 {
		return nil
	}
	run := make([]wal.Entry, len(entries))
	for i, e := range entries {
		run[i] = toWAL(e)
		switch e.GetType() {
		case raftpb.EntryNormal:
		case raftpb.EntryConfChange:
			if err := n.applyChange(e); err != nil {
				return err
			}
			run[i].Data = n.members.Encode()
		default:
			return fmt.Errorf("%w: %s at index %d", ErrUnsupportedEntry, e.GetType(), e.GetIndex())
		}
	}
	n.handOn(run, responses)
	return nil
}

// handOn gives a run to the apply stage: at once, or, behind the loop, when the
// apply stage can take it. What is committed when the loop stops is in the log; the
// next start applies it.
func (n *Node) handOn(run []wal.Entry, responses []*raftpb.Message) {
	if n.appender != nil {
		n.committed = append(n.committed, appliedRun{run, responses})
		return
	}
	select {
	case n.cfg.Commit <- run:
	case <-n.stop:
	}
}

func (n *Node) send(messages []*raftpb.Message) {
	messages = n.sendSnapshots(messages)
	if len(messages) > 0 {
		n.countAppends(messages)
		n.cfg.Send(messages)
	}
}

// save makes the Ready's hard state and entries durable, then readable to the
// library.
func (n *Node) save(rd raft.Ready) error {
	if !raft.IsEmptyHardState(rd.HardState) {
		n.hard = wal.HardState{Term: rd.HardState.GetTerm(), Vote: rd.HardState.GetVote(), Commit: rd.HardState.GetCommit()}
		n.hardNew = true
	}
	if len(rd.Entries) == 0 && !rd.MustSync {
		return nil // a new commit index goes with the next write
	}
	n.newTail = n.newTail[:0]
	for _, e := range rd.Entries {
		n.newTail = append(n.newTail, toWAL(e))
	}
	var hard *wal.HardState
	if n.hardNew {
		hard = &n.hard
	}
	if err := n.cfg.Policy.Save(n.cfg.Log, hard, n.newTail); err != nil {
		return fmt.Errorf("raftnode: save the log: %w", err)
	}
	n.hardNew = false
	if n.cfg.Hooks.Synced != nil {
		n.cfg.Hooks.Synced(n.newTail)
	}
	clear(n.newTail)
	if len(rd.Entries) == 0 {
		return nil
	}
	n.cfg.Hooks.Ready(len(rd.Entries))
	if err := n.storage.Append(rd.Entries); err != nil {
		return fmt.Errorf("raftnode: %w", err)
	}
	return nil
}

func toWAL(e *raftpb.Entry) wal.Entry {
	return wal.Entry{Index: e.GetIndex(), Term: e.GetTerm(), Type: uint8(e.GetType()), Data: e.GetData()}
}

// cut carries out Compact: at once, or behind the writes that are pending.
func (n *Node) cut(c compactRequest) {
	if c.mark.Index < n.markIndex {
		c.done <- fmt.Errorf("%w: at entry %d, not %d", ErrOldMark, n.markIndex, c.mark.Index)
		return
	}
	n.markIndex = c.mark.Index
	if n.appender != nil {
		n.pending = append(n.pending, &logWrite{compact: &c})
		return
	}
	err := cutLog(n.cfg.Log, c.mark)
	if err == nil {
		err = n.cutStorage(c)
	}
	c.done <- err
}

// cutLog records the mark and drops the log before it.
func cutLog(log *wal.Log, mark wal.SnapshotMark) error {
	if err := log.SaveSnapshot(mark); err != nil {
		return fmt.Errorf("raftnode: record the snapshot: %w", err)
	}
	return log.Truncate(mark.Index)
}

// cutStorage drops the entries before the mark, but for those to keep, from what
// the library reads.
func (n *Node) cutStorage(c compactRequest) error {
	members, err := member.Decode(c.mark.ConfState)
	if err != nil {
		return fmt.Errorf("raftnode: mark at %d: %w", c.mark.Index, err)
	}
	if _, err := n.storage.CreateSnapshot(c.mark.Index, confState(members), nil); err != nil {
		return fmt.Errorf("raftnode: snapshot at %d: %w", c.mark.Index, err)
	}
	if first, _ := n.storage.FirstIndex(); c.mark.Index > c.keep && c.mark.Index-c.keep >= first {
		if err := n.storage.Compact(c.mark.Index - c.keep); err != nil {
			return fmt.Errorf("raftnode: compact to %d: %w", c.mark.Index-c.keep, err)
		}
	}
	return nil
}
