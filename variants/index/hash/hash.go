// Package hash is the value `hash` of the axis --index, and its baseline: a Go
// map under one readers-writer lock.
//
// A point read or write costs O(1). The map has no order: a Scan filters all n
// pairs and sorts the m matches, O(n + m log m), and a Count filters all, O(n),
// however small the range. That is the plan's baseline (claim P2.2).
//
// # Concurrency
//
// A view holds the lock shared until it is closed, a batch holds it exclusive
// from Begin to Commit or Discard, and changes the map in place. So readers
// wait for the batch, and the batch waits for readers. Neither allocates beyond
// what is stored.
//
// The map's memory follows its largest size so far: Go maps do not shrink.
package hash

import (
	"bytes"
	"iter"
	"slices"
	"time"
	"unsafe"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/timedlock"
)

// Index is a map of keys to pairs under one lock.
type Index struct {
	mu    timedlock.RW
	pairs map[string]*kv.KeyValue
	state engine.State

	// open and dirty describe the batch: that there is one, and that it has
	// changed pairs. They belong to the goroutine that owns the batch.
	open, dirty bool
}

var _ memory.Index = (*Index)(nil)

// New returns an empty index. If onLockWait is not nil it is called, from many
// goroutines, with each time that a view or batch had to wait for the lock.
func New(onLockWait func(wait time.Duration)) memory.Index {
	return &Index{
		mu:    timedlock.RW{OnWait: onLockWait},
		pairs: make(map[string]*kv.KeyValue),
		state: engine.NewState(),
	}
}

// Fresh returns an empty index that reports lock waits to the same function.
func (ix *Index) Fresh() memory.Index { return New(ix.mu.OnWait) }

// Acquire takes the lock, shared, until the view is closed.
func (ix *Index) Acquire() engine.View {
	ix.mu.RLock()
	return (*view)(ix)
}

// Begin takes the lock, exclusive, until the batch ends.
func (ix *Index) Begin() engine.Batch {
	ix.mu.Lock()
	ix.open, ix.dirty = true, false
	return (*batch)(ix)
}

// Capture copies the pointers under the shared lock, and sorts them only when
// they are ranged over.
func (ix *Index) Capture() (engine.State, iter.Seq[*kv.KeyValue]) {
	v := ix.Acquire()
	defer v.Close()
	pairs := make([]*kv.KeyValue, 0, len(ix.pairs))
	for _, pair := range ix.pairs {
		pairs = append(pairs, pair)
	}
	return ix.state, func(yield func(*kv.KeyValue) bool) {
		slices.SortFunc(pairs, byKey)
		for _, pair := range pairs {
			if !yield(pair) {
				return
			}
		}
	}
}

// reader reads the index under a lock that somebody holds.
type reader Index

func (r *reader) State() engine.State { return r.state }

func (r *reader) Get(key []byte) (*kv.KeyValue, error) { return r.pairs[string(key)], nil }

// Scan holds all matches before it hands on the first: the map has no order.
func (r *reader) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	for _, pair := range r.sorted(start, end) {
		if !fn(pair) {
			break
		}
	}
	return nil
}

func (r *reader) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	for _, pair := range slices.Backward(r.sorted(start, end)) {
		if !fn(pair) {
			break
		}
	}
	return nil
}

// sorted returns the pairs of [start, end) in ascending order of keys.
func (r *reader) sorted(start, end []byte) []*kv.KeyValue {
	var matches []*kv.KeyValue
	for _, pair := range r.pairs {
		if engine.InRange(pair.Key, start, end) {
			matches = append(matches, pair)
		}
	}
	slices.SortFunc(matches, byKey)
	return matches
}

func (r *reader) Count(start, end []byte) (int64, error) {
	if len(start) == 0 && len(end) == 0 {
		return int64(len(r.pairs)), nil
	}
	var n int64
	for _, pair := range r.pairs {
		if engine.InRange(pair.Key, start, end) {
			n++
		}
	}
	return n, nil
}

func byKey(a, b *kv.KeyValue) int { return bytes.Compare(a.Key, b.Key) }

// view and batch are the index itself under other names, so that neither needs
// an allocation.
type (
	view  Index
	batch Index
)

var (
	_ engine.View  = (*view)(nil)
	_ engine.Batch = (*batch)(nil)
)

func (v *view) State() engine.State                    { return (*reader)(v).State() }
func (v *view) Get(key []byte) (*kv.KeyValue, error)   { return (*reader)(v).Get(key) }
func (v *view) Count(start, end []byte) (int64, error) { return (*reader)(v).Count(start, end) }
func (v *view) Close()                                 { v.mu.RUnlock() }
func (v *view) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	return (*reader)(v).Scan(start, end, fn)
}

func (v *view) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	return (*reader)(v).ScanReverse(start, end, fn)
}

func (b *batch) State() engine.State                    { return (*reader)(b).State() }
func (b *batch) Get(key []byte) (*kv.KeyValue, error)   { return (*reader)(b).Get(key) }
func (b *batch) Count(start, end []byte) (int64, error) { return (*reader)(b).Count(start, end) }
func (b *batch) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	return (*reader)(b).Scan(start, end, fn)
}
func (b *batch) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	return (*reader)(b).ScanReverse(start, end, fn)
}

// Put lets the map share the bytes of the pair's own key, which nobody changes
// any more. Go's map replaces the stored key of a string map along with the
// value, so that the old pair is not kept alive by its key.
func (b *batch) Put(pair *kv.KeyValue) error {
	b.dirty = true
	b.pairs[unsafe.String(unsafe.SliceData(pair.Key), len(pair.Key))] = pair
	return nil
}

func (b *batch) Delete(key []byte) error {
	b.dirty = true
	delete(b.pairs, string(key))
	return nil
}

func (b *batch) Commit(state engine.State) error {
	b.state = state
	b.end()
	return nil
}

func (b *batch) Discard() error {
	if !b.open {
		return nil
	}
	dirty := b.dirty
	b.end()
	if dirty {
		return engine.ErrBatchDirty
	}
	return nil
}

func (b *batch) end() {
	b.open = false
	b.mu.Unlock()
}
