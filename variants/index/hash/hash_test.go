package hash_test

import (
	"encoding/binary"
	"runtime"
	"testing"

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
