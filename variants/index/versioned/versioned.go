// Package versioned makes a memory.Index of any concurrent map, so that a reader
// sees whole batches though the map shows single changes: what the values
// `sharded`, `lockfree` and `hybrid` of the axis --index share.
//
// # Concurrency
//
// A concurrent map alone would show a reader half of a batch. So versions are
// kept apart by what it takes to undo them:
//
//  1. A batch collects its changes; nobody sees them, and Begin waits for nobody.
//  2. Commit makes the next version, which knows the pair that each of its
//     changes replaces, and first links the present version to it.
//  3. It then makes the changes: in the ordered side, if there is one, under its
//     lock, and in the table one by one. Last it publishes the next version.
//  4. A view is the version that was published when it was acquired. It reads the
//     table (a range: the ordered side, under its lock) as that is by now; then,
//     wherever later versions say that the key was changed since, it answers with
//     the pair that the first of them replaced.
//
// Step 2 comes before step 3, so whoever sees a change sees how to undo it. What a
// view answers depends on its version alone, by whichever way: a point read and a
// range of one view never disagree, and no view is older than one acquired before
// it ended. So a reader never sees an older value in the table after a newer one
// in the ordered side, or the other way round, although they change one after the
// other.
//
// Views hold up no batch however long they stay open, and no batch makes a view
// wait, but for what the table and the ordered side do themselves. A view that
// stays open keeps what was replaced since in memory, and reads slower, by a
// lookup for each batch since. The garbage collector drops the versions that no
// view can need.
package versioned

import (
	"iter"
	"sync/atomic"
	"unsafe"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
)

// Table holds the newest pair of each key. One goroutine at a time changes it,
// any number read it meanwhile. Whoever sees a change sees everything that
// happened before it.
type Table interface {
	// Get returns the pair of key, or nil. It does not allocate or keep key.
	Get(key string) *kv.KeyValue
	// Put stores pair, which is immutable, in place of the key's pair; key shares
	// the pair's bytes.
	Put(key string, pair *kv.KeyValue)
	// Delete removes key if it is there.
	Delete(key string)
	// Each calls fn with pairs, in any order: once with that of each key that is
	// not changed meanwhile, and any number of times with any pairs, past or
	// present, of those that are.
	Each(fn func(pair *kv.KeyValue))
}

// Parts make the storage of an index.
type Parts struct {
	// Table returns an empty table.
	Table func() Table
	// Ordered returns an empty ordered index that answers ranges, to which all
	// changes go too. Nil means none: a range then filters and sorts the table.
	Ordered func() memory.Index
}

// Index is a table with versions.
type Index struct {
	parts     Parts
	table     Table
	ranges    ranges
	published atomic.Pointer[version]
	batch     batch // the one batch
}

var _ memory.Index = (*Index)(nil)

// New returns an empty index.
func New(parts Parts) *Index {
	ix := &Index{parts: parts, table: parts.Table()}
	if parts.Ordered != nil {
		ix.ranges = ordered{parts.Ordered()}
	} else {
		ix.ranges = collected{ix.table}
	}
	ix.published.Store(&version{index: ix, state: engine.NewState()})
	ix.batch.index = ix
	return ix
}

// Fresh returns an empty index of the same parts.
func (ix *Index) Fresh() memory.Index { return New(ix.parts) }

// Acquire returns the newest version. It waits for nobody.
func (ix *Index) Acquire() engine.View { return ix.published.Load() }

// Begin opens the batch. It waits for nobody.
func (ix *Index) Begin() engine.Batch {
	ix.batch.begin(ix.published.Load())
	return &ix.batch
}

// Capture returns the newest version. Without an ordered side it is collected
// when it is ranged over.
func (ix *Index) Capture() (engine.State, iter.Seq[*kv.KeyValue]) {
	v := ix.published.Load()
	return v.state, ix.ranges.capture(v)
}

// keyOf returns the key without copying it, for a lookup or as that of a stored
// pair, which never changes.
func keyOf(key []byte) string { return unsafe.String(unsafe.SliceData(key), len(key)) }

// bytesOf returns the key's own bytes, to be read only.
func bytesOf(key string) []byte { return unsafe.Slice(unsafe.StringData(key), len(key)) }
