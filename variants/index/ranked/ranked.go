// Package ranked is the value `ranked` of the axis --index: an order-statistic
// tree, package ranktree.
//
// A limited range, which carries the count of all keys that match, costs
// O(log n + k) among n keys, where `btree` (and etcd) walk all m keys of the range
// for the count.
//
// Readers and the writer share the tree as package ordered says.
package ranked

import (
	"time"
	"unsafe"

	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/ordered"
	"metastorebench/variants/index/ranktree"
)

// New returns an empty index. If onLockWait is not nil it is called, from many
// goroutines, with each time that a view or batch had to wait for the lock.
func New(onLockWait func(wait time.Duration)) memory.Index { return ordered.New(newTree, onLockWait) }

// tree is a rank tree of pairs.
type tree struct{ pairs *ranktree.Tree[*kv.KeyValue] }

var (
	_ ordered.Tree    = tree{}
	_ ordered.Counter = tree{}
)

func newTree() ordered.Tree { return tree{ranktree.New(pairKey, search)} }

// keyOf returns the key without copying it: a stored pair's key never changes.
func keyOf(key []byte) string { return unsafe.String(unsafe.SliceData(key), len(key)) }

func pairKey(pair *kv.KeyValue) string { return keyOf(pair.Key) }

// search is a ranktree.Search.
func search(pairs []*kv.KeyValue, key string) (at int, found bool) {
	low, high := 0, len(pairs)
	for low < high { // slices.BinarySearchFunc would call a function for each step
		mid := int(uint(low+high) / 2)
		if pairKey(pairs[mid]) < key {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, low < len(pairs) && pairKey(pairs[low]) == key
}

func (t tree) Clone() ordered.Tree { return tree{t.pairs.Clone()} }

func (t tree) Len() int64 { return t.pairs.Len() }

func (t tree) Get(key []byte) *kv.KeyValue {
	pair, _ := t.pairs.Get(keyOf(key))
	return pair
}

func (t tree) Count(start, end []byte) int64 { return t.pairs.Count(keyOf(start), keyOf(end)) }

func (t tree) Scan(start, end []byte, fn func(*kv.KeyValue) bool) {
	t.pairs.Scan(keyOf(start), keyOf(end), fn)
}

func (t tree) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) {
	t.pairs.ScanReverse(keyOf(start), keyOf(end), fn)
}

func (t tree) Put(pair *kv.KeyValue) { t.pairs.Put(pair) }

func (t tree) Delete(key []byte) { t.pairs.Delete(keyOf(key)) }
