// Package memory is the value `memory` of the axis --engine: the state machine
// in the heap, in an index that the axis --index chooses.
//
// The engine defines the seam Index and adds what all indexes share: snapshots,
// Restore, and the fact that nothing outlives the process.
package memory

import (
	"io"
	"iter"
	"sync/atomic"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// Index holds the pairs and the State in memory, and owns their concurrency:
// how readers and the writer share the data is exactly what the values of the
// axis --index differ in. Pairs are immutable, so an index copies pointers and
// never bytes.
type Index interface {
	// Acquire returns a view of the last committed batch. It may be called from
	// any goroutine and may wait for the open batch. Commits may wait for the
	// view.
	Acquire() engine.View
	// Begin opens the batch, which belongs to one goroutine, and may wait for
	// open views. An index that changes data in place shows them to nobody
	// before Commit, and answers Discard with engine.ErrBatchDirty if there
	// were any changes: the index may not be used after that. The batch is
	// invalid once the next one is open.
	Begin() engine.Batch
	// Capture returns the State and all pairs of the last committed batch, to be
	// ranged over once, in ascending order of keys, while batches go on. It
	// holds up batches for no longer than it takes to copy pointers.
	Capture() (engine.State, iter.Seq[*kv.KeyValue])
	// Fresh returns a new, empty index of the same kind and settings.
	Fresh() Index
}

// memory implements engine.Engine over an Index.
type memory struct {
	index atomic.Pointer[Index]
}

var _ engine.Engine = (*memory)(nil)

// New returns an engine over idx, which it owns.
func New(idx Index) engine.Engine {
	m := new(memory)
	m.index.Store(&idx)
	return m
}

func (m *memory) current() Index { return *m.index.Load() }

// View may wait for the open batch, as the index's documentation says.
func (m *memory) View() engine.View { return m.current().Acquire() }

// NewBatch may keep readers waiting until the batch ends, as the index's
// documentation says.
func (m *memory) NewBatch() engine.Batch { return m.current().Begin() }

func (m *memory) Persistent() bool { return false }

// Flush does nothing: there is no more durable place than the Raft log.
func (m *memory) Flush() error { return nil }

// Snapshot copies one pointer per key. It keeps the pairs of this moment alive
// until it is dropped.
func (m *memory) Snapshot() (engine.Snapshot, error) {
	state, pairs := m.current().Capture()
	return &snapshot{state: state, pairs: pairs}, nil
}

// Restore fills a fresh index and then swaps it in, so that views show the old
// state or the new one. Both are in memory for that time. After a failure the
// old state is still there.
func (m *memory) Restore(r io.Reader) error {
	idx := m.current().Fresh()
	batch := idx.Begin()
	var state engine.State
	err := engine.ReadSnapshot(r, func(s engine.State) error {
		state = s
		return nil
	}, batch.Put)
	if err != nil {
		// The fresh index is dropped with its half-filled batch.
		_ = batch.Discard()
		return err
	}
	if err := batch.Commit(state); err != nil {
		return err
	}
	m.index.Store(&idx)
	return nil
}

// Close leaves the memory to the garbage collector.
func (m *memory) Close() error { return nil }

// snapshot is a capture of an index.
type snapshot struct {
	state engine.State
	pairs iter.Seq[*kv.KeyValue]
}

var _ engine.Snapshot = (*snapshot)(nil)

func (s *snapshot) State() engine.State { return s.state }

func (s *snapshot) WriteTo(w io.Writer) (int64, error) {
	return engine.WriteSnapshot(w, s.state, func(yield func(*kv.KeyValue, error) bool) {
		for pair := range s.pairs {
			if !yield(pair, nil) {
				return
			}
		}
	})
}

// Close drops the captured pairs.
func (s *snapshot) Close() error {
	s.pairs = nil
	return nil
}
