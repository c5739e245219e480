// Package pebble is the value `pebble` of the axis --engine: the state machine
// in a CockroachDB Pebble store (github.com/cockroachdb/pebble/v2).
//
// Pebble's own log is off: the Raft log is the log, and Flush is what makes the
// state machine durable. A background failure of Pebble (a flush or compaction
// that cannot write) is final: from then on Commit and Flush return it, and the
// node stops. Pebble would otherwise try again for ever while Flush waits.
package pebble

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"metastorebench/core/engine"
	"metastorebench/core/engine/lsm"
)

// Open opens or creates the store in dir of fs. Errors name dir: a directory in
// use by another process, damaged files, or engine.ErrFormat for a store of
// another layout.
func Open(fs vfs.FS, dir string, opts lsm.Options) (engine.Engine, error) {
	opts, err := opts.Resolve()
	if err != nil {
		return nil, err
	}
	health := newHealth(opts.Logger)
	listener := health.listener()
	dbOpts := &pebble.Options{
		FS:            fs,
		DisableWAL:    true,
		Logger:        health,
		EventListener: &listener,
	}
	if opts.Profile == lsm.ProfileTuned {
		tune(dbOpts, opts.Machine.Budget())
	}
	db, err := pebble.Open(dir, dbOpts)
	if err != nil {
		return nil, fmt.Errorf("pebble engine in %q: %w", dir, err)
	}
	e, err := lsm.Open(&store{reader: reader{db}, db: db, health: health}, opts.NewKeyIndex)
	if err != nil {
		return nil, fmt.Errorf("pebble engine in %q: %w", dir, err)
	}
	return e, nil
}

// store adapts a pebble.DB to lsm.Store.
type store struct {
	reader
	db     *pebble.DB
	health *health
}

var _ lsm.Store = (*store)(nil)

func (s *store) Snapshot() lsm.Snapshot {
	snap := s.db.NewSnapshot()
	return snapshot{reader{snap}, snap}
}

func (s *store) NewBatch() lsm.Batch { return &batch{Batch: s.db.NewBatch(), health: s.health} }

// Flush waits for the memtables of this moment, or for a failure: a flush that
// fails is tried again without end, and its channel never closes.
func (s *store) Flush() error {
	if err := s.health.err(); err != nil {
		return err
	}
	flushed, err := s.db.AsyncFlush()
	if err != nil {
		return err
	}
	select {
	case <-flushed:
		return nil
	case <-s.health.failed:
		return s.health.err()
	}
}

func (s *store) Close() error { return s.db.Close() }

// reader adapts a DB or a Snapshot to lsm.Reader.
type reader struct{ src pebble.Reader }

func (r reader) Get(key []byte) ([]byte, io.Closer, error) {
	value, closer, err := r.src.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil, nil
	}
	return value, closer, err
}

func (r reader) Scan(lower, upper []byte, fn func(key, value []byte) bool) error {
	it, err := r.src.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	return walk(it, it.First, it.Next, fn)
}

func (r reader) ScanReverse(lower, upper []byte, fn func(key, value []byte) bool) error {
	it, err := r.src.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	return walk(it, it.Last, it.Prev, fn)
}

// walk calls fn for the pairs of it, from the first to the next ones, until it
// returns false, and closes it.
func walk(it *pebble.Iterator, first, next func() bool, fn func(key, value []byte) bool) error {
	for more := first(); more; more = next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(err, it.Close())
		}
		if !fn(it.Key(), value) {
			break
		}
	}
	return it.Close()
}

func (r reader) Count(lower, upper []byte) (int64, error) {
	it, err := r.src.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return 0, err
	}
	var n int64
	for more := it.First(); more; more = it.Next() {
		n++
	}
	return n, it.Close()
}

// snapshot is a reader of a snapshot that it closes.
type snapshot struct {
	reader
	io.Closer
}

// batch adapts a pebble.Batch to lsm.Batch. It is not an indexed batch: the
// overlay of package lsm answers reads of pending writes. For a get and a put
// of each of 100 keys that took 0.45 ms, against 1.1 ms for an indexed batch.
type batch struct {
	*pebble.Batch
	health *health
}

func (b *batch) Set(key, value []byte) error { return b.Batch.Set(key, value, nil) }

func (b *batch) Delete(key []byte) error { return b.Batch.Delete(key, nil) }

func (b *batch) DeleteRange(lower, upper []byte) error {
	return b.Batch.DeleteRange(lower, upper, nil)
}

// Apply reports a failure that Pebble met while applying, too: it logs some of
// them as fatal and carries on.
func (b *batch) Apply() error {
	if err := b.health.err(); err != nil {
		return err
	}
	if err := b.Batch.Commit(pebble.NoSync); err != nil {
		return err
	}
	return b.health.err()
}
