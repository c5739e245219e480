package wal

import (
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fillBytes is how much zeroed space a segment gains whenever its frames reach
// the end of the file. Overwriting zeros leaves fdatasync only data to write;
// appending makes it commit the file's new size as well. See doc.go for the
// measurement, and for why not fallocate.
const fillBytes = 256 << 10

// writer is the segment that frames go to.
type writer struct {
	f     vfs.File
	seq   uint64
	limit int64 // bytes; zeros are not filled in beyond it
	start int64 // the end of the segment's first frame
	off   int64 // where the next frame goes
	// synced is how far the file is known to be durable.
	synced int64
	// filled is the file's size. [off, filled) was not written for this segment:
	// it is zero, or in a recycled file what an older segment left.
	filled int64
	zeros  []byte
}

// write writes one sealed frame, laid out over sectors, which ends before next.
func (w *writer) write(sectors []byte, next int64) error {
	at := withStamp(w.off)
	end := at + int64(len(sectors))
	// A large frame is cheaper written once than after as many zeros.
	if len(sectors) < fillBytes {
		if err := w.reserve(end); err != nil {
			return fmt.Errorf("extending segment %#x: %w", w.seq, err)
		}
	}
	if err := writeFullAt(w.f, sectors, at); err != nil {
		return fmt.Errorf("writing %d bytes at %d of segment %#x: %w", len(sectors), at, w.seq, err)
	}
	w.off, w.filled = next, max(w.filled, end)
	return nil
}

// reserve makes sure that the file reaches to end, less than fillBytes beyond
// what it has.
func (w *writer) reserve(end int64) error {
	missing := end - w.filled
	if missing <= 0 {
		return nil
	}
	if w.zeros == nil {
		w.zeros = make([]byte, fillBytes)
	}
	chunk := w.zeros[:max(missing, min(fillBytes, w.limit-w.filled))]
	// A file may scribble on what it is given to write; see vfs.File.
	clear(chunk)
	if err := writeFullAt(w.f, chunk, w.filled); err != nil {
		return err
	}
	w.filled += int64(len(chunk))
	return nil
}

// sync makes everything written so far durable.
func (w *writer) sync() error {
	if err := w.f.SyncData(); err != nil {
		return fmt.Errorf("syncing segment %#x: %w", w.seq, err)
	}
	w.synced = w.off
	return nil
}

// writeFullAt writes all of b, or fails.
func writeFullAt(f vfs.File, b []byte, off int64) error {
	n, err := f.WriteAt(b, off)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}
