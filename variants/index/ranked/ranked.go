// Package ranked is the value `ranked` of the axis --index: an order-statistic
// tree, a B+ tree whose branches count the pairs below each child.
//
// With n keys stored, a point read or write costs O(log n), a range of k pairs
// O(log n + k) in either direction, and a count O(log n): the difference of two
// ranks. So a limited range, which carries the count of all keys that match,
// costs O(log n + k) too, where `btree` (and etcd) walk all m keys of the range
// for the count.
//
// It is our own tree since no maintained library offers ranks: google/btree does
// not count, and tidwall/btree counts its subtrees but answers only the inverse
// question (GetAt, the key of a rank), with which a rank takes O(log² n).
//
// # Copy on write
//
// Every node carries the epoch of the tree when it was made, and Clone begins a
// new epoch. A node of an older epoch is shared with a clone: the tree copies it
// before it changes it. See R. Bayer and E. McCreight, "Organization and
// Maintenance of Large Ordered Indices" (1972) for B-trees, and T. Cormen et
// al., "Introduction to Algorithms", chapter 14, for order statistics.
//
// Readers and the writer share the tree as package ordered says.
package ranked

import (
	"time"

	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/ordered"
)

// New returns an empty index. If onLockWait is not nil it is called, from many
// goroutines, with each time that a view or batch had to wait for the lock.
func New(onLockWait func(wait time.Duration)) memory.Index { return ordered.New(newTree, onLockWait) }

// tree is an order-statistic tree. A clone of it is never changed.
type tree struct {
	epoch uint64
	size  int64
	root  *node
}

var (
	_ ordered.Tree   = (*tree)(nil)
	_ ordered.Ranker = (*tree)(nil)
)

func newTree() ordered.Tree { return &tree{root: newLeaf(0)} }

// Clone shares all nodes with the clone, and owns none of them any more.
func (t *tree) Clone() ordered.Tree {
	t.epoch++
	return &tree{size: t.size, root: t.root}
}

func (t *tree) Len() int64 { return t.size }

func (t *tree) Get(key []byte) *kv.KeyValue { return t.root.get(keyOf(key)) }

func (t *tree) Rank(key []byte) int64 { return t.root.rank(keyOf(key)) }

func (t *tree) Scan(start, end []byte, fn func(*kv.KeyValue) bool) {
	t.root.ascend(keyOf(start), keyOf(end), fn)
}

func (t *tree) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) {
	t.root.descend(keyOf(start), keyOf(end), fn)
}

func (t *tree) Put(pair *kv.KeyValue) {
	t.root = t.own(t.root)
	t.size += t.put(t.root, keyOf(pair.Key), pair)
	if t.root.width() > maxWidth {
		root := newBranch(t.epoch)
		root.children = append(root.children, child{count: t.size, node: t.root})
		t.splitWide(root, 0)
		t.root = root
	}
}

func (t *tree) Delete(key []byte) {
	if t.Get(key) == nil {
		return // or it would copy nodes for nothing
	}
	t.root = t.own(t.root)
	t.remove(t.root, keyOf(key))
	t.size--
	if len(t.root.children) == 1 {
		t.root = t.root.children[0].node
	}
}
