package ranked

import (
	"slices"
	"unsafe"

	"metastorebench/core/kv"
)

// A node is a leaf, of pairs, or a branch, of children:
//
//	leaf    pairs, in ascending order of keys
//	branch  children, in ascending order of their keys, each with
//	        first  no key below this child is smaller, and every key below the
//	               child before is. A first child has that of its parent, but for
//	               those on the left edge of the tree, whose is not looked at.
//	        count  how many pairs are below this child
//
// Invariants: all leaves are equally deep; no node but the root is narrower than
// minWidth, no node wider than maxWidth; a root that is a branch has at least
// two children.
const (
	// maxWidth is the most pairs of a leaf and children of a branch. Nodes have
	// room for one more, which makes a leaf's 512 bytes.
	maxWidth = 63
	// minWidth is where a node is merged with a neighbour. It is well below a
	// half, so that a key that comes and goes does not split and merge nodes.
	minWidth = 16
)

// node is a node of the tree. Only the tree of the same epoch may change it.
type node struct {
	epoch    uint64
	pairs    []*kv.KeyValue
	children []child
}

// child is a branch's link to a node one level down.
type child struct {
	first string
	count int64
	node  *node
}

func newLeaf(epoch uint64) *node {
	return &node{epoch: epoch, pairs: make([]*kv.KeyValue, 0, maxWidth+1)}
}

func newBranch(epoch uint64) *node {
	return &node{epoch: epoch, children: make([]child, 0, maxWidth+1)}
}

func (n *node) leaf() bool { return n.children == nil }

func (n *node) width() int { return max(len(n.pairs), len(n.children)) }

// keyOf returns the key without copying it: a stored pair's key never changes.
func keyOf(key []byte) string { return unsafe.String(unsafe.SliceData(key), len(key)) }

// lowerBound returns the place of the leaf's first key that is not below key.
func (n *node) lowerBound(key string) int {
	low, high := 0, len(n.pairs)
	for low < high { // sort.Search would call a function for each step
		mid := int(uint(low+high) / 2)
		if keyOf(n.pairs[mid].Key) < key {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// find returns the leaf's place for key and whether the key is there.
func (n *node) find(key string) (int, bool) {
	i := n.lowerBound(key)
	return i, i < len(n.pairs) && keyOf(n.pairs[i].Key) == key
}

// route returns which of the branch's children key belongs to.
func (n *node) route(key string) int {
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

// get returns the pair of key below n, or nil.
func (n *node) get(key string) *kv.KeyValue {
	for !n.leaf() {
		n = n.children[n.route(key)].node
	}
	if i, found := n.find(key); found {
		return n.pairs[i]
	}
	return nil
}

// rank returns the number of keys below n that are smaller than key.
func (n *node) rank(key string) (rank int64) {
	for !n.leaf() {
		at := n.route(key)
		for i := range n.children[:at] {
			rank += n.children[i].count
		}
		n = n.children[at].node
	}
	return rank + int64(n.lowerBound(key))
}

// within returns the bounds of the leaf's pairs with start <= key < end. It looks
// at few of the pairs between them: each lies somewhere else in memory.
func (n *node) within(start, end string) (low, high int) {
	high = len(n.pairs)
	if start != "" {
		low = n.lowerBound(start)
	}
	if end != "" {
		high = max(low, n.lowerBound(end))
	}
	return low, high
}

// ascend calls fn for the pairs below n from start on and before end, and
// returns false if the scan is over.
func (n *node) ascend(start, end string, fn func(*kv.KeyValue) bool) bool {
	if n.leaf() {
		low, high := n.within(start, end)
		for _, pair := range n.pairs[low:high] {
			if !fn(pair) {
				return false
			}
		}
		return high == len(n.pairs)
	}
	for _, c := range n.children[n.route(start):] {
		if !c.node.ascend(start, end, fn) {
			return false
		}
		start = "" // the other children are behind it
	}
	return true
}

// descend calls fn for the pairs below n before end and down to start, and
// returns false if the scan is over.
func (n *node) descend(start, end string, fn func(*kv.KeyValue) bool) bool {
	if n.leaf() {
		low, high := n.within(start, end)
		for _, pair := range slices.Backward(n.pairs[low:high]) {
			if !fn(pair) {
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
		if !c.node.descend(start, end, fn) {
			return false
		}
		end = "" // the other children are before it
	}
	return true
}
