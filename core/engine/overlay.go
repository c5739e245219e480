package engine

import (
	"bytes"
	"iter"
	"maps"
	"slices"
	"strings"

	"metastorebench/core/kv"
)

// overlayKeep is how many pending changes an Overlay's map may have held to be
// used again. Clearing a map costs its capacity, not its content, so one large
// batch must not make every small one after it slow.
const overlayKeep = 1024

// Overlay is a Reader that shows pending changes above a base Reader. It gives
// a Batch the sight of its own writes when the storage below cannot, or not as
// cheaply. Like every Reader it is for one goroutine.
type Overlay struct {
	base Reader
	// pending maps a key to its pending pair, nil for a delete.
	pending map[string]*kv.KeyValue
}

var _ Reader = (*Overlay)(nil)

// NewOverlay returns an Overlay without changes above base, which must stay
// valid, and keep its content, until the Overlay is Reset.
func NewOverlay(base Reader) *Overlay {
	return &Overlay{base: base, pending: make(map[string]*kv.KeyValue)}
}

// Put notes a pending pair, which must not be modified any more.
func (o *Overlay) Put(pair *kv.KeyValue) { o.pending[string(pair.Key)] = pair }

// Delete notes a pending delete. It copies key.
func (o *Overlay) Delete(key []byte) { o.pending[string(key)] = nil }

// Pending ranges over the changes, by key, in any order: nil is a delete. The
// keys are nobody else's and may be kept.
func (o *Overlay) Pending() iter.Seq2[string, *kv.KeyValue] { return maps.All(o.pending) }

// Reset forgets all changes.
func (o *Overlay) Reset() {
	if len(o.pending) > overlayKeep {
		o.pending = make(map[string]*kv.KeyValue)
		return
	}
	clear(o.pending)
}

// State returns the base's State: pending changes have none until committed.
func (o *Overlay) State() State { return o.base.State() }

// Get returns the pending pair for key, or the base's.
func (o *Overlay) Get(key []byte) (*kv.KeyValue, error) {
	if pair, ok := o.pending[string(key)]; ok {
		return pair, nil
	}
	return o.base.Get(key)
}

// Scan merges the pending changes in [start, end) into the base's scan.
func (o *Overlay) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	keys := o.keysIn(start, end)
	return o.merge(keys, strings.Compare, fn, func(fn func(*kv.KeyValue) bool) error {
		return o.base.Scan(start, end, fn)
	})
}

// ScanReverse merges the pending changes in [start, end) into the base's
// descending scan.
func (o *Overlay) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	keys := o.keysIn(start, end)
	slices.Reverse(keys)
	descending := func(a, b string) int { return strings.Compare(b, a) }
	return o.merge(keys, descending, fn, func(fn func(*kv.KeyValue) bool) error {
		return o.base.ScanReverse(start, end, fn)
	})
}

// merge calls fn for the pairs of the base's scan, with the changes of keys,
// which come in the same order, that of compare.
func (o *Overlay) merge(keys []string, compare func(a, b string) int, fn func(*kv.KeyValue) bool,
	scan func(fn func(*kv.KeyValue) bool) error) error {
	if len(keys) == 0 {
		return scan(fn)
	}
	more := true
	// emit hands on pending pairs, in order, for as long as cond holds.
	emit := func(cond func(key string) bool) {
		for more && len(keys) > 0 && cond(keys[0]) {
			if pair := o.pending[keys[0]]; pair != nil {
				more = fn(pair)
			}
			keys = keys[1:]
		}
	}
	err := scan(func(pair *kv.KeyValue) bool {
		at := string(pair.Key)
		emit(func(key string) bool { return compare(key, at) < 0 })
		if !more {
			return false
		}
		if len(keys) > 0 && keys[0] == at {
			pair = o.pending[keys[0]]
			keys = keys[1:]
		}
		if pair != nil {
			more = fn(pair)
		}
		return more
	})
	if err != nil {
		return err
	}
	emit(func(string) bool { return true })
	return nil
}

// Count counts the keys of [start, end) with the pending changes. With changes
// in the range it costs a scan.
func (o *Overlay) Count(start, end []byte) (int64, error) {
	if len(o.keysIn(start, end)) == 0 {
		return o.base.Count(start, end)
	}
	var n int64
	err := o.Scan(start, end, func(*kv.KeyValue) bool { n++; return true })
	return n, err
}

// keysIn returns the changed keys in [start, end), sorted.
func (o *Overlay) keysIn(start, end []byte) []string {
	var keys []string
	for k := range o.pending {
		if InRange([]byte(k), start, end) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// InRange reports whether start <= key < end; an empty end is no bound.
func InRange(key, start, end []byte) bool {
	return bytes.Compare(key, start) >= 0 && (len(end) == 0 || bytes.Compare(key, end) < 0)
}
