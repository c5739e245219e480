// Package ranktree is an order-statistic tree: a B+ tree of items, each with a
// key of its own, whose branches count the items below each child.
//
// With n keys stored, a point read or write costs O(log n), a range of k keys
// O(log n + k) in either direction, and a count O(log n): the difference of two
// ranks.
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
package ranktree

// Search returns the place of the first of items, which ascend, whose key is not
// below key, and whether its key is key. A tree calls it once for each leaf that
// it looks into: a call for each comparison would cost more than that.
type Search[E any] func(items []E, key string) (at int, found bool)

// Tree is an order-statistic tree. One goroutine changes it, when nobody reads
// it; many read it at once. An item's key must not change while it is stored. A
// clone must not be changed.
type Tree[E any] struct {
	epoch  uint64
	size   int64
	root   *node[E]
	keyOf  func(item E) string
	search Search[E]
}

// New returns an empty tree of items whose keys keyOf returns and search finds.
func New[E any](keyOf func(item E) string, search Search[E]) *Tree[E] {
	return &Tree[E]{root: newLeaf[E](0), keyOf: keyOf, search: search}
}

// Clone returns the present content, to be read only, in O(1). It may run beside
// reads, not beside another Clone. The tree shares all nodes with the clone, and
// owns none of them any more.
func (t *Tree[E]) Clone() *Tree[E] {
	t.epoch++
	c := *t
	return &c
}

// Len returns the number of keys.
func (t *Tree[E]) Len() int64 { return t.size }

// Get returns the item of key and whether the key is there.
func (t *Tree[E]) Get(key string) (item E, found bool) {
	items := t.root.leafOf(key).items
	at, found := t.search(items, key)
	if found {
		item = items[at]
	}
	return item, found
}

// Count returns the number of keys in [start, end), 0 if there can be none. An
// empty end is no bound.
func (t *Tree[E]) Count(start, end string) int64 {
	upper := t.size
	if end != "" {
		upper = t.root.rank(end, t.search)
	}
	if start == "" {
		return upper
	}
	return max(0, upper-t.root.rank(start, t.search))
}

// Scan calls fn for the items with start <= key < end, in ascending order, until
// it returns false. An empty end is no bound.
func (t *Tree[E]) Scan(start, end string, fn func(E) bool) { t.root.ascend(start, end, t.search, fn) }

// ScanReverse is Scan in descending order.
func (t *Tree[E]) ScanReverse(start, end string, fn func(E) bool) {
	t.root.descend(start, end, t.search, fn)
}

// Put stores item, in place of what is there under its key.
func (t *Tree[E]) Put(item E) {
	t.root = t.own(t.root)
	t.size += t.put(t.root, t.keyOf(item), item)
	if t.root.width() > maxWidth {
		root := newBranch[E](t.epoch)
		root.children = append(root.children, child[E]{count: t.size, node: t.root})
		t.splitWide(root, 0)
		t.root = root
	}
}

// Delete removes key if it is there.
func (t *Tree[E]) Delete(key string) {
	if _, found := t.Get(key); !found {
		return // or it would copy nodes for nothing
	}
	t.root = t.own(t.root)
	t.remove(t.root, key)
	t.size--
	if len(t.root.children) == 1 {
		t.root = t.root.children[0].node
	}
}
