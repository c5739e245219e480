package raftnode

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/propose"
	"metastorebench/core/wal"
)

// This file is the loop's side of a log that is written behind it; see the
// package comment and [wal.Background].

// maxPending bounds the writes, one for each Ready, that wait for the appender.
// Their entries' bytes are bounded by what the Proposer admits, and at a follower
// by the leader's appends in flight.
const maxPending = 256

// handleReadyBehind carries out one Ready without waiting for the log. What has
// to wait for it, the library has put into the append's responses.
func (n *Node) handleReadyBehind() error {
	rd := n.rn.Ready()
	n.lease.note(&rd)
	if rd.SoftState != nil {
		n.softState(*rd.SoftState)
	}
	var local []*raftpb.Message
	peers := rd.Messages[:0]
	for _, m := range rd.Messages {
		if raft.IsLocalMsgTarget(m.GetTo()) {
			local = append(local, m)
		} else {
			peers = append(peers, m)
		}
	}
	n.send(peers)
	for _, m := range local {
		if m.GetTo() == raft.LocalAppendThread {
			if err := n.append(m); err != nil {
				return err
			}
			continue
		}
		// To the library, entries count as applied once the apply stage has them,
		// as with a log that the loop waits for.
		if err := n.commit(m.GetEntries(), m.GetResponses()); err != nil {
			return err
		}
	}
	n.handOnCommitted()
	n.reads.states(rd.ReadStates)
	n.publish()
	return nil
}

// mayPropose tells whether waiting commands become entries now. A loop that waits
// for its log proposes whenever it runs. One that does not would make an entry
// and a Ready of every few commands, at a cost that many clients feel. So it lets
// commands come together until the appender is free, has lingered, and can take
// them all, and only begins to work on them when they are a crowd: unless the
// policy groups nothing, for then each Ready has a sync of its own. With a policy
// that acknowledges first nothing is won by waiting, but callers that are about to
// propose get to run before.
func (n *Node) mayPropose() bool {
	waiting := n.cfg.Proposer.Waiting()
	switch {
	case waiting == 0:
		return false
	case n.acksFirst:
		runtime.Gosched()
		return true
	case waiting >= propose.Crowd && n.groups:
		return true
	}
	return len(n.writing) == 0 && !n.lingers()
}

// append takes note of what a Ready wants of the log.
func (n *Node) append(m *raftpb.Message) error {
	w := &logWrite{unstable: m.GetEntries(), responses: m.GetResponses()}
	ballot := n.noteHardState(m)
	if !raft.IsEmptySnap(m.GetSnapshot()) {
		w.snapshot, ballot = m.GetSnapshot(), true // nor are snapshots acknowledged first
		n.markIndex = w.snapshot.GetMetadata().GetIndex()
	}
	if len(w.unstable) > 0 {
		n.cfg.Hooks.Ready(len(w.unstable))
		w.entries = make([]wal.Entry, len(w.unstable))
		for i, e := range w.unstable {
			w.entries[i] = toWAL(e)
			w.bytes += len(w.entries[i].Data)
		}
	}
	// A commit index by itself is not worth a write: it goes with the next one.
	if n.hardNew && (ballot || len(w.entries) > 0) {
		hard := n.hard
		w.hard, n.hardNew = &hard, false
	}
	if n.acksFirst && !ballot && n.owed == 0 {
		return n.acknowledge(w)
	}
	if w.saves() || len(w.responses) > 0 {
		n.owed++
		w.owed = true
		n.pending = append(n.pending, w)
		// Elections wait for ballots, and for writes without entries.
		n.due = n.due || ballot || len(w.entries) == 0
	}
	return nil
}

// noteHardState takes over the append's hard state, if it has one, and tells
// whether term or vote have changed.
func (n *Node) noteHardState(m *raftpb.Message) (ballot bool) {
	hs := wal.HardState{Term: m.GetTerm(), Vote: m.GetVote(), Commit: m.GetCommit()}
	if hs == (wal.HardState{}) {
		return false
	}
	ballot = hs.Term != n.hard.Term || hs.Vote != n.hard.Vote
	n.hard, n.hardNew = hs, true
	return ballot
}

