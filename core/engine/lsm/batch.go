package lsm

import (
	"errors"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// batch is the engine's one batch, used again and again. It reads its own
// writes through the Overlay; pending is nil when the batch is not open.
type batch struct {
	*engine.Overlay
	engine     *lsmEngine
	pending    Batch
	bytes      int64  // of keys and values in pending
	key, value []byte // scratch
}

var _ engine.Batch = (*batch)(nil)

func (b *batch) Put(pair *kv.KeyValue) error {
	b.key = appendDataKey(b.key[:0], pair.Key)
	b.value = engine.AppendValue(b.value[:0], pair)
	if err := b.pending.Set(b.key, b.value); err != nil {
		return err
	}
	b.bytes += int64(len(b.key) + len(b.value))
	b.Overlay.Put(pair)
	return nil
}

func (b *batch) Delete(key []byte) error {
	b.key = appendDataKey(b.key[:0], key)
	if err := b.pending.Delete(b.key); err != nil {
		return err
	}
	b.bytes += int64(len(b.key))
	b.Overlay.Delete(key)
	return nil
}

// Count needs no walk if there is a key index.
func (b *batch) Count(start, end []byte) (int64, error) {
	if b.engine.keys.live == nil {
		return b.Overlay.Count(start, end)
	}
	return counter{b.engine.keys.live, b.engine.keys.changes(b.Overlay)}.count(start, end), nil
}

func (b *batch) Commit(state engine.State) error {
	b.value = engine.AppendState(b.value[:0], state)
	err := b.pending.Set(stateKey, b.value)
	if err == nil {
		err = b.engine.apply(b.pending, b.engine.keys.changes(b.Overlay), state)
	}
	if err == nil {
		b.engine.written.Add(b.bytes + int64(len(stateKey)+len(b.value)))
	}
	return errors.Join(err, b.Discard())
}

func (b *batch) Discard() error {
	if b.pending == nil {
		return nil
	}
	err := b.pending.Close()
	b.pending, b.bytes = nil, 0
	b.Overlay.Reset()
	return err
}
