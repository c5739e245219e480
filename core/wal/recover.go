package wal

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Recovered is what a log held when it was opened.
type Recovered struct {
	// Created says that there was no log, and that one was begun.
	Created bool
	// HardState is the last one that was appended, with Commit raised to
	// Snapshot.Index, which a mark implies.
	HardState HardState
	// Snapshot is the last mark; zero if there never was one.
	Snapshot SnapshotMark
	// Entries follow Snapshot.Index without gaps; conflicts are resolved.
	Entries []Entry
	// Segments counts the files that were read.
	Segments int
	// TornBytes is the length of the torn tail that was cut, up to the end of a
	// sector, 0 if none was.
	TornBytes int64
	// Clean says that the log ended with a close record.
	Clean bool
}

// Open recovers the log in opts.Dir, or begins one if the directory holds no
// segments, and leaves it ready for appending. Everything in Recovered is
// durable when it returns. Files that are not the log's are left alone.
//
// The error is ErrCorrupt, ErrIdentity or ErrFormat with the file and offset if
// the log cannot be trusted, and nothing is modified then; see doc.go for what
// counts as a torn tail. Other errors come from the file system or from
// Options.Validate.
func Open(opts Options) (*Log, *Recovered, error) {
	if err := opts.EnsureDefaults().Validate(); err != nil {
		return nil, nil, err
	}
	if err := mkdirSynced(opts.FS, opts.Dir); err != nil {
		return nil, nil, fmt.Errorf("wal: creating directory %s: %w", opts.Dir, err)
	}
	segs, temps, err := listSegments(opts.FS, opts.Dir)
	if err != nil {
		return nil, nil, fmt.Errorf("wal: listing %s: %w", opts.Dir, err)
	}
	r := recovery{opts: opts, segs: segs}
	if err := r.replayAll(); err != nil {
		return nil, nil, err
	}
	l, err := r.resume(temps)
	if err != nil {
		return nil, nil, fmt.Errorf("wal: opening %s for appending: %w", opts.Dir, err)
	}
	return l, &Recovered{
		Created:   len(segs) == 0,
		HardState: r.st.hs, Snapshot: r.st.snap, Entries: r.entries,
		Segments: len(segs), TornBytes: r.torn, Clean: r.clean,
	}, nil
}

// recovery replays segments in order.
type recovery struct {
	opts Options
	segs []segment

	st      state
	entries []Entry // after st.snap.Index
	clean   bool    // the last record was a close record
	data    []byte  // the segment being read; after replay, the last one
	// The last segment's frames: where the first one ends, where the last one
	// ends, how far they claim to be durable, and what is torn after them.
	start, end, claimed, torn int64
}

// replayAll reads every segment and then checks that nothing is missing.
func (r *recovery) replayAll() error {
	for i := range r.segs {
		path := r.opts.FS.PathJoin(r.opts.Dir, r.segs[i].name())
		if err := r.read(path); err != nil {
			return fmt.Errorf("wal: reading %s: %w", path, err)
		}
		if err := r.replay(i); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if want := r.st.last - r.st.snap.Index; uint64(len(r.entries)) != want {
		return fmt.Errorf("%s: %w: %d entries found, want the %d from %d to %d",
			r.opts.Dir, ErrCorrupt, len(r.entries), want, r.st.snap.Index+1, r.st.last)
	}
	return nil
}

// read loads a file into r.data.
func (r *recovery) read(path string) error {
	f, err := r.opts.FS.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		n := int(info.Size())
		if cap(r.data) < n {
			r.data = make([]byte, n)
		}
		r.data = r.data[:n]
		_, err = io.ReadFull(f, r.data)
	}
	return errors.Join(err, f.Close())
}

// replay applies the frames of segment i, which is in r.data.
func (r *recovery) replay(i int) error {
	seg, last := &r.segs[i], i == len(r.segs)-1
	if err := checkPreamble(r.data, seg.seq); err != nil {
		return err
	}
	off, err := r.replayFirst(i)
	if err != nil {
		return err
	}
	r.start, r.claimed = off, off
	for {
		payload, h, next, stop := nextFrame(r.data, seg.seq, off)
		if stop != nil {
			if err := r.judge(stop, seg.seq, off, last); err != nil {
				return err
			}
			break
		}
		if err := r.apply(payload, seg); err != nil {
			return fmt.Errorf("%w: frame at %d: %w", ErrCorrupt, off, err)
		}
		r.claimed = max(r.claimed, int64(h.synced))
		off = next
	}
	seg.end, r.end = off, off
	return nil
}

