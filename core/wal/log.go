package wal

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// maxKeptBytes bounds the frame buffer that is kept between appends.
const maxKeptBytes = 16 << 20

// Log is a write-ahead log that is open for appending.
//
// All methods are safe for concurrent use; they are carried out one at a time.
// After a failed write or sync every method but Close returns ErrFailed.
type Log struct {
	opts Options

	mu     sync.Mutex
	st     state
	sealed []segment // oldest first
	active segment
	w      writer
	buf    []byte // the frame being built; reused
	broken error  // ErrFailed with its cause, or ErrClosed
}

var _ Target = (*Log)(nil)

// Append writes the entries, then the hard state unless it is nil, as one frame
// with one write call. They are durable only after the next Sync. An entry whose
// index exists discards that entry and all after it. Entries must leave no gap
// and must not touch what is committed or snapshotted; otherwise, and for a
// frame over 1 GiB, nothing is written and the error is ErrInvalid.
func (l *Log) Append(hs *HardState, entries []Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if hs == nil && len(entries) == 0 {
		return nil
	}
	if err := l.check(hs, entries); err != nil {
		return err
	}
	l.begin()
	for i := range entries {
		l.buf = appendEntry(l.buf, &entries[i])
	}
	if hs != nil {
		l.buf = appendHard(l.buf, *hs)
	}
	if err := l.writeFrame(); err != nil {
		return err
	}
	for i := range entries {
		l.st.putEntry(entries[i].Index, entries[i].Term)
		l.active.max = max(l.active.max, entries[i].Index)
	}
	if hs != nil {
		l.st.hs = *hs
	}
	return nil
}

// check refuses what would break the log's order, before anything is written.
func (l *Log) check(hs *HardState, entries []Entry) error {
	last, bound := l.st.last, hardBound
	for i := range entries {
		e := &entries[i]
		var err error
		if i == 0 {
			err = l.st.admitEntry(e.Index, e.Term)
		} else if p := &entries[i-1]; e.Index != p.Index+1 || e.Term < p.Term {
			err = fmt.Errorf("entry %d of term %d follows entry %d of term %d", e.Index, e.Term, p.Index, p.Term)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		last, bound = e.Index, bound+entryBound(e)
	}
	if bound > maxPayloadBytes {
		return fmt.Errorf("%w: %d entries need up to %d bytes, want at most %d", ErrInvalid, len(entries), bound, maxPayloadBytes)
	}
	if hs != nil {
		if err := l.st.admitHard(*hs, last); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	return nil
}

// Sync makes everything appended so far durable. It does nothing if it already
// is.
func (l *Log) Sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	return l.sync()
}

// SaveSnapshot writes a mark and makes it, and everything before it, durable.
// The snapshot itself must be durable already. If the log holds the entry that
// the mark names, with its term, later entries are kept; otherwise all entries
// are discarded, and the next one appended must be mark.Index+1.
func (l *Log) SaveSnapshot(mark SnapshotMark) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	rec := markRecord{mark, l.st.resets(mark)}
	if err := l.st.admitMark(rec); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	l.begin()
	l.buf = appendMark(l.buf, rec)
	if err := l.writeFrame(); err != nil {
		return err
	}
	l.st.putMark(rec)
	return l.sync()
}

// Truncate removes the segments whose entries all have an index of at most
// index, oldest first, but never the active one. index must not exceed the
// snapshot mark, or the error is ErrInvalid.
func (l *Log) Truncate(index uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if index > l.st.snap.Index {
		return fmt.Errorf("%w: truncation at %d, want at most the snapshot mark %d", ErrInvalid, index, l.st.snap.Index)
	}
	for len(l.sealed) > 0 && l.sealed[0].max <= index {
		if err := l.opts.FS.Remove(l.opts.FS.PathJoin(l.opts.Dir, l.sealed[0].name())); err != nil {
			return l.fail(err)
		}
		// Synced one by one: a crash leaves a run of segments without a hole.
		if err := syncDir(l.opts.FS, l.opts.Dir); err != nil {
			return l.fail(err)
		}
		l.sealed = l.sealed[1:]
	}
	return nil
}

