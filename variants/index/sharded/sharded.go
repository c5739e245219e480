// Package sharded is the value `sharded` of the axis --index: 256 hash maps, each
// under a lock of its own, so that readers and the writer meet only where they
// touch the same shard.
//
// A point read or write costs O(1). Like `hash` it has no order: a Scan or a
// Count filters all n pairs, and a Scan sorts the m matches, O(n + m log m).
//
// # Concurrency
//
// Locks of shards alone would show a reader half of a batch. So versions are
// kept apart by what it takes to undo them:
//
//  1. A batch collects its changes; nobody sees them, and Begin waits for nobody.
//  2. Commit makes the next version, and first links it to the present one
//     together with the pairs that its changes will replace (step, in version.go).
//  3. It then makes the changes, each under its shard's lock, and last publishes
//     the next version.
//  4. A view is the version that was published when it was acquired. It reads a
//     shard under the shard's lock; then, wherever later steps say that the key
//     was changed since, it answers with the pair that the first of them
//     replaced.
//
// Step 2 comes before step 3, so whoever sees a change in a shard sees how to
// undo it. Nobody holds a lock for longer than one access to one shard: views
// hold up nobody however long they stay open, and no batch makes a view wait. A
// view that stays open keeps what was replaced since in memory, and reads
// slower, by a lookup for each batch since. The garbage collector drops the
// steps that no view can need.
package sharded

import (
	"hash/maphash"
	"iter"
	"sync/atomic"
	"time"
	"unsafe"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/timedlock"
)

// shardCount is the plan's 256.
const shardCount = 256

// shard is one map. Only the goroutine of the batch changes it, under the lock,
// and may read it without.
type shard struct {
	mu    timedlock.RW
	pairs map[string]*kv.KeyValue
	_     [64]byte // keeps the locks of neighbours out of one cache line
}

// Index is a map of keys to pairs in shards.
type Index struct {
	onLockWait func(wait time.Duration)
	seed       maphash.Seed
	shards     [shardCount]shard
	published  atomic.Pointer[version]
	batch      batch // the one batch
}

var _ memory.Index = (*Index)(nil)

// New returns an empty index. If onLockWait is not nil it is called, from many
// goroutines, with each time that somebody had to wait for the lock of a shard.
func New(onLockWait func(wait time.Duration)) memory.Index {
	ix := &Index{onLockWait: onLockWait, seed: maphash.MakeSeed()}
	for i := range ix.shards {
		ix.shards[i].mu.OnWait = onLockWait
		ix.shards[i].pairs = make(map[string]*kv.KeyValue)
	}
	ix.published.Store(&version{index: ix, state: engine.NewState()})
	ix.batch.init()
	return ix
}

// Fresh returns an empty index that reports lock waits to the same function.
func (ix *Index) Fresh() memory.Index { return New(ix.onLockWait) }

// Acquire returns the newest version. It waits for nobody.
func (ix *Index) Acquire() engine.View { return ix.published.Load() }

// Begin opens the batch. It waits for nobody.
func (ix *Index) Begin() engine.Batch {
	ix.batch.begin(ix.published.Load())
	return &ix.batch
}

// Capture returns the newest version, which is collected when it is ranged over.
func (ix *Index) Capture() (engine.State, iter.Seq[*kv.KeyValue]) {
	v := ix.published.Load()
	return v.state, func(yield func(*kv.KeyValue) bool) {
		for _, pair := range v.sorted(nil, nil) {
			if !yield(pair) {
				return
			}
		}
	}
}

// shard returns the shard that key belongs to.
func (ix *Index) shard(key string) *shard {
	return &ix.shards[maphash.String(ix.seed, key)%shardCount]
}

// keyOf returns the key without copying it, for a lookup or as that of a stored
// pair, which never changes.
func keyOf(key []byte) string { return unsafe.String(unsafe.SliceData(key), len(key)) }
