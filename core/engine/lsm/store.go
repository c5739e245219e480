package lsm

import (
	"io"

	"metastorebench/core/engine"
)

// Store is an ordered map of bytes to bytes: what an LSM library offers. All
// reads of the Store itself see the newest applied batch. It need not survive
// use after Close; the engine above it sees to that.
type Store interface {
	Reader
	// Snapshot captures the present content. It may be called from any
	// goroutine, also while a batch is applied.
	Snapshot() Snapshot
	// NewBatch returns an empty batch. One is open at a time.
	NewBatch() Batch
	// Stats returns the library's account, with WrittenBytes and VisitedKeys 0:
	// the engine counts them, in the same way for every Store. It may be called
	// from any goroutine.
	Stats() (engine.StorageStats, error)
	// Flush returns once every batch applied before the call is durable, or
	// with the error that prevents it.
	Flush() error
	Close() error
}

// Reader reads. Bounds are half-open: lower <= key < upper.
type Reader interface {
	// Get returns the value of key, or nil and a nil Closer if there is none.
	// The value is valid until the Closer is closed, which is a duty.
	Get(key []byte) ([]byte, io.Closer, error)
	// Scan calls fn for each key in ascending order until it returns false. The
	// slices are valid during the call only.
	Scan(lower, upper []byte, fn func(key, value []byte) bool) error
	// ScanReverse is Scan in descending order.
	ScanReverse(lower, upper []byte, fn func(key, value []byte) bool) error
	// Count counts the keys, without reading values where that saves anything.
	Count(lower, upper []byte) (int64, error)
}

// Snapshot is a Reader of a captured state. Distinct Snapshots are used by
// distinct goroutines.
type Snapshot interface {
	Reader
	Close() error
}

// Batch collects changes in order. The Store copies keys and values.
type Batch interface {
	Set(key, value []byte) error
	Delete(key []byte) error
	// DeleteRange deletes all keys with lower <= key < upper.
	DeleteRange(lower, upper []byte) error
	// Apply makes the changes visible at once, without a sync, and before any
	// batch applied later in a crash.
	Apply() error
	// Close frees the batch, applied or not.
	Close() error
}
