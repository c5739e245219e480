package waltest

import (
	"math/rand/v2"

	"metastorebench/core/wal"
)

// workload draws what a Raft node could ask of its log next, from what it asked
// before. The same generator state gives the same requests.
type workload struct {
	rng  *rand.Rand
	last func() State
}

// save draws a hard state, or nil, and entries, of which some replace the
// uncommitted end of the log.
func (w *workload) save() (*wal.HardState, []wal.Entry) {
	s := w.last()
	hs := s.HardState
	next, term := s.end()
	term = max(term, hs.Term)
	if w.rng.IntN(8) == 0 {
		term++
		if back := next - 1 - max(s.Snapshot.Index, hs.Commit); back > 0 {
			next -= w.rng.Uint64N(back + 1)
		}
	}
	hs.Term = max(hs.Term, term)
	entries := make([]wal.Entry, w.rng.IntN(5))
	for i := range entries {
		entries[i] = wal.Entry{Index: next + uint64(i), Term: term, Type: byte(w.rng.IntN(3)), Data: w.data()}
	}
	last, _ := s.end()
	if len(entries) > 0 {
		last = next + uint64(len(entries))
	}
	if last-1 > hs.Commit {
		hs.Commit += w.rng.Uint64N(last - hs.Commit)
	}
	if hs == s.HardState {
		return nil, entries
	}
	return &hs, entries
}

// data draws payloads of sizes around sectors; some are all zero, which must not
// be taken for space that was never written.
func (w *workload) data() []byte {
	data := make([]byte, w.rng.IntN([]int{1, 40, 700, 3000}[w.rng.IntN(4)]))
	if w.rng.IntN(3) > 0 {
		for i := range data {
			data[i] = byte(w.rng.Uint32())
		}
	}
	return data
}

// mark draws a snapshot mark: mostly of an entry that the log holds and that is
// committed, at times one ahead of the log, as a leader would send.
func (w *workload) mark() (wal.SnapshotMark, bool) {
	s := w.last()
	conf := []byte("voters 1 2 3")
	if next, term := s.end(); w.rng.IntN(4) == 0 {
		return wal.SnapshotMark{Index: next + w.rng.Uint64N(5), Term: max(term, s.HardState.Term), ConfState: conf}, true
	}
	committed := 0
	for committed < len(s.Entries) && s.Entries[committed].Index <= s.HardState.Commit {
		committed++
	}
	if committed == 0 {
		return wal.SnapshotMark{}, false
	}
	e := s.Entries[w.rng.IntN(committed)]
	return wal.SnapshotMark{Index: e.Index, Term: e.Term, ConfState: conf}, true
}

// end returns the index that the next entry has, and the last one's term.
func (s State) end() (next, term uint64) {
	if n := len(s.Entries); n > 0 {
		return s.Entries[n-1].Index + 1, s.Entries[n-1].Term
	}
	return s.Snapshot.Index + 1, s.Snapshot.Term
}
