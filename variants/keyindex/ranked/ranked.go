// Package ranked is the value `ranked` of the axis --key-index: all keys in memory,
// in an order-statistic tree, package ranktree, beside an engine that persists.
//
// The count of any range costs O(log n) then, and a limited range reads the pairs
// that it returns, and one more, where the engine alone walks all keys of the
// range for the count. etcd keeps all keys in memory too, in its treeIndex, and
// walks them there for a count.
//
// # What it costs
//
//   - Memory grows with the number of keys: about 32 bytes of heap for each and
//     its own bytes, rounded up as Go's allocator does: 40 for a key of 8 bytes
//     (BenchmarkHeapPerKey). What is deleted is given back. Nothing else bounds
//     it, as nothing bounds the memory engine.
//   - A start scans all keys once. BenchmarkRebuild says how long a million take.
//   - A commit looks up each key that it changes, and only keys that come or go
//     change the tree. A view that scans keeps a clone, so that the next such change
//     copies a few nodes.
package ranked

import (
	"slices"
	"unsafe"

	"metastorebench/core/engine/lsm"
	"metastorebench/variants/index/ranktree"
)

// New returns an empty index.
func New() lsm.KeyIndex {
	return index{ranktree.New(func(key string) string { return key }, slices.BinarySearch)}
}

// index is a rank tree of keys.
type index struct{ keys *ranktree.Tree[string] }

var _ lsm.KeyIndex = index{}

// stringOf returns the bound without copying it, for a lookup.
func stringOf(bound []byte) string { return unsafe.String(unsafe.SliceData(bound), len(bound)) }

func (x index) Has(key string) bool {
	_, found := x.keys.Get(key)
	return found
}

func (x index) Count(start, end []byte) int64 { return x.keys.Count(stringOf(start), stringOf(end)) }

func (x index) Put(key string) { x.keys.Put(key) }

func (x index) Delete(key string) { x.keys.Delete(key) }

func (x index) Clone() lsm.KeyIndex { return index{x.keys.Clone()} }
