package raftnode

import (
	"math"
	"sync/atomic"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// ReadPolicy says how a read that asks to be linearizable is served (axis --read).
// All members of a cluster must have the same.
type ReadPolicy uint8

const (
	// ReadIndex has the leader confirm its leadership for each group of reads.
	ReadIndex ReadPolicy = iota
	// ReadLease lets a leader answer by itself for a while after each
	// confirmation; see the package comment for what that assumes of clocks.
	ReadLease
	// ReadLocal reads what the member has applied, whoever leads. Such a read may
	// be stale: it is linearizable only in a cluster of one.
	ReadLocal
)

// drift is the share of a lease that is given up for clocks that do not run alike:
// the rates of any two members' clocks may differ by less than one in drift.
const drift = 10

// lease is what lets a leader answer reads by itself. Everything but the atomics
// belongs to the loop. With another policy than ReadLease it is never granted.
type lease struct {
	enabled bool
	born    time.Time // the zero of this node's clock, which is monotonic
	length  time.Duration
	// silent is until when this node votes for nobody, on its clock: before it
	// started it may have confirmed a leader that it does not remember.
	silent time.Duration

	// until is the end of the lease on the node's clock, 0 for none.
	until atomic.Int64
	// commit is the commit index, from before any peer or caller can learn of it.
	commit atomic.Uint64

	// epoch counts what ends a lease. A confirmation that was asked for in an
	// earlier epoch grants none.
	epoch uint64
	term  uint64
	// handedOver says that in this term some member was told to campaign at once,
	// whoever leads: it may do so at any time.
	handedOver bool
}

// leaseStamp is when, and in which epoch, a confirmation was asked for. The zero
// value grants nothing.
type leaseStamp struct {
	epoch uint64
	at    time.Duration
}

func (l *lease) init(cfg *Config, commit uint64) {
	l.enabled, l.born, l.epoch = cfg.Reads == ReadLease, time.Now(), 1
	// A follower votes for nobody until it has counted ElectionTicks since it heard
	// of the leader. Two of them may be late ones that it counts at once.
	l.length = time.Duration(cfg.ElectionTicks-2) * cfg.TickInterval * (drift - 1) / drift
	if cfg.Recovered.HardState.Term > 0 {
		l.silent = time.Duration(cfg.ElectionTicks) * cfg.TickInterval
	}
	l.term = cfg.Recovered.HardState.Term
	l.commit.Store(commit)
}

// Lease returns how long a lease of this node's lasts, and for how long it keeps
// from voting after it has heard of a leader: the same on all members, or a lease
// means nothing. It is 0 if Config.Reads is not ReadLease.
func (n *Node) Lease() time.Duration {
	if !n.lease.enabled {
		return 0
	}
	return n.lease.length
}

func (l *lease) now() time.Duration { return time.Since(l.born) }

// read returns the index that a read must wait for, if a lease covers it, and
// whether it is time to renew the lease. The order of the three matters. The clock
// says that the lease held when it was looked up: no other leader had been elected
// by then, so the index, which is younger, is at or above all that had been
// acknowledged before the call.
func (l *lease) read() (index uint64, renew, ok bool) {
	until := time.Duration(l.until.Load())
	index = l.commit.Load()
	left := until - l.now()
	return index, left < l.length/2, left > 0
}

// stamp is for a confirmation that is asked for now.
func (l *lease) stamp(leading bool) leaseStamp {
	if !l.enabled || !leading || l.handedOver {
		return leaseStamp{}
	}
	return leaseStamp{epoch: l.epoch, at: l.now()}
}

// grant takes a confirmation: since it was asked for, a majority has heard of this
// leader. The lease of a sole voter does not end by itself.
func (l *lease) grant(s leaseStamp, soleVoter func() bool) {
	if s.epoch != l.epoch {
		return
	}
	until := s.at + l.length
	if soleVoter() {
		until = math.MaxInt64
	}
	l.until.Store(max(l.until.Load(), int64(until)))
}

func (l *lease) revoke() {
	l.epoch++
	l.until.Store(0)
}

// note looks at a Ready before anything of it is sent or applied.
func (l *lease) note(rd *raft.Ready) {
	if !l.enabled {
		return
	}
	if !raft.IsEmptyHardState(rd.HardState) {
		l.commit.Store(rd.HardState.GetCommit())
		if term := rd.HardState.GetTerm(); term != l.term {
			l.term, l.handedOver = term, false
			l.revoke()
		}
	}
	if rd.SoftState != nil {
		l.revoke()
	}
	for _, m := range rd.Messages {
		if m.GetType() == raftpb.MsgTimeoutNow {
			l.handedOver = true
			l.revoke()
		}
	}
	// Majorities of two configurations in a row overlap, others need not.
	for _, e := range rd.CommittedEntries {
		if e.GetType() != raftpb.EntryNormal {
			l.revoke()
		}
	}
}

// refuses tells whether m asks for a vote that this node must not give. A vote in
// the course of a hand-over is given: the leader that began it has no lease.
func (l *lease) refuses(m *raftpb.Message) bool {
	switch m.GetType() {
	case raftpb.MsgVote, raftpb.MsgPreVote:
		return l.enabled && l.now() < l.silent && len(m.GetContext()) == 0
	}
	return false
}
