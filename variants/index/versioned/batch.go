package versioned

import (
	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// batch collects changes above the version that it began with.
type batch struct {
	index *Index
	from  *version
	// changed is nil until there is a change. Commit gives it away.
	changed map[string]change
	room    int // for as many changes as the last batch had
	// overlay shows the changes to scans and counts; nil until the first one.
	overlay *engine.Overlay
}

var _ engine.Batch = (*batch)(nil)

// roomMax bounds the room for changes that is made before there are any.
const roomMax = 4096

func (b *batch) begin(from *version) {
	b.from, b.changed, b.overlay = from, nil, nil
}

func (b *batch) State() engine.State { return b.from.state }

// Get needs no version: the table holds what the batch began with.
func (b *batch) Get(key []byte) (*kv.KeyValue, error) {
	k := keyOf(key)
	if c, changed := b.changed[k]; changed {
		return c.after, nil
	}
	return b.index.table.Get(k), nil
}

func (b *batch) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	return b.reader().Scan(start, end, fn)
}

func (b *batch) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	return b.reader().ScanReverse(start, end, fn)
}

func (b *batch) Count(start, end []byte) (int64, error) { return b.reader().Count(start, end) }

// reader returns the changes above the version that the batch began with.
func (b *batch) reader() engine.Reader {
	if len(b.changed) == 0 {
		return b.from
	}
	if b.overlay == nil {
		b.overlay = engine.NewOverlay(b.from)
		for key, c := range b.changed {
			show(b.overlay, key, c.after)
		}
	}
	return b.overlay
}

// show makes pair, or nil for none, what o has for key.
func show(o *engine.Overlay, key string, pair *kv.KeyValue) {
	if pair == nil {
		o.Delete(bytesOf(key))
	} else {
		o.Put(pair)
	}
}

func (b *batch) Put(pair *kv.KeyValue) error {
	b.change(keyOf(pair.Key), pair)
	return nil
}

func (b *batch) Delete(key []byte) error {
	b.change(string(key), nil)
	return nil
}

// change notes a change of key, which nobody changes any more. Go's map keeps the
// last of equal strings as its key, so that no key outlives its pair.
func (b *batch) change(key string, after *kv.KeyValue) {
	c, again := b.changed[key]
	if !again {
		c.before = b.index.table.Get(key)
	}
	c.after = after
	if b.changed == nil {
		b.changed = make(map[string]change, b.room)
	}
	b.changed[key] = c
	if b.overlay != nil {
		show(b.overlay, key, after)
	}
}

// Commit takes steps 2 and 3 of the package comment.
func (b *batch) Commit(state engine.State) error {
	ix, from := b.index, b.from
	next := &version{index: ix, state: state, size: from.size, changed: b.changed}
	for _, c := range next.changed {
		if c.after != nil {
			next.size++
		}
		if c.before != nil {
			next.size--
		}
	}
	from.next.Store(next)
	if err := ix.ranges.apply(next); err != nil {
		return err
	}
	for key, c := range next.changed {
		if c.after == nil {
			ix.table.Delete(key)
		} else {
			ix.table.Put(key, c.after)
		}
	}
	ix.published.Store(next)
	b.room = min(len(b.changed), roomMax)
	b.begin(nil)
	return nil
}

// Discard drops the changes.
func (b *batch) Discard() error {
	b.begin(nil)
	return nil
}
