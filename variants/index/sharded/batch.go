package sharded

import (
	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// batch collects changes above the version that it began with. The overlay
// answers its reads.
type batch struct {
	*engine.Overlay
	from    *base
	changes []change
}

// base is the version that the overlay reads.
type base struct{ *version }

// change is a put, or a delete if pair is nil. key does not change any more.
type change struct {
	key  string
	pair *kv.KeyValue
}

var _ engine.Batch = (*batch)(nil)

func (b *batch) init() {
	b.from = new(base)
	b.Overlay = engine.NewOverlay(b.from)
}

func (b *batch) begin(from *version) { b.from.version = from }

func (b *batch) Put(pair *kv.KeyValue) error {
	b.Overlay.Put(pair)
	b.changes = append(b.changes, change{keyOf(pair.Key), pair})
	return nil
}

func (b *batch) Delete(key []byte) error {
	b.Overlay.Delete(key)
	b.changes = append(b.changes, change{string(key), nil})
	return nil
}

// Commit takes steps 2 and 3 of the package comment.
func (b *batch) Commit(state engine.State) error {
	ix, from := b.from.index, b.from.version
	next := &version{index: ix, state: state, size: from.size}
	from.next.Store(&step{replaced: b.replaced(), to: next})
	for _, c := range b.changes {
		next.size += ix.shard(c.key).apply(c)
	}
	ix.published.Store(next)
	b.end()
	return nil
}

// replaced returns what the shards hold for the keys that are to be changed.
func (b *batch) replaced() map[string]*kv.KeyValue {
	replaced := make(map[string]*kv.KeyValue, len(b.changes))
	for _, c := range b.changes {
		replaced[c.key] = b.from.index.shard(c.key).pairs[c.key]
	}
	return replaced
}

// apply makes the change and returns how many keys that adds. Go's map replaces
// the stored key of a string map along with the value, so that the old pair is
// not kept alive by its key.
func (sh *shard) apply(c change) (added int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	before := len(sh.pairs)
	if c.pair == nil {
		delete(sh.pairs, c.key)
	} else {
		sh.pairs[c.key] = c.pair
	}
	return int64(len(sh.pairs) - before)
}

// Discard drops the changes.
func (b *batch) Discard() error {
	b.end()
	return nil
}

// changesKeep bounds the room for changes that is kept from batch to batch.
const changesKeep = 1024

func (b *batch) end() {
	b.Reset()
	clear(b.changes)
	b.changes = b.changes[:0]
	if cap(b.changes) > changesKeep {
		b.changes = nil
	}
}
