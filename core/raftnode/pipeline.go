package raftnode

import (
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/wal"
)

// Pipeline says how far the stages of replication run ahead of each other: the
// seam of the axis --pipeline. The zero Pipeline is one append in flight, and a
// log that the loop writes itself unless the policy is a wal.Background.
type Pipeline struct {
	// Appends bounds the messages with entries that are in flight to a follower,
	// at least 1; 0 stands for 1. The entries that come meanwhile share the next
	// message.
	Appends int
	// AppendBytes bounds the entries' bytes in these messages, at least
	// maxAppendBytes; 0 sets no bound.
	AppendBytes uint64
	// WriteBehind makes the loop go on during a write of the log whatever the
	// policy is. A policy that is no wal.Background still gets each Ready in a Save
	// of its own.
	WriteBehind bool
}

const (
	// maxAppendBytes bounds a message with several entries, as in etcd. Smaller
	// ones would cost a follower that is behind more round trips; larger ones would
	// keep votes and heartbeats waiting behind them.
	maxAppendBytes = 1 << 20
	// maxApplyingBytes bounds the committed entries that the apply stage has yet to
	// take, or those of a Ready if the loop writes the log itself.
	maxApplyingBytes = 16 << 20
)

// behind tells whether the log is written behind the loop, and whether what comes
// during a write shares the next.
func (c *Config) behind() (behind, groups bool) {
	_, groups = c.Policy.(wal.Background)
	return groups || c.Pipeline.WriteBehind, groups
}

// appliedRun is a run of committed entries that waits for the apply stage, with
// what the library wants to hear when the apply stage has it.
type appliedRun struct {
	entries   []wal.Entry
	responses []*raftpb.Message
}

// nextRun returns the channel to the apply stage and what it is to be given, or
// nil, which nothing can be sent to.
func (n *Node) nextRun() (chan<- []wal.Entry, []wal.Entry) {
	if len(n.committed) == 0 {
		return nil, nil
	}
	return n.cfg.Commit, n.committed[0].entries
}

// handedOn takes note that the apply stage has taken the next run.
func (n *Node) handedOn() {
	responses := n.committed[0].responses
	n.committed = slices.Delete(n.committed, 0, 1)
	n.respond(responses)
}

// handOnCommitted gives the apply stage what it can take now. The rest waits: the
// library hands out maxApplyingBytes at most before it hears that they are taken,
// and callers are refused at the Proposer's bounds. Meanwhile the loop ticks and
// answers its peers.
func (n *Node) handOnCommitted() {
	for len(n.committed) > 0 {
		select {
		case n.cfg.Commit <- n.committed[0].entries:
			n.handedOn()
		default:
			return
		}
	}
}

// holds tells whether a message has to wait until the log has been written. A
// policy that groups nothing would make a sync of every append that comes
// meanwhile; a loop that writes the log itself finds them all in its inbox
// afterwards, and makes one Ready of them. So they are held, as the commands that
// wait at a leader are, while all else is answered.
func (n *Node) holds(m *raftpb.Message) bool {
	return m.GetType() == raftpb.MsgApp && n.appender != nil && !n.groups && n.logBusy()
}

// logBusy tells whether anything is being written or is about to be.
func (n *Node) logBusy() bool { return len(n.writing)+len(n.pending) > 0 }

// hold keeps a message back. It still takes room in the inbox: a peer that sends
// more than any leader has in flight has to wait.
func (n *Node) hold(a arrival) {
	n.held = append(n.held, a)
	if len(n.held) == inboxMessages {
		n.release()
	}
}

// release lets the library have what was held.
func (n *Node) release() {
	for _, a := range n.held {
		n.inbox.room.Release(a.bytes)
		n.step(a.m)
	}
	clear(n.held)
	n.held = n.held[:0]
}

// raftConfig is the library's configuration.
func raftConfig(cfg *Config, storage raft.Storage) *raft.Config {
	behind, _ := cfg.behind()
	return &raft.Config{
		AsyncStorageWrites:        behind,
		ID:                        cfg.ID,
		ElectionTick:              cfg.ElectionTicks,
		HeartbeatTick:             cfg.HeartbeatTicks,
		Storage:                   storage,
		Applied:                   cfg.Applied,
		MaxSizePerMsg:             maxAppendBytes,
		MaxCommittedSizePerReady:  maxApplyingBytes,
		MaxInflightMsgs:           max(cfg.Pipeline.Appends, 1),
		MaxInflightBytes:          cfg.Pipeline.AppendBytes,
		MaxUncommittedEntriesSize: cfg.UncommittedBytes,
		CheckQuorum:               true,
		PreVote:                   true,
		StepDownOnRemoval:         true,
		Logger:                    newLogger(cfg.Logger),
	}
}
