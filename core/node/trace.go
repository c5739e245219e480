package node

import (
	"iter"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
	"metastorebench/core/raftnode"
	"metastorebench/core/trace"
	"metastorebench/core/wal"
)

// The functions of this file tell the stage trace when stages end behind the
// propose queue. Commands are found by their entry, not by the goroutine or the
// order in which a stage finishes with it.

// hooks observe the Raft loop.
func (n *Node) hooks() raftnode.Hooks {
	h := raftnode.Hooks{Proposed: n.opts.Metrics.Proposed, Ready: n.opts.Metrics.Ready, Appended: n.opts.Metrics.Appended, Members: n.onMembers}
	if n.opts.Tracer != nil {
		h.Synced = func(entries []wal.Entry) { n.proposer.Stamp(trace.Append, trace.Now(), proposals(entries)) }
	}
	return h
}

// applying is called when the apply stage begins with a run of entries.
func (n *Node) applying(run []wal.Entry) {
	if n.opts.Tracer != nil {
		n.proposer.Stamp(trace.Commit, trace.Now(), proposals(run))
	}
}

// committed is called when the engine has committed a batch.
func (n *Node) committed() {
	if n.opts.Tracer != nil {
		n.lastCommit = trace.Now()
	}
}

// resolve answers commands of the batch that was committed last.
func (n *Node) resolve(id codec.ProposalID, results []kv.Result) {
	n.proposer.Resolve(id, results, n.lastCommit)
}

// proposals are the ids in the entries' headers.
func proposals(entries []wal.Entry) iter.Seq[codec.ProposalID] {
	return func(yield func(codec.ProposalID) bool) {
		for i := range entries {
			if id, ok := codec.Identify(entries[i].Data); ok && entries[i].Type == wal.EntryCommands && !yield(id) {
				return
			}
		}
	}
}
