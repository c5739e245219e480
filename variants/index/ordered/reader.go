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
	if ranker, ok := tree.(Ranker); ok {
		upper := tree.Len()
		if len(end) > 0 {
			upper = ranker.Rank(end)
		}
		return max(0, upper-ranker.Rank(start)), nil
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

// pinning returns fn for a scan that pins the view if it gets long.
func (v *view) pinning(fn func(*kv.KeyValue) bool) func(*kv.KeyValue) bool {
	if v.pinned {
		return fn
	}
	seen := 0
	return func(pair *kv.KeyValue) bool {
		if seen++; seen == pinAfter {
			v.pin()
		}
		return fn(pair)
	}
}

func (v *view) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	return v.reader.Scan(start, end, v.pinning(fn))
}

func (v *view) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	return v.reader.ScanReverse(start, end, v.pinning(fn))
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
