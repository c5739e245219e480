package raftnode

import (
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/wal"
)

// This file is the loop's side of a log that is written behind it; see the
// package comment and [wal.Background].

// handleReadyBehind carries out one Ready without waiting for the log. What has
// to wait for it, the library has put into the append's responses.
func (n *Node) handleReadyBehind() error {
	rd := n.rn.Ready()
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
		if err := n.commit(m.GetEntries()); err != nil {
			return err
		}
		n.respond(m.GetResponses())
	}
	n.reads.states(rd.ReadStates)
	n.publish()
	return nil
}

// mayPropose tells whether waiting commands become entries now. A loop that waits
// for its log proposes whenever it runs. One that does not would make an entry
// and a Ready of every few commands, at a cost that many clients feel; so it
// lets commands come together while a write is under way, and does not keep a
// crowd waiting.
func (n *Node) mayPropose() bool {
	return n.owed == 0 || n.cfg.Proposer.Crowded()
}

// append hands over what a Ready wants of the log.
func (n *Node) append(m *raftpb.Message) error {
	if !raft.IsEmptySnap(m.GetSnapshot()) {
		return refuseSnapshot(m.GetSnapshot())
	}
	w := &logWrite{unstable: m.GetEntries(), responses: m.GetResponses()}
	ballot := n.noteHardState(m)
	if len(w.unstable) > 0 {
		n.cfg.Hooks.Ready(len(w.unstable))
		w.entries = make([]wal.Entry, len(w.unstable))
		for i, e := range w.unstable {
			w.entries[i] = toWAL(e)
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
		n.appender.put(w)
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
		n.appender.put(w)
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

// finishWrites takes what the appender has finished: only now are entries
// readable in storage and their responses delivered, in order.
func (n *Node) finishWrites() error {
	finished, err := n.appender.take()
	for _, w := range finished {
		if w.compact != nil {
			w.compact.done <- n.cutStorage(*w.compact)
			continue
		}
		if err := n.stable(w); err != nil {
			return err
		}
		if w.owed {
			n.owed--
		}
		n.respond(w.responses)
	}
	return err
}

// stopAppender lets the appender write what it was given and finishes that.
func (n *Node) stopAppender() error {
	n.appender.stop()
	return n.finishWrites()
}
