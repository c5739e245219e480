package hash_test

import (
	"encoding/binary"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/engine/enginetest"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/hash"
	"metastorebench/variants/index/indextest"
)

func newIndex() memory.Index { return hash.New(nil) }

func TestIndex(t *testing.T) { indextest.Run(t, newIndex) }

func BenchmarkEngine(b *testing.B) { enginetest.Bench(b, indextest.Factory(newIndex)) }

func TestDirtyDiscard(t *testing.T) {
	b := newIndex().Begin()
	require.NoError(t, b.Delete([]byte("a key that is not there")))
	require.ErrorIs(t, b.Discard(), engine.ErrBatchDirty)
}

// TestLockWait checks that waits are reported when there are some, and only
// then. The reader meets the lock taken in all but a few rounds; the test goes
// on until it did once.
func TestLockWait(t *testing.T) {
	var waits atomic.Int64
	ix := hash.New(func(wait time.Duration) {
		if wait < 0 {
			t.Errorf("negative wait %v", wait)
		}
		waits.Add(1)
	})
	for range 1000 {
		require.NoError(t, ix.Begin().Commit(engine.NewState()))
		ix.Acquire().Close()
	}
	require.Zero(t, waits.Load(), "nobody else held the lock")

	for waits.Load() == 0 {
		b := ix.Begin()
		started, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			close(started)
			ix.Acquire().Close()
		}()
		<-started
		runtime.Gosched()
		require.NoError(t, b.Commit(engine.NewState()))
		<-done
	}
}

// load fills the index with n keys of 8 bytes and values of 64, each allocated
// by itself as a decoded command's are, and returns the heap that it takes.
func load(tb testing.TB, ix memory.Index, n int) (heapBytes uint64) {
	tb.Helper()
	before := heapInUse()
	for i := 0; i < n; {
		b := ix.Begin()
		for end := min(i+1000, n); i < end; i++ {
			require.NoError(tb, b.Put(&kv.KeyValue{
				Key:   binary.BigEndian.AppendUint64(nil, uint64(i)),
				Value: make([]byte, 64),
			}))
		}
		require.NoError(tb, b.Commit(engine.NewState()))
	}
	after := heapInUse()
	runtime.KeepAlive(ix)
	return after - before
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestHeapPerKey bounds memory, not speed: a million keys of 8+64 bytes take at
// most 400 bytes of heap each.
func TestHeapPerKey(t *testing.T) {
	if testing.Short() {
		t.Skip("loads a million keys")
	}
	const keys, boundBytes = 1_000_000, 400
	perKey := float64(load(t, newIndex(), keys)) / keys
	t.Logf("%.1f bytes of heap per key", perKey)
	require.LessOrEqual(t, perKey, float64(boundBytes))
	require.Greater(t, perKey, float64(8+64), "the measure saw the data")
}

func BenchmarkHeapPerKey(b *testing.B) {
	const keys = 1_000_000
	var heap uint64
	for b.Loop() {
		heap = load(b, newIndex(), keys)
	}
	b.ReportMetric(float64(heap)/keys, "heap-bytes/key")
}
