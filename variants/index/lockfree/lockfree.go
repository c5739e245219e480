// Package lockfree is the value `lockfree` of the axis --index: a concurrent hash
// map whose readers take no lock (claim P3.2).
//
// A point read or write costs O(1). Like `hash` it has no order: a Scan or a
// Count filters all n pairs, and a Scan sorts the m matches, O(n + m log m). How
// readers see whole batches nevertheless, package versioned says: a view holds up
// no batch, and no batch makes a view wait.
//
// # The map
//
// It is puzpuzpuz/xsync's Map, a cache-line hash table (David, Guerraoui and
// Trigonakis, "Asynchronized Concurrency", ASPLOS 2015). Get and Each only load;
// they neither write shared memory nor wait. A Put takes the mutex of its bucket,
// for which nobody else asks: there is one writer, and no reader takes it. While
// the table grows, in the writer's time, readers go on with the old one.
//
// Chosen from what there is for Go, by BenchmarkLibraries and by upkeep:
//
//   - sync.Map, a hash trie since Go 1.24, is lock-free to read as well, but its
//     keys and values are interfaces: a Store allocates twice, and a lookup walks
//     more pointers. Gets take two to three times as long, Puts and Each more.
//   - alphadose/haxmap is lock-free to write too, which one writer has no use for,
//     and its issues 32 (keys lost in a race) and 55 (crashes while it grows) are
//     open.
//   - cornelk/hashmap, of the same kind, is reported to lose stores silently
//     (ssvlabs/ssv, pull request 1683).
package lockfree

import (
	"time"

	"github.com/puzpuzpuz/xsync/v4"

	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/versioned"
)

// table adapts the library's map.
type table struct {
	pairs *xsync.Map[string, *kv.KeyValue]
}

var _ versioned.Table = table{}

// New returns an empty index. It never calls the function: there is no lock that
// a view or batch could wait for, so that its lock wait time is zero.
func New(func(wait time.Duration)) memory.Index {
	return versioned.New(versioned.Parts{Table: NewTable})
}

// NewTable returns the empty map by itself, for an index that has more than a map.
func NewTable() versioned.Table { return table{xsync.NewMap[string, *kv.KeyValue]()} }

func (t table) Get(key string) *kv.KeyValue {
	pair, _ := t.pairs.Load(key)
	return pair
}

// Put replaces the stored key along with the value, so that the old pair is not
// kept alive by its key.
func (t table) Put(key string, pair *kv.KeyValue) { t.pairs.Store(key, pair) }

func (t table) Delete(key string) { t.pairs.Delete(key) }

// Each may meet a key twice that is deleted and put again meanwhile, as
// versioned.Table allows.
func (t table) Each(fn func(pair *kv.KeyValue)) {
	t.pairs.RangeRelaxed(func(_ string, pair *kv.KeyValue) bool {
		fn(pair)
		return true
	})
}
