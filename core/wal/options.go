package wal

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// DefaultSegmentBytes is the segment size when Options leave it 0; etcd's.
const DefaultSegmentBytes = 64 << 20

// minSegmentBytes leaves room for a segment's own header with a generous
// membership in it.
const minSegmentBytes = 4 << 10

// maxPayloadBytes bounds one frame, so that a length read from a damaged file
// cannot ask for more, and so that lengths fit 32 bits.
const maxPayloadBytes = 1 << 30

// maxConfBytes bounds a snapshot mark's membership, which every segment repeats.
const maxConfBytes = 1 << 20

// Options configure a log.
type Options struct {
	// FS is the file system. Default: vfs.Default.
	FS vfs.FS
	// Dir is the log's directory, created when it is missing. Required. The
	// caller makes sure that no other process uses it.
	Dir string
	// SegmentBytes is the size at which a new segment is begun, at least 4 KiB.
	// A frame larger than that gets a segment of its own. Default:
	// DefaultSegmentBytes.
	SegmentBytes int64
	// Identity is stored in every segment and compared when the log is opened.
	Identity Identity
	// OnSync, if set, is called with the duration of every successful data sync.
	// It runs while the log is locked: it must be quick and not call the log.
	OnSync func(time.Duration)
	// OnWrite, if set, is called with the size of every frame written. The same
	// restrictions hold as for OnSync.
	OnWrite func(bytes int)
}

// EnsureDefaults fills in zero fields and returns o.
func (o *Options) EnsureDefaults() *Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = DefaultSegmentBytes
	}
	if o.OnSync == nil {
		o.OnSync = func(time.Duration) {}
	}
	if o.OnWrite == nil {
		o.OnWrite = func(int) {}
	}
	return o
}

// Validate reports all violations at once.
func (o *Options) Validate() error {
	var errs []error
	if o.FS == nil {
		errs = append(errs, errors.New("wal: Options.FS is nil, want a file system"))
	}
	if o.Dir == "" {
		errs = append(errs, errors.New("wal: Options.Dir is empty, want a directory"))
	}
	if o.SegmentBytes < minSegmentBytes {
		errs = append(errs, fmt.Errorf("wal: Options.SegmentBytes is %d, want at least %d", o.SegmentBytes, minSegmentBytes))
	}
	return errors.Join(errs...)
}