// acknowledge takes entries for durable that the log has yet to be given: what
// makes --wal=async unsafe. Term and vote never come here.
func (n *Node) acknowledge(w *logWrite) error {
	if err := n.stable(w); err != nil {
		return err
	}
	responses := w.responses
	w.unstable, w.responses = nil, nil
	if w.saves() {
		if n.cfg.Hooks.Synced != nil {
			n.cfg.Hooks.Synced(w.entries)
		}
		n.pending = append(n.pending, w)
	}
	n.respond(responses)
	return nil
}

// stable makes a write's entries readable to the library.
func (n *Node) stable(w *logWrite) error {
	if len(w.unstable) == 0 {
		return nil
	}
	if err := n.storage.Append(w.unstable); err != nil {
		return fmt.Errorf("raftnode: %w", err)
	}
	return nil
}

// respond delivers messages that waited for the log or for the apply stage: to
// the library itself, or to peers.
func (n *Node) respond(responses []*raftpb.Message) {
	var peers []*raftpb.Message
	for _, m := range responses {
		if m.GetTo() == n.cfg.ID {
			n.step(m)
		} else {
			peers = append(peers, m)
		}
	}
	n.send(peers)
}

// handOver gives the appender, if it is free, all that is pending; with a linger,
// after having waited for more. While it is not free, writes pend up to a bound;
// then the loop waits for it, as for a log of its own.
func (n *Node) handOver() error {
	for len(n.pending) > 0 {
		switch {
		case len(n.writing) == 0 && n.lingers():
			return nil
		case len(n.writing) == 0:
			n.beginWrites()
		case len(n.pending) < maxPending:
			return nil
		default:
			if err := n.finishWrites(<-n.written); err != nil {
				return err
			}
		}
	}
	return nil
}

// lingers tells whether pending writes wait for more, and sees to it that they do
// not wait for longer than the linger.
func (n *Node) lingers() bool {
	if n.cfg.Linger == 0 || n.due || len(n.pending) >= maxPending {
		return false
	}
	if n.lingered == nil {
		n.lingered = time.After(n.cfg.Linger)
	}
	return true
}

// beginWrites hands over what is pending, or its first write if the policy groups
// nothing: no write's answers then wait for another's sync. The appender is free.
func (n *Node) beginWrites() {
	if n.groups {
		n.pending, n.writing = n.writing, n.pending
	} else {
		n.writing = append(n.writing, n.pending[0])
		n.pending = slices.Delete(n.pending, 0, 1)
	}
	n.lingered, n.due = nil, false
	n.appender.batches <- n.writing
}

// finishWrites takes the outcome of the writes that were under way: only now are
// their entries readable in storage and their responses delivered, in order.
func (n *Node) finishWrites(outcome error) error {
	if outcome != nil {
		return outcome
	}
	for _, w := range n.writing {
		if w.compact != nil {
			w.compact.done <- n.cutStorage(*w.compact)
			w.compact = nil // answered
			continue
		}
		if err := n.restoreStored(w.snapshot); err != nil {
			return err
		}
		if err := n.stable(w); err != nil {
			return err
		}
		if err := n.restore(w.snapshot); err != nil {
			return err
		}
		if w.owed {
			n.owed--
		}
		n.respond(w.responses)
	}
	clear(n.writing)
	n.writing = n.writing[:0]
	return nil
}

// stopAppender ends the appender and waits for it. If the loop did not fail, for
// the reason why, everything pending is written first.
func (n *Node) stopAppender(why error) error {
	err := why
	for err == nil && len(n.writing)+len(n.pending) > 0 {
		if len(n.writing) == 0 {
			n.beginWrites()
		}
		err = n.finishWrites(<-n.written)
	}
	close(n.appender.batches)
	for range n.written { // of what was under way when the loop failed
	}
	for _, w := range slices.Concat(n.writing, n.pending) {
		w.refuse(err)
	}
	return err
}
