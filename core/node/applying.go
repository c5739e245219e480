package node

import (
	"metastorebench/core/engine"
	"metastorebench/core/wal"
)

// This file is the goroutine of the apply stage.

// applyLoop applies runs of committed entries, joining those that wait, and
// between them captures the state for members that are too far behind. After a
// failure it only drains the channel.
func (n *Node) applyLoop() {
	for {
		select {
		case run, ok := <-n.commit:
			if !ok {
				return
			}
			n.applyRuns(run)
		case m := <-n.senders.wanted:
			n.senders.waiting = append(n.senders.waiting, m)
		}
		if n.Err() == nil {
			n.senders.serve(n.applied.Load())
		}
	}
}

// applyRuns applies run and those that wait behind it.
func (n *Node) applyRuns(run []wal.Entry) {
	for more := true; more && len(run) < commitRuns*16; {
		select {
		case next, ok := <-n.commit:
			if ok && (restores(run) || restores(next)) {
				n.applyRun(run)
				run = next
			} else {
				run = append(run, next...)
			}
			more = ok
		default:
			more = false
		}
	}
	n.applyRun(run)
}

func (n *Node) applyRun(run []wal.Entry) {
	if n.Err() != nil {
		return
	}
	var err error
	if restores(run) {
		err = n.restore(run[0])
	} else {
		n.applying(run)
		err = n.applier.Apply(run)
	}
	if err != nil {
		n.fail(err)
	}
}

// onCommit follows each engine batch, on the apply goroutine.
func (n *Node) onCommit(st engine.State, ops int) {
	n.committed()
	n.revision.Store(st.Revision)
	n.applied.Store(st.AppliedIndex)
	n.opts.Metrics.Applied(ops)
	n.raft.Applied(st.AppliedIndex)
	n.snap.maybe(st)
}
