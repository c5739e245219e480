package wal

import "fmt"

// maxSpares bounds the files that wait to be recycled. A store cuts its log
// after every segment's worth of it, so that one file comes and goes; the second
// is for a cut that comes late.
const maxSpares = 2

// Truncate removes the segments whose entries all have an index of at most
// index, oldest first, but never the active one. Up to maxSpares of their files
// are kept for new segments. index must not exceed the snapshot mark, or the
// error is ErrInvalid.
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
		if err := l.retire(l.sealed[0]); err != nil {
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

// retire makes a segment's file a spare one, or removes it. Its new name is that
// of an unfinished segment: a log that is opened removes it, so that a spare file
// is only ever used by the Log that retired it, and holds nothing newer.
func (l *Log) retire(s segment) error {
	path := l.opts.FS.PathJoin(l.opts.Dir, s.name())
	if len(l.spares) == maxSpares || withStamp(s.end) > l.opts.SegmentBytes {
		return l.opts.FS.Remove(path)
	}
	spare := s.name() + tempSuffix
	if err := l.opts.FS.Rename(path, l.opts.FS.PathJoin(l.opts.Dir, spare)); err != nil {
		return err
	}
	l.spares = append(l.spares, spare)
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

// start creates segment seq, in a spare file if there is one, and makes it the
// active one.
func (l *Log) start(seq, prevEnd uint64) error {
	next := segment{seq: seq, first: l.st.last + 1}
	rec := segmentRecord{
		identity: l.opts.Identity, prevEnd: prevEnd,
		lastIndex: l.st.last, lastTerm: l.st.lastTerm,
	}
	spare := ""
	if len(l.spares) > 0 {
		spare, l.spares = l.spares[0], l.spares[1:]
		l.recycled++
	}
	f, size, end, err := createSegment(l.opts.FS, l.opts.Dir, spare, next, rec, &l.st)
	if err != nil {
		return fmt.Errorf("creating segment %s: %w", next.name(), err)
	}
	l.active = next
	l.w = writer{
		f: f, seq: seq, limit: l.opts.SegmentBytes,
		start: end, off: end, synced: end, filled: size, zeros: l.w.zeros,
	}
	return nil
}
