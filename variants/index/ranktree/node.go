package ranktree

import "slices"

// A node is a leaf, of items, or a branch, of children:
//
//	leaf    items, in ascending order of keys
//	branch  children, in ascending order of their keys, each with
//	        first  no key below this child is smaller, and every key below the
//	               child before is. A first child has that of its parent, but for
//	               those on the left edge of the tree, whose is not looked at.
//	        count  how many items are below this child
//
// Invariants: all leaves are equally deep; no node but the root is narrower than
// minWidth, no node wider than maxWidth; a root that is a branch has at least
// two children.
const (
	// maxWidth is the most items of a leaf and children of a branch. Nodes have
	// room for one more, which makes 512 bytes of a leaf's pointers.
	maxWidth = 63
	// minWidth is where a node is merged with a neighbour. It is well below a
	// half, so that a key that comes and goes does not split and merge nodes.
	minWidth = 16
	// lastWidth is what is split off a last child: so far above minWidth that a
	// key that comes and goes does not merge it.
	lastWidth = 24
)

// node is a node of the tree. Only the tree of the same epoch may change it.
type node[E any] struct {
	epoch    uint64
	items    []E
	children []child[E]
}

// child is a branch's link to a node one level down.
type child[E any] struct {
	first string
	count int64
	node  *node[E]
}

func newLeaf[E any](epoch uint64) *node[E] {
	return &node[E]{epoch: epoch, items: make([]E, 0, maxWidth+1)}
}

func newBranch[E any](epoch uint64) *node[E] {
	return &node[E]{epoch: epoch, children: make([]child[E], 0, maxWidth+1)}
}

func (n *node[E]) leaf() bool { return n.children == nil }

func (n *node[E]) width() int { return max(len(n.items), len(n.children)) }

// route returns which of the branch's children key belongs to.
func (n *node[E]) route(key string) int {
	low, high := 1, len(n.children)
	for low < high {
		mid := int(uint(low+high) / 2)
		if n.children[mid].first <= key {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low - 1
}

// leafOf returns the leaf below n that key belongs to.
func (n *node[E]) leafOf(key string) *node[E] {
	for !n.leaf() {
		n = n.children[n.route(key)].node
	}
	return n
}

// rank returns the number of keys below n that are smaller than key.
func (n *node[E]) rank(key string, search Search[E]) (rank int64) {
	for !n.leaf() {
		at := n.route(key)
		for i := range n.children[:at] {
			rank += n.children[i].count
		}
		n = n.children[at].node
	}
	at, _ := search(n.items, key)
	return rank + int64(at)
}

// within returns the bounds of the leaf's items with start <= key < end. It looks
// at few of the items between them: the key of each lies somewhere else in memory.
func (n *node[E]) within(start, end string, search Search[E]) (low, high int) {
	high = len(n.items)
	if start != "" {
		low, _ = search(n.items, start)
	}
	if end != "" {
		high, _ = search(n.items, end)
	}
	return low, max(low, high)
}

// ascend calls fn for the items below n from start on and before end, and
// returns false if the scan is over.
func (n *node[E]) ascend(start, end string, search Search[E], fn func(E) bool) bool {
	if n.leaf() {
		low, high := n.within(start, end, search)
		for _, item := range n.items[low:high] {
			if !fn(item) {
				return false
			}
		}
		return high == len(n.items)
	}
	for _, c := range n.children[n.route(start):] {
		if !c.node.ascend(start, end, search, fn) {
			return false
		}
		start = "" // the other children are behind it
	}
	return true
}

// descend calls fn for the items below n before end and down to start, and
// returns false if the scan is over.
func (n *node[E]) descend(start, end string, search Search[E], fn func(E) bool) bool {
	if n.leaf() {
		low, high := n.within(start, end, search)
		for _, item := range slices.Backward(n.items[low:high]) {
			if !fn(item) {
				return false
			}
		}
		return low == 0
	}
	last := len(n.children)
	if end != "" {
		last = n.route(end) + 1
	}
	for _, c := range slices.Backward(n.children[:last]) {
		if !c.node.descend(start, end, search, fn) {
			return false
		}
		end = "" // the other children are before it
	}
	return true
}
