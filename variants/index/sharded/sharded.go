// Package sharded is the value `sharded` of the axis --index: 256 hash maps, each
// under a lock of its own, so that readers and the writer meet only where they
// touch the same shard.
//
// A point read or write costs O(1). Like `hash` it has no order: a Scan or a
// Count filters all n pairs, and a Scan sorts the m matches, O(n + m log m).
//
// Nobody holds a lock for longer than one access to one shard. How readers see
// whole batches nevertheless, package versioned says.
package sharded

import (
	"hash/maphash"
	"time"

	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/timedlock"
	"metastorebench/variants/index/versioned"
)

// shardCount is the plan's 256.
const shardCount = 256

// shard is one map. Only the goroutine of the batch changes it, under the lock.
type shard struct {
	mu    timedlock.RW
	pairs map[string]*kv.KeyValue
	_     [64]byte // keeps the locks of neighbours out of one cache line
}

// table is a map of keys to pairs in shards.
type table struct {
	seed   maphash.Seed
	shards [shardCount]shard
}

var _ versioned.Table = (*table)(nil)

// New returns an empty index. If onLockWait is not nil it is called, from many
// goroutines, with each time that somebody had to wait for the lock of a shard.
func New(onLockWait func(wait time.Duration)) memory.Index {
	return versioned.New(versioned.Parts{Table: func() versioned.Table { return newTable(onLockWait) }})
}

func newTable(onLockWait func(wait time.Duration)) *table {
	t := &table{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].mu.OnWait = onLockWait
		t.shards[i].pairs = make(map[string]*kv.KeyValue)
	}
	return t
}

// shard returns the shard that key belongs to.
func (t *table) shard(key string) *shard {
	return &t.shards[maphash.String(t.seed, key)%shardCount]
}

func (t *table) Get(key string) *kv.KeyValue {
	sh := t.shard(key)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.pairs[key]
}

// Put relies on Go's map to replace the stored key of a string map along with the
// value, so that the old pair is not kept alive by its key.
func (t *table) Put(key string, pair *kv.KeyValue) {
	sh := t.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.pairs[key] = pair
}

func (t *table) Delete(key string) {
	sh := t.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	delete(sh.pairs, key)
}

func (t *table) Each(fn func(pair *kv.KeyValue)) {
	for i := range t.shards {
		sh := &t.shards[i]
		sh.mu.RLock()
		for _, pair := range sh.pairs {
			fn(pair)
		}
		sh.mu.RUnlock()
	}
}
