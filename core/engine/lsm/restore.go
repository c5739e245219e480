package lsm

import (
	"io"
	"sync/atomic"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// restoreBatchBytes is how much a Restore puts into one store batch: enough to
// spread the cost of a batch, little beside a memtable.
const restoreBatchBytes = 1 << 20

// Restore first empties the store and removes the State in one batch, then adds
// the pairs in many, and the State with the last of them. A crash in between
// leaves a store without State, which Open empties. Readers wait.
func (e *lsmEngine) Restore(r io.Reader) error {
	e.access.Lock()
	defer e.access.Unlock()
	e.commits.Lock()
	defer e.commits.Unlock()
	if err := e.wipe(nil); err != nil {
		return err
	}
	e.keys.replace(nil)
	l := loader{store: e.store, batch: e.store.NewBatch(), written: &e.written}
	if e.newKeys != nil {
		l.keys = e.newKeys()
	}
	defer l.close()
	err := engine.ReadSnapshot(r, func(s engine.State) error {
		e.base.state = s
		return nil
	}, l.add)
	if err != nil {
		return err
	}
	if err := l.batch.Set(stateKey, engine.AppendState(nil, e.base.state)); err != nil {
		return err
	}
	if err := l.batch.Apply(); err != nil {
		return err
	}
	e.keys.replace(l.keys)
	return nil
}

// loader fills a store by batches of bounded size.
type loader struct {
	store      Store
	batch      Batch
	bytes      int // in batch
	written    *atomic.Int64
	keys       KeyIndex // nil if there is none
	key, value []byte   // scratch
}

func (l *loader) add(pair *kv.KeyValue) error {
	l.key = appendDataKey(l.key[:0], pair.Key)
	l.value = engine.AppendValue(l.value[:0], pair)
	if err := l.batch.Set(l.key, l.value); err != nil {
		return err
	}
	n := len(l.key) + len(l.value)
	l.written.Add(int64(n))
	l.bytes += n
	if l.keys != nil {
		l.keys.Put(string(pair.Key))
	}
	if l.bytes < restoreBatchBytes {
		return nil
	}
	if err := l.batch.Apply(); err != nil {
		return err
	}
	l.close()
	l.batch, l.bytes = l.store.NewBatch(), 0
	return nil
}

// close frees the batch; what it could report, Apply has reported.
func (l *loader) close() { _ = l.batch.Close() }
