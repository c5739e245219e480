package versioned

import (
	"sync/atomic"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// version is the content after one batch, and a view of it: all views of a
// version are the same, so that acquiring one allocates nothing.
type version struct {
	index *Index
	state engine.State
	size  int64 // number of keys
	// changed is what led from the version before to this one. It does not change
	// any more.
	changed map[string]change
	// next is the version after this one, nil while there is none. It is set
	// before anybody can see any of its changes.
	next atomic.Pointer[version]
}

var _ engine.View = (*version)(nil)

// change is a key's pair before and after a batch, nil where there is none.
type change struct{ before, after *kv.KeyValue }

func (v *version) State() engine.State { return v.state }

// Close does nothing: the garbage collector knows when the last view is gone.
func (v *version) Close() {}

// Get asks the table first and then for what to undo: a change that the table
// shows is linked by then.
func (v *version) Get(key []byte) (*kv.KeyValue, error) {
	k := keyOf(key)
	pair := v.index.table.Get(k)
	for later := v.next.Load(); later != nil; later = later.next.Load() {
		if c, changed := later.changed[k]; changed {
			return c.before, nil
		}
	}
	return pair, nil
}

func (v *version) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	return v.index.ranges.scan(v, start, end, fn)
}

func (v *version) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	return v.index.ranges.scanReverse(v, start, end, fn)
}

func (v *version) Count(start, end []byte) (int64, error) {
	if len(start) == 0 && len(end) == 0 {
		return v.size, nil
	}
	return v.index.ranges.count(v, start, end)
}

// replacedIn returns this version's pairs of all keys in [start, end) that later
// versions changed, nil for a key that was not there. Whoever has read something
// before the call finds in it all that may have changed what was read.
func (v *version) replacedIn(start, end []byte) map[string]*kv.KeyValue {
	var all map[string]*kv.KeyValue
	for later := v.next.Load(); later != nil; later = later.next.Load() {
		for key, c := range later.changed {
			if _, earlier := all[key]; earlier || !engine.InRange(bytesOf(key), start, end) {
				continue
			}
			if all == nil {
				all = make(map[string]*kv.KeyValue)
			}
			all[key] = c.before
		}
	}
	return all
}
