//go:build !norocksdb

package rocksdb

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/linxGnu/grocksdb"

	"metastorebench/core/engine"
	"metastorebench/core/engine/lsm"
)

// Available reports whether RocksDB is in this build.
func Available() bool { return true }

// Open opens or creates the store in dir. Errors name dir: a directory in use,
// by this process or another, damaged files, or engine.ErrFormat for a store of
// another layout. RocksDB writes its own messages to the file LOG in dir.
func Open(dir string, opts lsm.Options) (engine.Engine, error) {
	opts, err := opts.Resolve()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("rocksdb engine: %w", err)
	}
	dbOpts := grocksdb.NewDefaultOptions()
	dbOpts.SetCreateIfMissing(true)
	dbOpts.EnableStatistics() // with every profile alike: Stats reads them
	if opts.Profile == lsm.ProfileTuned {
		tune(dbOpts, opts.Machine.Budget())
	}
	db, err := grocksdb.OpenDb(dbOpts, dir)
	if err != nil {
		dbOpts.Destroy()
		return nil, fmt.Errorf("rocksdb engine in %q: %w", dir, err)
	}
	e, err := lsm.Open(newStore(db, dbOpts), opts.NewKeyIndex)
	if err != nil {
		return nil, fmt.Errorf("rocksdb engine in %q: %w", dir, err)
	}
	return e, nil
}

// store adapts a grocksdb.DB to lsm.Store. Every option object lives in C
// memory and until Close.
type store struct {
	reader
	opts  *grocksdb.Options
	write *grocksdb.WriteOptions
	flush *grocksdb.FlushOptions
	batch batch
}

var _ lsm.Store = (*store)(nil)

func newStore(db *grocksdb.DB, opts *grocksdb.Options) *store {
	s := &store{
		reader: reader{db: db, opts: grocksdb.NewDefaultReadOptions()},
		opts:   opts,
		write:  grocksdb.NewDefaultWriteOptions(),
		flush:  grocksdb.NewDefaultFlushOptions(),
	}
	s.write.DisableWAL(true)
	s.flush.SetWait(true)
	s.batch = batch{store: s, wb: grocksdb.NewWriteBatch()}
	return s
}

func (s *store) Snapshot() lsm.Snapshot {
	snap := s.db.NewSnapshot()
	opts := grocksdb.NewDefaultReadOptions()
	opts.SetSnapshot(snap)
	return &snapshot{reader: reader{db: s.db, snap: snap, opts: opts}}
}

// NewBatch returns the one batch, empty: Close has cleared it.
func (s *store) NewBatch() lsm.Batch { return &s.batch }

func (s *store) Flush() error { return s.db.Flush(s.flush) }

func (s *store) Close() error {
	s.batch.wb.Destroy()
	s.reader.opts.Destroy()
	s.write.Destroy()
	s.flush.Destroy()
	s.db.Close()
	s.opts.Destroy()
	return nil
}

// reader adapts a DB, at a snapshot or at its newest state, to lsm.Reader.
type reader struct {
	db   *grocksdb.DB
	snap *grocksdb.Snapshot // nil: the newest state
	opts *grocksdb.ReadOptions
}

// closer frees a slice of C memory.
type closer grocksdb.Slice

func (c *closer) Close() error {
	(*grocksdb.Slice)(c).Free()
	return nil
}

// Get copies once inside RocksDB: a pinned slice would spare that copy and cost
// one more call into C, which is dearer at the sizes of this store.
func (r *reader) Get(key []byte) ([]byte, io.Closer, error) {
	value, err := r.db.Get(r.opts, key)
	if err != nil || !value.Exists() {
		return nil, nil, err
	}
	return value.Data(), (*closer)(value), nil
}

// iterate calls fn at each key in [lower, upper) until it returns false.
func (r *reader) iterate(lower, upper []byte, walk walkFunc, fn func(*grocksdb.Iterator) bool) error {
	// RocksDB keeps the address of the bound for the iterator's life.
	var pin runtime.Pinner
	pin.Pin(&upper[0])
	defer pin.Unpin()
	opts := grocksdb.NewDefaultReadOptions()
	defer opts.Destroy()
	opts.SetIterateUpperBound(upper)
	if r.snap != nil {
		opts.SetSnapshot(r.snap)
	}
	it := r.db.NewIterator(opts)
	defer it.Close()
	walk(it, lower, fn)
	return it.Err()
}

// walkFunc moves an iterator over the keys from lower up to its upper bound, in
// one direction, and calls fn at each until it returns false.
type walkFunc func(it *grocksdb.Iterator, lower []byte, fn func(*grocksdb.Iterator) bool)

// ascending walks an iterator with an upper bound from lower on.
func ascending(it *grocksdb.Iterator, lower []byte, fn func(*grocksdb.Iterator) bool) {
	for it.Seek(lower); it.Valid() && fn(it); it.Next() {
	}
}

// descending walks an iterator from its upper bound, which SeekToLast respects,
// down to lower.
func descending(it *grocksdb.Iterator, lower []byte, fn func(*grocksdb.Iterator) bool) {
	for it.SeekToLast(); it.Valid() && bytes.Compare(it.Key().Data(), lower) >= 0 && fn(it); it.Prev() {
	}
}

func (r *reader) Scan(lower, upper []byte, fn func(key, value []byte) bool) error {
	// Key and Value point into the iterator: there is nothing to free.
	return r.iterate(lower, upper, ascending, func(it *grocksdb.Iterator) bool {
		return fn(it.Key().Data(), it.Value().Data())
	})
}

func (r *reader) ScanReverse(lower, upper []byte, fn func(key, value []byte) bool) error {
	return r.iterate(lower, upper, descending, func(it *grocksdb.Iterator) bool {
		return fn(it.Key().Data(), it.Value().Data())
	})
}

func (r *reader) Count(lower, upper []byte) (int64, error) {
	var n int64
	err := r.iterate(lower, upper, ascending, func(*grocksdb.Iterator) bool { n++; return true })
	return n, err
}

// snapshot is a reader of a snapshot that it releases.
type snapshot struct{ reader }

func (s *snapshot) Close() error {
	s.opts.Destroy()
	s.db.ReleaseSnapshot(s.snap)
	return nil
}

// batch adapts a grocksdb.WriteBatch, which is used again and again, to
// lsm.Batch. The overlay of package lsm answers reads of pending writes, as it
// does for pebble.
type batch struct {
	store *store
	wb    *grocksdb.WriteBatch
}

func (b *batch) Set(key, value []byte) error {
	b.wb.Put(key, value)
	return nil
}

func (b *batch) Delete(key []byte) error {
	b.wb.Delete(key)
	return nil
}

func (b *batch) DeleteRange(lower, upper []byte) error {
	b.wb.DeleteRange(lower, upper)
	return nil
}

func (b *batch) Apply() error { return b.store.db.Write(b.store.write, b.wb) }

func (b *batch) Close() error {
	b.wb.Clear()
	return nil
}
