package lsm

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"metastorebench/core/engine"
)

// lsmEngine implements engine.Engine over a Store.
type lsmEngine struct {
	store Store
	// access is held for reading while a snapshot of the store is taken, and
	// for writing by Restore and Close: a reader never sees half a Restore, and
	// never touches a closed library. It comes before commits.
	access sync.RWMutex
	// commits is held for writing while the store's content changes, and for
	// reading by views that read the store itself.
	commits sync.RWMutex
	// keys changes under commits; a snapshot's counter comes from it.
	keys keySet
	// newKeys makes the key index; nil if there is none.
	newKeys func() KeyIndex
	// base is the newest committed state. It changes under commits.
	base reader
	// closed changes under both locks.
	closed bool
	// open counts Views and Snapshots: a library must not be closed under one.
	open atomic.Int64
	// written counts the bytes of keys and values that batches brought in.
	written atomic.Int64
	// visited counts the stored keys that scans and counts stepped over.
	visited atomic.Int64
	// batch is the one batch. It belongs to the goroutine that commits.
	batch batch
}

var (
	_ engine.Metered = (*lsmEngine)(nil)
	_ engine.Copier  = (*lsmEngine)(nil)
)

// CopiesPairs implements engine.Copier: batches of the library have their own
// memory, and the overlay is empty when a batch ends.
func (*lsmEngine) CopiesPairs() {}

// Open returns an engine over store, which it owns from then on, also if it
// fails. A store that is empty gets the format version and a new State; one of
// another format version is refused with engine.ErrFormat, unchanged. newKeys
// makes the key index, which Open fills by a scan of all keys; nil for none.
func Open(store Store, newKeys func() KeyIndex) (engine.Engine, error) {
	e := &lsmEngine{store: store, newKeys: newKeys}
	e.base = reader{engine: e, src: store}
	e.batch = batch{Overlay: engine.NewOverlay(&e.base), engine: e}
	if err := e.recover(); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return e, nil
}

// recover checks the format and brings the store into a state with a State.
func (e *lsmEngine) recover() error {
	found, err := readFormat(e.store)
	if err != nil {
		return err
	}
	if !found {
		// Only a store with nothing in it may be claimed.
		n, err := e.store.Count([]byte{0}, []byte{0xff})
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%w: found none in a store of %d keys, accepted %d", engine.ErrFormat, n, formatVersion)
		}
	}
	state, found, err := readState(e.store)
	if err != nil {
		return err
	}
	if !found {
		state = engine.NewState()
		if err := e.wipe(&state); err != nil {
			return err
		}
	}
	e.base.state = state
	return e.indexKeys()
}

// indexKeys fills the key index, if there is one, with the keys that are stored.
func (e *lsmEngine) indexKeys() error {
	if e.newKeys == nil {
		return nil
	}
	live := e.newKeys()
	err := e.store.Scan([]byte{dataPrefix}, []byte{dataEnd}, func(key, _ []byte) bool {
		live.Put(string(key[1:]))
		return true
	})
	e.keys.replace(live)
	return err
}

// apply applies a batch that makes changes of keys and brings the store to state.
func (e *lsmEngine) apply(b Batch, changes []keyChange, state engine.State) error {
	e.commits.Lock()
	defer e.commits.Unlock()
	e.keys.announce(changes)
	if err := b.Apply(); err != nil {
		return err
	}
	e.keys.settle()
	e.base.state = state
	return nil
}

// wipe empties the store, in one batch, and leaves it with state, or without
// one for the time of a Restore. Where there are no data it deletes none: every
// read would have to look at the tombstone.
func (e *lsmEngine) wipe(state *engine.State) error {
	lower, upper := []byte{dataPrefix}, []byte{dataEnd}
	empty := true
	err := e.store.Scan(lower, upper, func(_, _ []byte) bool {
		empty = false
		return false
	})
	if err != nil {
		return err
	}
	b := e.store.NewBatch()
	err = b.Set(formatKey, []byte{formatVersion})
	if !empty {
		err = errors.Join(err, b.DeleteRange(lower, upper))
	}
	if state != nil {
		err = errors.Join(err, b.Set(stateKey, engine.AppendState(nil, *state)))
	} else {
		err = errors.Join(err, b.Delete(stateKey))
	}
	if err == nil {
		err = b.Apply()
	}
	return errors.Join(err, b.Close())
}

// View returns a view of the newest committed batch. If no batch is just being
// applied, the view reads the store itself and holds up commits until it is
// closed or scans; else it is a snapshot. If the library fails to give one,
// every read of the view returns its error.
//
// A snapshot costs as much as several point reads (Pebble looks for compactions
// whenever one is closed), so a view for a point read has none.
func (e *lsmEngine) View() engine.View {
	if e.commits.TryRLock() {
		if e.closed {
			e.commits.RUnlock()
			return failedView{engine.ErrClosed}
		}
		e.open.Add(1)
		return &view{reader: reader{engine: e, src: e.store, state: e.base.state, keys: counter{index: e.keys.live}}}
	}
	v, err := e.capture()
	if err != nil {
		return failedView{err}
	}
	return v
}

// capture takes a snapshot of the store and reads the State from it. It does
// not wait for a batch that is being applied: the library may hold that up.
func (e *lsmEngine) capture() (*view, error) {
	e.access.RLock()
	defer e.access.RUnlock()
	if e.closed {
		return nil, engine.ErrClosed
	}
	snap, keys, err := e.keys.snapshot(e.store)
	if err != nil {
		return nil, errors.Join(err, snap.Close())
	}
	state, found, err := readState(snap)
	if err == nil && !found {
		err = fmt.Errorf("%w: no state record", engine.ErrCorrupt)
	}
	if err != nil {
		return nil, errors.Join(err, snap.Close())
	}
	e.open.Add(1)
	return &view{reader: reader{engine: e, src: snap, state: state, keys: keys}, snap: snap}, nil
}

func (e *lsmEngine) NewBatch() engine.Batch {
	e.batch.pending = e.store.NewBatch()
	return &e.batch
}

func (e *lsmEngine) Persistent() bool { return true }

func (e *lsmEngine) Flush() error { return e.store.Flush() }

// StorageStats holds up Close, so that the library is not asked after it.
func (e *lsmEngine) StorageStats() (engine.StorageStats, error) {
	e.access.RLock()
	defer e.access.RUnlock()
	if e.closed {
		return engine.StorageStats{}, engine.ErrClosed
	}
	stats, err := e.store.Stats()
	stats.WrittenBytes, stats.VisitedKeys = e.written.Load(), e.visited.Load()
	return stats, err
}

func (e *lsmEngine) Snapshot() (engine.Snapshot, error) {
	v, err := e.capture()
	if err != nil {
		return nil, err
	}
	v.keys = counter{} // it is not asked for a count, and may be open for long
	return snapshot{v}, nil
}

// Close closes the store. With Views or Snapshots open it refuses: a library
// in C would read freed memory.
func (e *lsmEngine) Close() error {
	e.access.Lock()
	defer e.access.Unlock()
	// A view of the store itself holds commits; Close does not wait for it.
	if !e.commits.TryLock() {
		return errOpenViews
	}
	defer e.commits.Unlock()
	if e.closed {
		return nil
	}
	if e.open.Load() > 0 {
		return errOpenViews
	}
	e.closed = true
	return e.store.Close()
}

var errOpenViews = errors.New("engine: close with views or snapshots open")
