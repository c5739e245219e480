package sharded

import (
	"bytes"
	"slices"
	"sync/atomic"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// version is the content after one batch, and a view of it: all views of a
// version are the same, so that acquiring one allocates nothing.
type version struct {
	index *Index
	state engine.State
	size  int64
	// next leads to the version after this one, nil while there is none. It is
	// set before a shard shows any of that version's changes.
	next atomic.Pointer[step]
}

var _ engine.View = (*version)(nil)

// step is the way from one version to the next.
type step struct {
	// replaced has the pair of each key that the step changes, from before; nil
	// for a key that was not there. It does not change any more.
	replaced map[string]*kv.KeyValue
	to       *version
}

func (v *version) State() engine.State { return v.state }

// Close does nothing: the garbage collector knows when the last view is gone.
func (v *version) Close() {}

func (v *version) Get(key []byte) (*kv.KeyValue, error) {
	k := keyOf(key)
	sh := v.index.shard(k)
	sh.mu.RLock()
	pair := sh.pairs[k]
	sh.mu.RUnlock()
	for s := v.next.Load(); s != nil; s = s.to.next.Load() {
		if old, changed := s.replaced[k]; changed {
			return old, nil
		}
	}
	return pair, nil
}

// Scan holds all matches before it hands on the first: the maps have no order.
func (v *version) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	for _, pair := range v.sorted(start, end) {
		if !fn(pair) {
			break
		}
	}
	return nil
}

func (v *version) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	for _, pair := range slices.Backward(v.sorted(start, end)) {
		if !fn(pair) {
			break
		}
	}
	return nil
}

func (v *version) Count(start, end []byte) (int64, error) {
	if len(start) == 0 && len(end) == 0 {
		return v.size, nil
	}
	return int64(len(v.matches(start, end))), nil
}

// sorted returns the pairs of [start, end) in ascending order of keys.
func (v *version) sorted(start, end []byte) []*kv.KeyValue {
	pairs := v.matches(start, end)
	slices.SortFunc(pairs, func(a, b *kv.KeyValue) int { return bytes.Compare(a.Key, b.Key) })
	return pairs
}

// matches returns the pairs of [start, end): what the shards hold one after the
// other, with all that was changed meanwhile undone.
func (v *version) matches(start, end []byte) []*kv.KeyValue {
	var pairs []*kv.KeyValue
	for i := range v.index.shards {
		sh := &v.index.shards[i]
		sh.mu.RLock()
		for _, pair := range sh.pairs {
			if engine.InRange(pair.Key, start, end) {
				pairs = append(pairs, pair)
			}
		}
		sh.mu.RUnlock()
	}
	replaced := v.replacedIn(start, end)
	if len(replaced) == 0 {
		return pairs
	}
	pairs = slices.DeleteFunc(pairs, func(p *kv.KeyValue) bool {
		_, changed := replaced[keyOf(p.Key)]
		return changed
	})
	for _, old := range replaced {
		if old != nil {
			pairs = append(pairs, old)
		}
	}
	return pairs
}

// replacedIn returns this version's pairs of all keys in [start, end) that later
// steps changed.
func (v *version) replacedIn(start, end []byte) map[string]*kv.KeyValue {
	var all map[string]*kv.KeyValue
	for s := v.next.Load(); s != nil; s = s.to.next.Load() {
		for key, old := range s.replaced {
			if _, earlier := all[key]; earlier || !engine.InRange([]byte(key), start, end) {
				continue
			}
			if all == nil {
				all = make(map[string]*kv.KeyValue)
			}
			all[key] = old
		}
	}
	return all
}
