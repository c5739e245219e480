// Package btree is the value `btree` of the axis --index: google/btree, a B-tree
// with copy-on-write clones (claim P2.2).
//
// With n keys stored, a point read or write costs O(log n), and a range of k
// pairs O(log n + k) in either direction. The tree does not know the size of its
// subtrees: a Count walks the m keys of its range, O(log n + m), and so does a
// limited range, which carries the count of all its keys. Only the count of the
// whole store is known.
//
// Readers and the writer share the tree as package ordered says.
package btree

import (
	"time"
	"unsafe"

	gbtree "github.com/google/btree"

	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/ordered"
)

// degree is the least number of children of an inner node: a node holds between
// degree-1 and 2*degree-1 pairs. Larger nodes make a lookup touch fewer of them,
// and a batch copy more bytes for each key that it changes.
const degree = 16

// New returns an empty index. If onLockWait is not nil it is called, from many
// goroutines, with each time that a view or batch had to wait for the lock.
func New(onLockWait func(wait time.Duration)) memory.Index { return ordered.New(newTree, onLockWait) }

// item is a pair beside its key, which points to the pair's own bytes: the
// search for a key then needs no pair, and a comparison touches none.
type item struct {
	key  string
	pair *kv.KeyValue
}

// at returns the item to search for key with. The tree keeps it only if it has
// a pair, whose key nobody changes.
func at(key []byte, pair *kv.KeyValue) item {
	return item{unsafe.String(unsafe.SliceData(key), len(key)), pair}
}

func less(a, b item) bool { return a.key < b.key }

// tree adapts the library's tree.
type tree struct{ items *gbtree.BTreeG[item] }

var _ ordered.Tree = tree{}

func newTree() ordered.Tree { return tree{gbtree.NewG(degree, less)} }

func (t tree) Clone() ordered.Tree { return tree{t.items.Clone()} }

func (t tree) Put(pair *kv.KeyValue) { t.items.ReplaceOrInsert(at(pair.Key, pair)) }

func (t tree) Delete(key []byte) { t.items.Delete(at(key, nil)) }

func (t tree) Get(key []byte) *kv.KeyValue {
	found, _ := t.items.Get(at(key, nil))
	return found.pair
}

func (t tree) Scan(start, end []byte, fn func(*kv.KeyValue) bool) {
	visit := func(it item) bool { return fn(it.pair) }
	if len(end) == 0 {
		t.items.AscendGreaterOrEqual(at(start, nil), visit)
		return
	}
	t.items.AscendRange(at(start, nil), at(end, nil), visit)
}

func (t tree) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) {
	first, last := at(start, nil), at(end, nil)
	visit := func(it item) bool { return it.key >= first.key && fn(it.pair) }
	if len(end) == 0 {
		t.items.Descend(visit)
		return
	}
	t.items.DescendLessOrEqual(last, func(it item) bool {
		return it.key == last.key || visit(it) // the bound itself is not in the range
	})
}

func (t tree) Len() int64 { return int64(t.items.Len()) }
