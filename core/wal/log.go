package wal

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// maxKeptBytes bounds each of the buffers that are kept between appends.
const maxKeptBytes = 16 << 20

// Log is a write-ahead log that is open for appending.
//
// All methods are safe for concurrent use; they are carried out one at a time.
// After a failed write or sync every method but Close returns ErrFailed.
type Log struct {
	opts Options

	mu       sync.Mutex
	st       state
	sealed   []segment // oldest first
	active   segment
	w        writer
	spares   []string // files of removed segments, to be recycled
	buf      []byte   // the frame being built; reused
	laid     []byte   // the frame laid out over sectors; reused
	recycled int      // segments begun in a spare file
	broken   error    // ErrFailed with its cause, or ErrClosed
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
	// Spares counts files that wait to be recycled, and Recycled the segments
	// that were begun in such a file since the log was opened.
	Spares, Recycled int
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
		Spares:        len(l.spares),
		Recycled:      l.recycled,
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
	size := frameBytes(len(l.buf) - headerBytes)
	if l.w.off > l.w.start && withStamp(advance(l.w.off, size)) > l.opts.SegmentBytes {
		if err := l.roll(); err != nil {
			return err
		}
	}
	begin, next := l.w.off, advance(l.w.off, size)
	l.buf = sealFrame(l.buf, l.w.seq, begin, l.w.synced)
	if cap(l.laid) > maxKeptBytes {
		l.laid = nil
	}
	l.laid = scatter(l.laid[:0], l.buf, l.w.seq, begin)
	if err := l.w.write(l.laid, next); err != nil {
		return l.fail(err)
	}
	l.opts.OnWrite(int(next - begin))
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
