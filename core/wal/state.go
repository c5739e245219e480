package wal

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"
)

// state is what the records written so far add up to, without the entries'
// data. The writer keeps one to refuse calls that would break the log's order,
// and recovery builds the same one, by the same methods, from what it reads. The
// admit methods change nothing, so that a call can be refused before it writes.
//
// Invariants: snap.Index <= last, hs.Commit <= last, and runs describes without
// gaps the terms of the entries runs[0].first..last.
type state struct {
	hs             HardState
	snap           SnapshotMark
	last, lastTerm uint64
	runs           []termRun
}

// termRun says that the entries from first to the next run's have this term.
type termRun struct {
	first, term uint64
}

// seed starts a state from the first frame of the oldest segment that is left.
func (s *state) seed(f firstFrame) error {
	last := f.seg.lastIndex
	if f.hs.Commit > last || f.mark.Index > last {
		return fmt.Errorf("commit %d and snapshot %d, want at most the last entry %d", f.hs.Commit, f.mark.Index, last)
	}
	*s = state{hs: f.hs, snap: f.mark, last: last, lastTerm: f.seg.lastTerm}
	if last > 0 {
		s.runs = []termRun{{last, f.seg.lastTerm}}
	}
	return nil
}

// agrees checks the first frame of a later segment against the state that its
// predecessors, the last of which ends at prevEnd, add up to.
func (s *state) agrees(f firstFrame, prevEnd int64) error {
	if f.seg.prevEnd != uint64(prevEnd) {
		return fmt.Errorf("the previous segment ends at %d, want %d", prevEnd, f.seg.prevEnd)
	}
	if s.last != f.seg.lastIndex || s.lastTerm != f.seg.lastTerm {
		return fmt.Errorf("the previous segments end with entry %d of term %d, want entry %d of term %d",
			s.last, s.lastTerm, f.seg.lastIndex, f.seg.lastTerm)
	}
	if s.hs != f.hs || s.snap.Index != f.mark.Index || s.snap.Term != f.mark.Term || !bytes.Equal(s.snap.ConfState, f.mark.ConfState) {
		return fmt.Errorf("the previous segments end with hard state %+v and snapshot %d, want %+v and %d",
			s.hs, s.snap.Index, f.hs, f.mark.Index)
	}
	return nil
}

// termAt returns the term of entry i if it is known.
func (s *state) termAt(i uint64) (uint64, bool) {
	if i == s.snap.Index {
		return s.snap.Term, true
	}
	n := sort.Search(len(s.runs), func(n int) bool { return s.runs[n].first > i })
	if n == 0 || i > s.last {
		return 0, false
	}
	return s.runs[n-1].term, true
}

// admitEntry refuses an entry that would break the log's order.
func (s *state) admitEntry(index, term uint64) error {
	switch {
	case index <= s.snap.Index:
		return fmt.Errorf("entry %d, want one after the snapshot at %d", index, s.snap.Index)
	case index <= s.hs.Commit:
		return fmt.Errorf("entry %d, want one after the committed %d", index, s.hs.Commit)
	case index > s.last+1:
		return fmt.Errorf("entry %d, want at most %d: the log would have a gap", index, s.last+1)
	}
	if before, known := s.termAt(index - 1); known && term < before {
		return fmt.Errorf("entry %d has term %d, want at least its predecessor's %d", index, term, before)
	}
	return nil
}

// putEntry adds an admitted entry; one at an index that exists discards that one
// and all after it.
func (s *state) putEntry(index, term uint64) {
	n := len(s.runs)
	for n > 0 && s.runs[n-1].first >= index {
		n--
	}
	s.runs = s.runs[:n]
	if n == 0 || s.runs[n-1].term != term {
		s.runs = append(s.runs, termRun{index, term})
	}
	s.last, s.lastTerm = index, term
}

// admitHard refuses a hard state that goes back, or commits beyond last.
func (s *state) admitHard(hs HardState, last uint64) error {
	switch {
	case hs.Term < s.hs.Term:
		return fmt.Errorf("hard state has term %d, want at least %d", hs.Term, s.hs.Term)
	case hs.Commit < s.hs.Commit:
		return fmt.Errorf("hard state has commit %d, want at least %d", hs.Commit, s.hs.Commit)
	case hs.Commit > last:
		return fmt.Errorf("hard state has commit %d, want at most the last entry %d", hs.Commit, last)
	}
	return nil
}

// resets tells whether a mark has to discard the entries: they are kept only if
// the entry it names is among them (Ongaro and Ousterhout 2014, figure 13).
func (s *state) resets(m SnapshotMark) bool {
	term, known := s.termAt(m.Index)
	return !known || term != m.Term
}

// admitMark refuses a mark that goes back or discards committed entries.
func (s *state) admitMark(m markRecord) error {
	switch {
	case m.Index == 0:
		return errors.New("snapshot mark at 0, want an entry's index")
	case len(m.ConfState) > maxConfBytes:
		return fmt.Errorf("snapshot mark has a membership of %d bytes, want at most %d", len(m.ConfState), maxConfBytes)
	case m.Index < s.snap.Index:
		return fmt.Errorf("snapshot mark at %d, want at least the present %d", m.Index, s.snap.Index)
	case m.resets && m.Index <= s.hs.Commit:
		return fmt.Errorf("snapshot mark at %d with term %d contradicts entries committed up to %d", m.Index, m.Term, s.hs.Commit)
	case !m.resets && m.Index > s.last:
		return fmt.Errorf("snapshot mark at %d keeps entries, but the last is %d", m.Index, s.last)
	}
	return nil
}

// putMark sets an admitted mark. Everything up to it is committed.
func (s *state) putMark(m markRecord) {
	if m.resets {
		s.runs = nil
		s.last, s.lastTerm = m.Index, m.Term
	}
	for len(s.runs) > 1 && s.runs[1].first <= m.Index {
		s.runs = s.runs[1:]
	}
	s.snap = m.SnapshotMark
	s.snap.ConfState = slices.Clone(m.ConfState)
	s.hs.Commit = max(s.hs.Commit, m.Index)
}
