package ranked

import (
	"slices"

	"metastorebench/core/kv"
)

// own returns n if the tree may change it, or else a copy that it may.
func (t *tree) own(n *node) *node {
	if n.epoch == t.epoch {
		return n
	}
	if n.leaf() {
		c := newLeaf(t.epoch)
		c.pairs = append(c.pairs, n.pairs...)
		return c
	}
	c := newBranch(t.epoch)
	c.children = append(c.children, n.children...)
	return c
}

// put stores pair below n, which the tree owns, and returns how many keys that
// adds. n may be one too wide then; its parent sees to that.
func (t *tree) put(n *node, key string, pair *kv.KeyValue) (added int64) {
	if n.leaf() {
		i, found := n.find(key)
		if found {
			n.pairs[i] = pair
			return 0
		}
		n.pairs = slices.Insert(n.pairs, i, pair)
		return 1
	}
	i := n.route(key)
	c := &n.children[i]
	c.node = t.own(c.node)
	added = t.put(c.node, key, pair)
	c.count += added
	t.splitWide(n, i)
	return added
}

// remove removes key, which is there, from below n, which the tree owns. n may
// be one too narrow then; its parent sees to that.
func (t *tree) remove(n *node, key string) {
	if n.leaf() {
		i, _ := n.find(key)
		n.pairs = slices.Delete(n.pairs, i, i+1)
		return
	}
	i := n.route(key)
	c := &n.children[i]
	c.node = t.own(c.node)
	t.remove(c.node, key)
	c.count--
	if c.node.width() < minWidth {
		t.mergeNarrow(n, i)
	}
}

// splitWide gives the upper half of child i of n to a new neighbour if the child
// is too wide.
func (t *tree) splitWide(n *node, i int) {
	left := n.children[i].node
	mid := left.width() / 2
	if left.width() <= maxWidth {
		return
	}
	var right child
	if left.leaf() {
		right.node = newLeaf(t.epoch)
		right.node.pairs = append(right.node.pairs, left.pairs[mid:]...)
		right.first = keyOf(left.pairs[mid].Key)
		right.count = int64(len(right.node.pairs))
		left.pairs = slices.Delete(left.pairs, mid, len(left.pairs))
	} else {
		right.node = newBranch(t.epoch)
		right.node.children = append(right.node.children, left.children[mid:]...)
		right.first = left.children[mid].first
		for _, c := range right.node.children {
			right.count += c.count
		}
		left.children = slices.Delete(left.children, mid, len(left.children))
	}
	n.children[i].count -= right.count
	n.children = slices.Insert(n.children, i+1, right)
}

// mergeNarrow merges child i of n with a neighbour, and splits the two in the
// middle again if they are too wide for one.
func (t *tree) mergeNarrow(n *node, i int) {
	i = max(i-1, 0)
	left, right := &n.children[i], n.children[i+1]
	left.node = t.own(left.node)
	left.node.pairs = append(left.node.pairs, right.node.pairs...)
	left.node.children = append(left.node.children, right.node.children...)
	left.count += right.count
	n.children = slices.Delete(n.children, i+1, i+2)
	t.splitWide(n, i)
}
