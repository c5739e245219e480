package ranktree

import "slices"

// own returns n if the tree may change it, or else a copy that it may.
func (t *Tree[E]) own(n *node[E]) *node[E] {
	if n.epoch == t.epoch {
		return n
	}
	if n.leaf() {
		c := newLeaf[E](t.epoch)
		c.items = append(c.items, n.items...)
		return c
	}
	c := newBranch[E](t.epoch)
	c.children = append(c.children, n.children...)
	return c
}

// put stores item under key below n, which the tree owns, and returns how many keys that
// adds. n may be one too wide then; its parent sees to that.
func (t *Tree[E]) put(n *node[E], key string, item E) (added int64) {
	if n.leaf() {
		i, found := t.search(n.items, key)
		if found {
			n.items[i] = item
			return 0
		}
		n.items = slices.Insert(n.items, i, item)
		return 1
	}
	i := n.route(key)
	c := &n.children[i]
	c.node = t.own(c.node)
	added = t.put(c.node, key, item)
	c.count += added
	t.splitWide(n, i)
	return added
}

// remove removes key, which is there, from below n, which the tree owns. n may
// be one too narrow then; its parent sees to that.
func (t *Tree[E]) remove(n *node[E], key string) {
	if n.leaf() {
		i, _ := t.search(n.items, key)
		n.items = slices.Delete(n.items, i, i+1)
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
// is too wide. A last child gives less away: keys that come in order, as from a
// snapshot, go behind it, and would leave all nodes half full.
func (t *Tree[E]) splitWide(n *node[E], i int) {
	left := n.children[i].node
	if left.width() <= maxWidth {
		return
	}
	mid := left.width() / 2
	if i == len(n.children)-1 {
		mid = left.width() - lastWidth
	}
	var right child[E]
	if left.leaf() {
		right.node = newLeaf[E](t.epoch)
		right.node.items = append(right.node.items, left.items[mid:]...)
		right.first = t.keyOf(left.items[mid])
		right.count = int64(len(right.node.items))
		left.items = slices.Delete(left.items, mid, len(left.items))
	} else {
		right.node = newBranch[E](t.epoch)
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

// mergeNarrow merges child i of n with a neighbour, and splits the two again
// if they are too wide for one.
func (t *Tree[E]) mergeNarrow(n *node[E], i int) {
	i = max(i-1, 0)
	left, right := &n.children[i], n.children[i+1]
	left.node = t.own(left.node)
	left.node.items = append(left.node.items, right.node.items...)
	left.node.children = append(left.node.children, right.node.children...)
	left.count += right.count
	n.children = slices.Delete(n.children, i+1, i+2)
	t.splitWide(n, i)
}
