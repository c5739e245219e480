package waltest

import (
	"bytes"
	"fmt"
	"slices"

	"metastorebench/core/wal"
)

// State is the content of a log in full.
type State struct {
	HardState wal.HardState
	Snapshot  wal.SnapshotMark
	Entries   []wal.Entry
}

// Oracle remembers the state after each frame. The zero value is an empty log.
// It is not safe for concurrent use.
type Oracle struct {
	after []State // after[i] is the state once i+1 frames were written
}

// Frames returns how many frames were recorded.
func (o *Oracle) Frames() int { return len(o.after) }

// At returns a copy of the state after n frames.
func (o *Oracle) At(n int) State {
	if n == 0 {
		return State{}
	}
	s := o.after[n-1]
	s.Entries = slices.Clone(s.Entries)
	return s
}

// Append records a frame of entries and a hard state.
func (o *Oracle) Append(hs *wal.HardState, entries []wal.Entry) {
	s := o.At(o.Frames())
	for _, e := range entries {
		s.Entries = slices.DeleteFunc(s.Entries, func(old wal.Entry) bool { return old.Index >= e.Index })
		e.Data = bytes.Clone(e.Data)
		s.Entries = append(s.Entries, e)
	}
	if hs != nil {
		s.HardState = *hs
	}
	o.after = append(o.after, s)
}

// Snapshot records a frame with a mark.
func (o *Oracle) Snapshot(m wal.SnapshotMark) {
	s := o.At(o.Frames())
	known := slices.ContainsFunc(s.Entries, func(e wal.Entry) bool { return e.Index == m.Index && e.Term == m.Term })
	known = known || s.Snapshot.Index == m.Index && s.Snapshot.Term == m.Term
	s.Entries = slices.DeleteFunc(s.Entries, func(e wal.Entry) bool { return !known || e.Index <= m.Index })
	s.Snapshot = m
	s.HardState.Commit = max(s.HardState.Commit, m.Index)
	o.after = append(o.after, s)
}

// Check returns nil if what was recovered is the state after n frames for some
// acked <= n <= written.
func (o *Oracle) Check(got *wal.Recovered, acked, written int) error {
	have := State{got.HardState, got.Snapshot, got.Entries}
	for n := written; n >= acked; n-- {
		if o.At(n).equal(have) {
			return nil
		}
	}
	return fmt.Errorf("recovered %v, which is the log after no frame from %d to %d; after the acknowledged ones it is %v",
		have, acked, written, o.At(acked))
}

func (s State) equal(t State) bool {
	return s.HardState == t.HardState &&
		s.Snapshot.Index == t.Snapshot.Index && s.Snapshot.Term == t.Snapshot.Term &&
		bytes.Equal(s.Snapshot.ConfState, t.Snapshot.ConfState) &&
		slices.EqualFunc(s.Entries, t.Entries, func(a, b wal.Entry) bool {
			return a.Index == b.Index && a.Term == b.Term && a.Type == b.Type && bytes.Equal(a.Data, b.Data)
		})
}

// String is short: the entries by their ends only.
func (s State) String() string {
	span := "no entries"
	if n := len(s.Entries); n > 0 {
		span = fmt.Sprintf("entries %d-%d", s.Entries[0].Index, s.Entries[n-1].Index)
	}
	return fmt.Sprintf("{%+v, snapshot %d/%d, %s}", s.HardState, s.Snapshot.Index, s.Snapshot.Term, span)
}
