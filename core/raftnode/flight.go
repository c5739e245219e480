package raftnode

import (
	"slices"

	"go.etcd.io/raft/v3/raftpb"
)

// flights counts, at a leader, the appends with entries that each follower has yet
// to answer. The library knows too, but only tells with a copy of all it knows.
type flights struct {
	// last has, for each follower, the last entry of each append in flight, in the
	// order of sending.
	last map[uint64][]uint64
}

// sent takes note of an append and returns how many are in flight to the same
// follower, this one included. An append of entries that have been sent before
// means that the library takes the earlier ones for lost.
func (f *flights) sent(m *raftpb.Message) int {
	if f.last == nil {
		f.last = make(map[uint64][]uint64)
	}
	last := f.last[m.GetTo()]
	if n := len(last); n > 0 && m.GetIndex() < last[n-1] {
		last = last[:0]
	}
	last = append(last, m.GetIndex()+uint64(len(m.GetEntries())))
	f.last[m.GetTo()] = last
	return len(last)
}

// answered takes note of what a follower says about appends: all up to an accepted
// index have arrived, and a refusal makes the library send again.
func (f *flights) answered(m *raftpb.Message) {
	last := f.last[m.GetFrom()]
	arrived := len(last)
	if !m.GetReject() {
		arrived, _ = slices.BinarySearch(last, m.GetIndex()+1)
	}
	if arrived > 0 {
		f.last[m.GetFrom()] = slices.Delete(last, 0, arrived)
	}
}

// lost forgets all: another leads.
func (f *flights) lost() { clear(f.last) }

// countAppends tells the hook of the appends among messages that are sent.
func (n *Node) countAppends(messages []*raftpb.Message) {
	if n.cfg.Hooks.Appended == nil {
		return
	}
	for _, m := range messages {
		if m.GetType() == raftpb.MsgApp && len(m.GetEntries()) > 0 {
			n.cfg.Hooks.Appended(len(m.GetEntries()), n.flights.sent(m))
		}
	}
}
