// Package ordered makes a memory.Index of any ordered tree that can be cloned in
// O(1) and copies on write from then on: what the values `btree` and `ranked` of
// the axis --index share.
//
// # Concurrency
//
//  1. A batch holds the lock exclusively from Begin to Commit or Discard, and
//     changes the tree in place.
//  2. A view holds the lock shared, for as long as it reads points and short
//     ranges: these are over sooner than a clone would be paid for.
//  3. A scan that goes on for longer than pinAfter pairs pins its view: it takes
//     a clone of the tree, which all views until the next batch share, and gives
//     up the lock. The view reads the clone from then on, and holds up nobody
//     however long it stays open. Captures are pinned from the start.
//  4. The next batches copy each node that the clone has, once, before they
//     change it.
//
// So writes pay for copies only while there are long ranges or snapshots, and
// then pay for the nodes that they touch, not for the length of the range.
package ordered

import (
	"iter"
	"sync"
	"time"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/timedlock"
)

// pinAfter is how many pairs a view scans under the lock, in microseconds.
// Cloning costs a batch about one more microsecond for each key that it changes.
const pinAfter = 64

// Tree is an ordered map from keys to pairs. One goroutine changes it, when
// nobody reads it; many read it at once.
type Tree interface {
	// Get returns the pair of key, or nil. It does not allocate.
	Get(key []byte) *kv.KeyValue
	// Scan and ScanReverse call fn for the pairs with start <= key < end, in
	// ascending and in descending order, until it returns false. An empty end is
	// no bound. A scan during which the tree is cloned goes on over what the
	// clone holds, whatever becomes of the tree.
	Scan(start, end []byte, fn func(*kv.KeyValue) bool)
	ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool)
	// Len returns the number of keys.
	Len() int64
	// Put stores pair, which is immutable, in place of the key's pair.
	Put(pair *kv.KeyValue)
	// Delete removes key if it is there.
	Delete(key []byte)
	// Clone returns the present content as a tree to be read only, in O(1). It
	// may run beside reads, not beside another Clone.
	Clone() Tree
}

// Counter is a Tree that knows the size of its subtrees. Without it a count is a
// walk.
type Counter interface {
	// Count returns the number of keys in [start, end), 0 if there can be none,
	// in O(log n). An empty end is no bound.
	Count(start, end []byte) int64
}

// Index is an ordered tree under a lock.
type Index struct {
	mu      timedlock.RW
	newTree func() Tree

	live  reader // what batches change
	batch batch  // the one batch

	// pinned is the clone of live that views share, nil if there is none since
	// the last batch. It changes under cloning and mu shared, or mu exclusive.
	pinned  Tree
	cloning sync.Mutex

	views sync.Pool // of *view
}

var _ memory.Index = (*Index)(nil)

// New returns an empty index of the trees that newTree makes. If onLockWait is
// not nil it is called, from many goroutines, with each time that a view or
// batch had to wait for the lock.
func New(newTree func() Tree, onLockWait func(wait time.Duration)) *Index {
	ix := &Index{mu: timedlock.RW{OnWait: onLockWait}, newTree: newTree}
	ix.live = reader{tree: newTree(), state: engine.NewState()}
	ix.batch.index = ix
	ix.views.New = func() any {
		v := &view{index: ix}
		v.visit = v.visitPair
		return v
	}
	return ix
}

// Fresh returns an empty index of the same kind of tree, which reports lock
// waits to the same function.
func (ix *Index) Fresh() memory.Index { return New(ix.newTree, ix.mu.OnWait) }

// Acquire takes the lock, shared, until the view is pinned or closed.
func (ix *Index) Acquire() engine.View { return ix.acquire() }

func (ix *Index) acquire() *view {
	ix.mu.RLock()
	v := ix.views.Get().(*view)
	v.reader, v.pinned = ix.live, false
	return v
}

// Begin takes the lock, exclusively, until the batch ends.
func (ix *Index) Begin() engine.Batch {
	ix.mu.Lock()
	ix.pinned = nil
	ix.batch.open, ix.batch.dirty = true, false
	return &ix.batch
}

// Capture clones the tree, in O(1).
func (ix *Index) Capture() (engine.State, iter.Seq[*kv.KeyValue]) {
	v := ix.acquire()
	defer v.Close()
	v.pin()
	state, tree := v.state, v.tree
	return state, func(yield func(*kv.KeyValue) bool) { tree.Scan(nil, nil, yield) }
}

// clone returns the clone that all views until the next batch share. The caller
// holds the lock shared.
func (ix *Index) clone() Tree {
	ix.cloning.Lock()
	defer ix.cloning.Unlock()
	if ix.pinned == nil {
		ix.pinned = ix.live.tree.Clone()
	}
	return ix.pinned
}
