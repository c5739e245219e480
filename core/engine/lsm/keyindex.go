package lsm

import (
	"sync"

	"metastorebench/core/engine"
)

// KeyIndex is a set of keys in memory, in order, that counts without a walk: the
// seam of the axis --key-index. One goroutine changes it, when nobody reads it;
// many read it at once.
type KeyIndex interface {
	// Has reports whether key is in the set. It does not keep key.
	Has(key string) bool
	// Count returns the number of keys in [start, end), 0 if there can be none. An
	// empty end is no bound. It costs O(log n) and keeps no bound.
	Count(start, end []byte) int64
	// Put adds key, which the set keeps.
	Put(key string)
	// Delete removes key if it is there.
	Delete(key string)
	// Clone returns the present keys as a set that is only read, without copying
	// them. It may run beside reads, not beside another Clone.
	Clone() KeyIndex
}

// keyChange says that a key comes or goes.
type keyChange struct {
	key   string
	added bool
}

// made reports whether the change has been made in r.
func (c keyChange) made(r Reader) (bool, error) {
	_, closer, err := r.Get(appendDataKey(nil, []byte(c.key)))
	if err != nil || closer == nil {
		return !c.added, err
	}
	return c.added, closer.Close()
}

// counter counts keys by an index that lacks some changes.
type counter struct {
	index KeyIndex // nil if there is no key index
	later []keyChange
}

func (c counter) count(start, end []byte) int64 {
	n := c.index.Count(start, end)
	for _, change := range c.later {
		switch {
		case !engine.InRange([]byte(change.key), start, end):
		case change.added:
			n++
		default:
			n--
		}
	}
	return n
}

// keySet is the key index of a store, nil if it has none, and how views share it.
//
//  1. Before a batch is applied to the store, announce says which keys it changes.
//  2. When it has been applied, settle makes the same changes here.
//  3. A view of the store itself keeps both from happening, and counts in live.
//  4. A view of a snapshot counts in a clone. One that is taken while a batch is
//     applied may or may not show that batch: of a batch, a snapshot has all or
//     nothing, so that one of its keys tells which.
type keySet struct {
	// live changes under mu and lsmEngine.commits.
	live KeyIndex
	// mu is never held while a batch is applied: the store may hold that up.
	mu sync.Mutex
	// clone is live's, which views share until live changes; nil if there is none.
	clone KeyIndex
	// announced is what the batch that is being applied changes.
	announced []keyChange
}

// changes returns which keys come and go by what o has pending. It belongs to
// the goroutine that commits.
func (s *keySet) changes(o *engine.Overlay) (changes []keyChange) {
	if s.live == nil {
		return nil
	}
	for key, pair := range o.Pending() {
		if added := pair != nil; added != s.live.Has(key) {
			changes = append(changes, keyChange{key, added})
		}
	}
	return changes
}

func (s *keySet) announce(changes []keyChange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.announced = changes
}

// settle makes what was announced.
func (s *keySet) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.announced) == 0 {
		return
	}
	for _, c := range s.announced {
		if c.added {
			s.live.Put(c.key)
		} else {
			s.live.Delete(c.key)
		}
	}
	s.announced, s.clone = nil, nil
}

// replace makes live the index, which nobody else knows. No view of the store
// itself is open, and no batch is applied.
func (s *keySet) replace(live KeyIndex) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live, s.clone, s.announced = live, nil, nil
}

// share returns a clone of live, nil if there is none.
func (s *keySet) share() KeyIndex {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shareLocked()
}

func (s *keySet) shareLocked() KeyIndex {
	if s.clone == nil && s.live != nil {
		s.clone = s.live.Clone()
	}
	return s.clone
}

// snapshot takes a snapshot of the store with the counter that belongs to it.
func (s *keySet) snapshot(store Store) (Snapshot, counter, error) {
	s.mu.Lock()
	snap, count := store.Snapshot(), counter{s.shareLocked(), s.announced}
	s.mu.Unlock()
	if len(count.later) == 0 {
		return snap, count, nil
	}
	made, err := count.later[0].made(snap)
	if !made {
		count.later = nil
	}
	return snap, count, err
}