// Close syncs, writes a close record, syncs again and closes the file. After a
// failure it only closes the file and returns ErrFailed. A second call returns
// ErrClosed.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.broken, ErrClosed) {
		return l.broken
	}
	err := l.broken
	if err == nil {
		err = l.finish()
	}
	if l.w.f != nil {
		err = errors.Join(err, l.w.f.Close())
	}
	l.broken = ErrClosed
	return err
}

// finish writes the close record. The sync before it lets the record claim that
// the whole log is durable.
func (l *Log) finish() error {
	if err := l.sync(); err != nil {
		return err
	}
	l.begin()
	l.buf = append(l.buf, recClose)
	if err := l.writeFrame(); err != nil {
		return err
	}
	return l.sync()
}

// HardState returns the hard state appended last, with Commit at least the
// snapshot mark's index.
func (l *Log) HardState() HardState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.st.hs
}

// Stats describes a log's extent.
type Stats struct {
	// SizeBytes is the total of all segments' frames, without zeroed space.
	SizeBytes int64
	// Segments counts files, the active one included.
	Segments int
	// SnapshotIndex is the index of the snapshot mark.
	SnapshotIndex uint64
	// LastIndex is the index of the last entry, or of the mark without any.
	LastIndex uint64
}

// Stats returns the log's present extent, also after a failure.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{
		SizeBytes:     l.w.off,
		Segments:      len(l.sealed) + 1,
		SnapshotIndex: l.st.snap.Index,
		LastIndex:     l.st.last,
	}
	for _, seg := range l.sealed {
		s.SizeBytes += seg.end
	}
	return s
}

// begin starts a frame in buf, leaving room for its header.
func (l *Log) begin() {
	if cap(l.buf) < headerBytes || cap(l.buf) > maxKeptBytes {
		l.buf = make([]byte, headerBytes, 4096)
	}
	l.buf = l.buf[:headerBytes]
}

// writeFrame seals the frame in buf and writes it, to a new segment if it would
// overrun this one.
func (l *Log) writeFrame() error {
	size := int64(frameBytes(len(l.buf) - headerBytes))
	if l.w.off > l.w.start && l.w.off+size > l.opts.SegmentBytes {
		if err := l.roll(); err != nil {
			return err
		}
	}
	l.buf = sealFrame(l.buf, l.w.seq, uint64(l.w.off), uint64(l.w.synced))
	if err := l.w.write(l.buf); err != nil {
		return l.fail(err)
	}
	l.opts.OnWrite(len(l.buf))
	return nil
}

// roll seals the active segment and begins the next. That a segment exists
// proves that all of its predecessor was durable.
func (l *Log) roll() error {
	if err := l.sync(); err != nil {
		return err
	}
	sealed := l.active
	sealed.end = l.w.off
	err := l.w.f.Close()
	l.w.f = nil // closed even if that failed
	if err != nil {
		return l.fail(err)
	}
	if err := l.start(sealed.seq+1, uint64(sealed.end)); err != nil {
		return l.fail(err)
	}
	l.sealed = append(l.sealed, sealed)
	return nil
}

// start creates segment seq and makes it the active one.
func (l *Log) start(seq, prevEnd uint64) error {
	next := segment{seq: seq, first: l.st.last + 1}
	rec := segmentRecord{
		identity: l.opts.Identity, prevEnd: prevEnd,
		lastIndex: l.st.last, lastTerm: l.st.lastTerm,
	}
	f, end, err := createSegment(l.opts.FS, l.opts.Dir, next, rec, &l.st)
	if err != nil {
		return fmt.Errorf("creating segment %s: %w", next.name(), err)
	}
	l.active = next
	l.w = writer{
		f: f, seq: seq, limit: l.opts.SegmentBytes,
		start: end, off: end, synced: end, filled: end, zeros: l.w.zeros,
	}
	return nil
}

// sync makes the active segment durable, unless it already is.
func (l *Log) sync() error {
	if l.w.synced == l.w.off {
		return nil
	}
	begin := time.Now()
	if err := l.w.sync(); err != nil {
		return l.fail(err)
	}
	l.opts.OnSync(time.Since(begin))
	return nil
}

// fail poisons the log with the first cause.
func (l *Log) fail(cause error) error {
	l.broken = fmt.Errorf("%w: %w", ErrFailed, cause)
	return l.broken
}
