package ordered

import (
	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// reader reads a tree, under a lock that somebody holds or because nobody
// changes the tree.
type reader struct {
	tree  Tree
	state engine.State
}

func (r *reader) State() engine.State { return r.state }

func (r *reader) Get(key []byte) (*kv.KeyValue, error) { return r.tree.Get(key), nil }

func (r *reader) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	r.tree.Scan(start, end, fn)
	return nil
}

func (r *reader) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	r.tree.ScanReverse(start, end, fn)
	return nil
}

func (r *reader) Count(start, end []byte) (int64, error) { return count(r.tree, start, end, r.Scan) }

// count asks the tree if it knows, and else walks the range by scan.
func count(tree Tree, start, end []byte, scan func(start, end []byte, fn func(*kv.KeyValue) bool) error) (int64, error) {
	if len(start) == 0 && len(end) == 0 {
		return tree.Len(), nil
	}
	if counter, ok := tree.(Counter); ok {
		return counter.Count(start, end), nil
	}
	var n int64
	err := scan(start, end, func(*kv.KeyValue) bool { n++; return true })
	return n, err
}

// view reads the live tree under the shared lock, or a clone once it is pinned.
// Views are used again, so that one for a point read costs no allocation.
type view struct {
	reader
	index  *Index
	pinned bool
	visited
	visit func(*kv.KeyValue) bool // visitPair, bound once
}

var _ engine.View = (*view)(nil)

// pin makes the view one of a clone and gives up the lock.
func (v *view) pin() {
	if v.pinned {
		return
	}
	v.tree, v.pinned = v.index.clone(), true
	v.index.mu.RUnlock()
}

// scan walks a range that gives its pairs to v.visit, which pins the view if
// the range gets long. What it keeps is in the view, which is used again: a range
// costs no allocation for it. fn may scan the view itself.
func (v *view) scan(walk func(start, end []byte, fn func(*kv.KeyValue) bool), start, end []byte, fn func(*kv.KeyValue) bool) {
	if v.pinned {
		walk(start, end, fn)
		return
	}
	outer := v.visited
	v.visited = visited{fn: fn}
	walk(start, end, v.visit)
	v.visited = outer
}

// visited is the state of a scan under the lock.
type visited struct {
	fn   func(*kv.KeyValue) bool
	seen int
}

func (v *view) visitPair(pair *kv.KeyValue) bool {
	if v.seen++; v.seen == pinAfter {
		v.pin()
	}
	return v.fn(pair)
}

func (v *view) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	v.scan(v.tree.Scan, start, end, fn)
	return nil
}

func (v *view) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	v.scan(v.tree.ScanReverse, start, end, fn)
	return nil
}

func (v *view) Count(start, end []byte) (int64, error) { return count(v.tree, start, end, v.Scan) }

func (v *view) Close() {
	if !v.pinned {
		v.index.mu.RUnlock()
	}
	v.reader = reader{} // a view in the pool keeps no tree
	v.index.views.Put(v)
}

// batch changes the live tree, under the exclusive lock. dirty says that it has.
type batch struct {
	index       *Index
	open, dirty bool
}

var _ engine.Batch = (*batch)(nil)

func (b *batch) State() engine.State                  { return b.index.live.State() }
func (b *batch) Get(key []byte) (*kv.KeyValue, error) { return b.index.live.Get(key) }
func (b *batch) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	return b.index.live.Scan(start, end, fn)
}

func (b *batch) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	return b.index.live.ScanReverse(start, end, fn)
}

func (b *batch) Count(start, end []byte) (int64, error) { return b.index.live.Count(start, end) }

func (b *batch) Put(pair *kv.KeyValue) error {
	b.dirty = true
	b.index.live.tree.Put(pair)
	return nil
}

func (b *batch) Delete(key []byte) error {
	b.dirty = true
	b.index.live.tree.Delete(key)
	return nil
}

func (b *batch) Commit(state engine.State) error {
	b.index.live.state = state
	b.end()
	return nil
}

func (b *batch) Discard() error {
	if !b.open {
		return nil
	}
	b.end()
	if b.dirty {
		return engine.ErrBatchDirty
	}
	return nil
}

func (b *batch) end() {
	b.open = false
	b.index.mu.Unlock()
}
