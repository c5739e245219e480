package indextest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
)

// freeKeys is far more than any index scans before it stops holding up batches.
const freeKeys = 1000

// RunFree checks that a long range holds up nobody: batches commit in the middle
// of it and after it, while its view stays open and keeps showing its own state.
// If a batch has to wait for the view, the test ends in a deadlock.
func RunFree(t *testing.T, newIndex func() memory.Index) {
	type scan func(r engine.Reader, fn func(*kv.KeyValue) bool) error
	for name, scan := range map[string]scan{
		"Scan":        func(r engine.Reader, fn func(*kv.KeyValue) bool) error { return r.Scan(nil, nil, fn) },
		"ScanReverse": func(r engine.Reader, fn func(*kv.KeyValue) bool) error { return r.ScanReverse(nil, nil, fn) },
	} {
		t.Run(name, func(t *testing.T) {
			ix := newIndex()
			fill(t, ix, freeKeys, 1)
			v, seen := ix.Acquire(), 0
			require.NoError(t, scan(v, func(p *kv.KeyValue) bool {
				if seen++; seen%100 == 0 && seen < freeKeys {
					changeAll(t, ix, int64(1+seen/100))
				}
				require.EqualValues(t, 1, p.ModRevision)
				return true
			}))
			require.Equal(t, freeKeys, seen)
			requireGenerationOne(t, v)
			v.Close()

			v = ix.Acquire()
			defer v.Close()
			require.EqualValues(t, freeKeys/100, v.State().AppliedIndex)
			n, err := v.Count(nil, nil)
			require.NoError(t, err)
			require.EqualValues(t, freeKeys/2+1, n)
		})
	}
}

// changeAll replaces a half of the keys that fill made, removes the other, and
// adds one, on another goroutine: the caller's holds a view.
func changeAll(t *testing.T, ix memory.Index, generation int64) {
	t.Helper()
	committed := make(chan error, 1)
	go func() {
		b := ix.Begin()
		err := b.Put(&kv.KeyValue{Key: []byte("new"), ModRevision: generation})
		for i := 0; i < freeKeys && err == nil; i++ {
			if key := fmt.Appendf(nil, "key %04d", i); i%2 == 0 {
				err = b.Put(&kv.KeyValue{Key: key, ModRevision: generation})
			} else {
				err = b.Delete(key)
			}
		}
		if err == nil {
			err = b.Commit(engine.State{AppliedIndex: uint64(generation)})
		}
		committed <- err
	}()
	require.NoError(t, <-committed)
}

// requireGenerationOne checks all that a view of fill's first batch shows.
func requireGenerationOne(t *testing.T, v engine.View) {
	t.Helper()
	require.EqualValues(t, 1, v.State().AppliedIndex)
	for i := range freeKeys {
		p, err := v.Get(fmt.Appendf(nil, "key %04d", i))
		require.NoError(t, err)
		require.EqualValues(t, 1, p.ModRevision)
	}
	p, err := v.Get([]byte("new"))
	require.NoError(t, err)
	require.Nil(t, p)
	n, err := v.Count([]byte("key 0100"), []byte("zzz"))
	require.NoError(t, err)
	require.EqualValues(t, freeKeys-100, n)
	n = 0
	require.NoError(t, v.ScanReverse([]byte("key 0100"), nil, func(p *kv.KeyValue) bool {
		require.EqualValues(t, 1, p.ModRevision)
		n++
		return true
	}))
	require.EqualValues(t, freeKeys-100, n)
}
