// Package engine defines the state machine's storage: the seam behind
// --engine, the snapshot stream, and (in enginetest) the conformance suite
// that every engine passes.
//
// An engine stores the newest version of each key and one State record. It
// knows nothing of Raft, of requests or of revisions' meaning: package apply
// computes those, and the engine keeps what it is given, atomically.
package engine

import (
	"errors"
	"io"

	"metastorebench/core/kv"
)

// State is the engine's own record of how far the log has been applied. It is
// committed in the same batch as the data that it describes, so that after a
// crash data and State always agree.
type State struct {
	// AppliedIndex and AppliedTerm are those of the last log entry whose
	// commands have all been applied.
	AppliedIndex uint64
	AppliedTerm  uint64
	// AppliedOps counts the commands of entry AppliedIndex+1 that have been
	// applied already: an apply policy may commit in the middle of an entry.
	AppliedOps uint32
	// Revision is etcd's store revision; a new store is at 1.
	Revision int64
	// CompactRevision is the highest revision a client asked to compact, 0 if
	// none did.
	CompactRevision int64
	// ConfState is the Raft configuration at AppliedIndex, as bytes opaque to
	// the engine.
	ConfState []byte
}

// NewState returns the State of an engine that nothing was ever committed to.
func NewState() State { return State{Revision: 1} }

// Reader reads one consistent state. It is not safe for concurrent use; get
// one per goroutine.
type Reader interface {
	// State returns the State that belongs to the data seen by this Reader.
	// The caller must not modify ConfState.
	State() State
	// Get returns the pair for key, or nil if there is none.
	Get(key []byte) (*kv.KeyValue, error)
	// Scan calls fn for each key in [start, end), in ascending byte order,
	// until fn returns false. An empty end means no upper bound.
	Scan(start, end []byte, fn func(*kv.KeyValue) bool) error
	// ScanReverse is Scan in descending byte order: it begins with the last key
	// before end.
	ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error
	// Count returns the number of keys in [start, end), 0 if start >= end. What
	// it costs is the engine's matter: from O(log n), where subtrees know their
	// size, to a walk of the range.
	Count(start, end []byte) (int64, error)
}

// View is a Reader that holds resources (a lock, or a snapshot of the store)
// until Close, which is called exactly once. It sees the last committed batch
// and nothing later. Views may block commits: keep them short, and neither open
// another View nor a Batch on a goroutine that holds one.
type View interface {
	Reader
	Close()
}

// Batch collects changes that become visible, and durable, together. Reads
// through the batch see its own changes. There is at most one open batch per
// engine; it belongs to the apply goroutine.
type Batch interface {
	Reader
	// Put stores kv, replacing the key's pair. The engine takes ownership of kv
	// and of its slices, which are never changed again. They may alias a buffer of
	// at most twice their length, or any if the engine is a Copier.
	Put(kv *kv.KeyValue) error
	// Delete removes key; a key that does not exist is no error.
	Delete(key []byte) error
	// Commit makes the changes and state visible, atomically, and ends the
	// batch. It does not make them durable: the Raft log does. The engine takes
	// ownership of state.ConfState.
	Commit(state State) error
	// Discard ends the batch without its changes. A no-op after Commit.
	//
	// An engine that changes data in place (memory) cannot take changes back;
	// it reports ErrBatchDirty if there were any, and the node stops.
	Discard() error
}

// Engine stores the state machine. View may be called from any goroutine. All
// other methods belong to one goroutine at a time, with no batch open.
type Engine interface {
	// View returns a consistent view of the last committed batch.
	View() View
	// NewBatch opens the batch. Readers are served while it is open unless the
	// engine's documentation says that they wait.
	NewBatch() Batch
	// Persistent reports whether committed data outlive the process once
	// flushed. The log of an engine that is not persistent is bounded by
	// snapshot files instead.
	Persistent() bool
	// Flush returns once every batch committed before the call is durable. It
	// may run concurrently with View, NewBatch and Commit.
	Flush() error
	// Snapshot captures the present state without copying the data where that
	// is possible. Commits proceed while the snapshot is open.
	Snapshot() (Snapshot, error)
	// Restore replaces the whole content by a snapshot stream. If it fails the
	// engine must be discarded.
	Restore(r io.Reader) error
	// Close releases the engine. Data not flushed may be lost. Every View,
	// Batch and Snapshot must have been closed.
	Close() error
}

// Copier is an Engine that copies the bytes of a pair and keeps nothing of what
// Put was given when the batch has ended.
type Copier interface {
	Engine
	// CopiesPairs does nothing.
	CopiesPairs()
}

// Snapshot is a captured state. WriteTo may run on any one goroutine.
type Snapshot interface {
	State() State
	// WriteTo writes the stream that Restore reads.
	WriteTo(w io.Writer) (int64, error)
	Close() error
}

var (
	// ErrBatchDirty says that a discarded batch had already changed data.
	ErrBatchDirty = errors.New("engine: discarded batch had changed data in place")
	// ErrSnapshotCorrupt says that a snapshot stream is damaged or cut short.
	ErrSnapshotCorrupt = errors.New("engine: snapshot is corrupt")
	// ErrFormat says that stored data or a snapshot stream has a format version
	// that this program does not read.
	ErrFormat = errors.New("engine: unknown format version")
	// ErrCorrupt says that stored bytes cannot be decoded.
	ErrCorrupt = errors.New("engine: stored data are corrupt")
	// ErrClosed says that the engine was used after Close.
	ErrClosed = errors.New("engine: closed")
)
