package lsm

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"metastorebench/core/engine"
)

// content is an ordered map, the slow way.
type content map[string]string

func (c content) Get(key []byte) ([]byte, io.Closer, error) {
	value, found := c[string(key)]
	if !found {
		return nil, nil, nil
	}
	return []byte(value), io.NopCloser(nil), nil
}

func (c content) Scan(lower, upper []byte, fn func(key, value []byte) bool) error {
	for _, key := range slices.Sorted(maps.Keys(c)) {
		if key >= string(lower) && key < string(upper) && !fn([]byte(key), []byte(c[key])) {
			break
		}
	}
	return nil
}

func (c content) ScanReverse(lower, upper []byte, fn func(key, value []byte) bool) error {
	for _, key := range slices.Backward(slices.Sorted(maps.Keys(c))) {
		if key >= string(lower) && key < string(upper) && !fn([]byte(key), []byte(c[key])) {
			break
		}
	}
	return nil
}

func (c content) Count(lower, upper []byte) (n int64, err error) {
	err = c.Scan(lower, upper, func(_, _ []byte) bool { n++; return true })
	return n, err
}

func (c content) Close() error { return nil }

// fakeStore is a Store whose batches replace the whole content, so that a
// snapshot is just the content of its moment. Tests hook into it.
type fakeStore struct {
	mu   sync.Mutex
	data content
	// onApply is called in Apply before the change is visible; an error fails
	// the batch.
	onApply func() error
	// onApplied is called in Apply when the change is visible.
	onApplied func()
	closed    bool
	flushes   atomic.Int64
}

var _ Store = (*fakeStore)(nil)

func (s *fakeStore) now() content {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data
}

func (s *fakeStore) Get(key []byte) ([]byte, io.Closer, error) { return s.now().Get(key) }

func (s *fakeStore) Scan(lower, upper []byte, fn func(key, value []byte) bool) error {
	return s.now().Scan(lower, upper, fn)
}

func (s *fakeStore) ScanReverse(lower, upper []byte, fn func(key, value []byte) bool) error {
	return s.now().ScanReverse(lower, upper, fn)
}

func (s *fakeStore) Count(lower, upper []byte) (int64, error) { return s.now().Count(lower, upper) }

func (s *fakeStore) Snapshot() Snapshot { return s.now() }

func (s *fakeStore) NewBatch() Batch { return &fakeBatch{store: s} }

// Stats counts the content as one table, and each Flush as a copy of it.
func (s *fakeStore) Stats() (engine.StorageStats, error) {
	var n int64
	for key, value := range s.now() {
		n += int64(len(key) + len(value))
	}
	return engine.StorageStats{FlushedBytes: s.flushes.Load() * n, TableBytes: n, LiveBytes: n}, nil
}

func (s *fakeStore) Flush() error {
	s.flushes.Add(1)
	return nil
}

func (s *fakeStore) Close() error {
	s.closed = true
	return nil
}

// fakeBatch is a list of changes.
type fakeBatch struct {
	store   *fakeStore
	changes []func(content)
}

func (b *fakeBatch) Set(key, value []byte) error {
	k, v := string(key), string(value)
	b.changes = append(b.changes, func(c content) { c[k] = v })
	return nil
}

func (b *fakeBatch) Delete(key []byte) error {
	k := string(key)
	b.changes = append(b.changes, func(c content) { delete(c, k) })
	return nil
}

func (b *fakeBatch) DeleteRange(lower, upper []byte) error {
	lower, upper = bytes.Clone(lower), bytes.Clone(upper)
	b.changes = append(b.changes, func(c content) {
		maps.DeleteFunc(c, func(k, _ string) bool { return k >= string(lower) && k < string(upper) })
	})
	return nil
}

func (b *fakeBatch) Apply() error {
	if b.store.onApply != nil {
		if err := b.store.onApply(); err != nil {
			return err
		}
	}
	next := maps.Clone(b.store.now())
	if next == nil {
		next = content{}
	}
	for _, change := range b.changes {
		change(next)
	}
	b.store.mu.Lock()
	b.store.data = next
	b.store.mu.Unlock()
	if b.store.onApplied != nil {
		b.store.onApplied()
	}
	return nil
}

func (b *fakeBatch) Close() error { return nil }
