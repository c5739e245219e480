package raftnode

import (
	"context"

	"go.etcd.io/raft/v3"
)

// This file is the loop's side of reads; read.go has those who wait.

// requestReads asks for the index of the reads that wait, unless this leader has
// yet to commit an entry of its own term: until then it does not know how far
// the log that it started with was committed. The library sees to that itself,
// but for a sole voter. Requests that were not answered are repeated when the
// leader has changed, and now and then.
func (n *Node) requestReads() {
	if !n.askAgain && !n.reads.waiting() || !n.knowsCommit() {
		return
	}
	if n.askAgain {
		n.askAgain = false
		n.reads.retry(n.rn.ReadIndex)
	}
	if id, ok := n.reads.next(n.lease.stamp(n.soft.RaftState == raft.StateLeader)); ok {
		n.rn.ReadIndex(id)
	}
}

// knowsCommit is false for a leader that has not committed an entry of its term.
func (n *Node) knowsCommit() bool {
	st := n.rn.BasicStatus()
	if st.RaftState != raft.StateLeader || n.readTerm == st.HardState.GetTerm() {
		return true
	}
	if term, err := n.storage.Term(st.HardState.GetCommit()); err != nil || term != st.HardState.GetTerm() {
		return false
	}
	n.readTerm = st.HardState.GetTerm()
	return true
}

// LinearizableRead returns when the engine holds every write that had been
// acknowledged before the call. With Config.Reads = ReadLease that rests on clocks;
// with ReadLocal it asks as with ReadIndex.
func (n *Node) LinearizableRead(ctx context.Context) error {
	index, renew, covered := n.lease.read()
	if !covered {
		return n.reads.wait(ctx)
	}
	if renew {
		n.reads.ask()
	}
	return n.reads.reach(ctx, index)
}

// Stopped returns why the node serves no more reads, or nil while it does.
func (n *Node) Stopped() error { return n.reads.stopped() }

// Applied tells the node how far the engine has come; the apply stage calls it
// after each commit.
func (n *Node) Applied(index uint64) { n.reads.applied(index) }