// replayFirst reads the first frame of segment i: it seeds the state in the
// oldest segment, and has to agree with the state in any other. It returns the
// offset after it.
func (r *recovery) replayFirst(i int) (int64, error) {
	const off = firstFrameOffset
	payload, _, next, stop := nextFrame(r.data, r.segs[i].seq, off)
	if stop != nil {
		return 0, fmt.Errorf("%w: first frame at %d: %s", ErrCorrupt, off, stop.reason)
	}
	first, err := parseFirst(payload)
	if err != nil {
		return 0, fmt.Errorf("%w: first frame at %d: %w", ErrCorrupt, off, err)
	}
	if got, want := first.seg.identity, r.opts.Identity; got != want {
		return 0, fmt.Errorf("%w: log of cluster %#x node %#x, want cluster %#x node %#x",
			ErrIdentity, got.ClusterID, got.NodeID, want.ClusterID, want.NodeID)
	}
	if got, want := first.seg.lastIndex+1, r.segs[i].first; got != want {
		return 0, fmt.Errorf("%w: segment begins at entry %d, its name says %d", ErrCorrupt, got, want)
	}
	if i == 0 {
		err = r.st.seed(first)
	} else {
		err = r.st.agrees(first, r.segs[i-1].end)
	}
	if err != nil {
		return 0, fmt.Errorf("%w: first frame at %d: %w", ErrCorrupt, off, err)
	}
	return next, nil
}

// judge decides what the end of a segment's readable frames at off means: the
// end of the log, a torn tail to be cut, or corruption.
func (r *recovery) judge(stop *damage, seq uint64, off int64, last bool) error {
	torn := writtenLen(r.data, seq, off)
	switch {
	case !stop.torn:
		return fmt.Errorf("%w: frame at %d: %s", ErrCorrupt, off, stop.reason)
	case torn == 0:
		return nil
	case !last:
		return fmt.Errorf("%w: frame at %d: %s, but a later segment shows that it was durable", ErrCorrupt, off, stop.reason)
	}
	if at, claim, found := laterClaim(r.data, seq, off); found {
		return fmt.Errorf("%w: frame at %d: %s, but the frame at %d shows that the segment was durable up to %d",
			ErrCorrupt, off, stop.reason, at, claim)
	}
	r.torn = torn
	return nil
}

// laterClaim looks for a frame after off that was written when the segment was
// known to be durable beyond off.
func laterClaim(data []byte, seq uint64, off int64) (at int64, claim uint64, found bool) {
	for at = advance(off, frameAlign); at+headerBytes <= int64(len(data)); at = advance(at, frameAlign) {
		if h, err := parseHeader(data[at:], seq, at); err == nil && h.synced > uint64(off) {
			return at, h.synced, true
		}
	}
	return 0, 0, false
}

// apply replays one frame's records.
func (r *recovery) apply(payload []byte, seg *segment) error {
	return decodeRecords(payload, func(record any) error {
		r.clean = false
		switch rec := record.(type) {
		case Entry:
			return r.applyEntry(rec, seg)
		case HardState:
			if err := r.st.admitHard(rec, r.st.last); err != nil {
				return err
			}
			r.st.hs = rec
		case markRecord:
			return r.applyMark(rec)
		case closeRecord:
			r.clean = true
		default:
			return fmt.Errorf("unexpected %T within a segment", rec)
		}
		return nil
	})
}

func (r *recovery) applyEntry(e Entry, seg *segment) error {
	if err := r.st.admitEntry(e.Index, e.Term); err != nil {
		return err
	}
	r.st.putEntry(e.Index, e.Term)
	seg.max = max(seg.max, e.Index)
	for n := len(r.entries); n > 0 && r.entries[n-1].Index >= e.Index; n-- {
		r.entries = r.entries[:n-1]
	}
	r.entries = append(r.entries, e)
	return nil
}

func (r *recovery) applyMark(m markRecord) error {
	if err := r.st.admitMark(m); err != nil {
		return err
	}
	r.st.putMark(m)
	keep := 0
	for keep < len(r.entries) && (m.resets || r.entries[keep].Index <= m.Index) {
		keep++
	}
	r.entries = r.entries[keep:]
	return nil
}

// resume makes what was read durable and opens the log for appending. It is the
// first step that modifies anything.
func (r *recovery) resume(temps []string) (*Log, error) {
	l := &Log{opts: r.opts, st: r.st}
	for _, name := range temps {
		if err := r.opts.FS.Remove(r.opts.FS.PathJoin(r.opts.Dir, name)); err != nil {
			return nil, err
		}
	}
	if len(r.segs) == 0 {
		return l, l.start(1, 0)
	}
	n := len(r.segs) - 1
	l.sealed, l.active = r.segs[:n:n], r.segs[n]
	f, err := r.opts.FS.OpenReadWrite(r.opts.FS.PathJoin(r.opts.Dir, l.active.name()), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(r.settle(f), syncDir(r.opts.FS, r.opts.Dir)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	l.w = writer{
		f: f, seq: l.active.seq, limit: r.opts.SegmentBytes,
		start: r.start, off: r.end, synced: r.end, filled: int64(len(r.data)),
	}
	return l, nil
}

// settle zeroes the torn tail and makes the frames before it durable. Frames
// that no other frame shows to be durable may be in the kernel's cache only, even
// marked clean there by a sync that failed before the process died, so they are
// written once more.
func (r *recovery) settle(f vfs.File) error {
	begin, end := withStamp(r.claimed), withStamp(r.end)
	if r.torn > 0 {
		tail := r.end + r.torn
		clear(r.data[end:tail])
		end = tail
	}
	if begin < end {
		if err := writeFullAt(f, r.data[begin:end], begin); err != nil {
			return err
		}
	}
	return f.SyncData()
}
