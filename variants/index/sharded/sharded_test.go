package sharded

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/engine/enginetest"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/indextest"
)

func newIndex() memory.Index { return New(nil) }

func TestIndex(t *testing.T) { indextest.Run(t, newIndex) }

// TestStepsAreDropped checks that the way from old versions to the newest one is
// garbage once no view can need it.
func TestStepsAreDropped(t *testing.T) {
	ix := New(nil).(*Index)
	collected := make(chan struct{})
	runtime.AddCleanup(ix.published.Load(), func(done chan struct{}) { close(done) }, collected)
	for range 3 {
		b := ix.Begin()
		require.NoError(t, b.Put(&kv.KeyValue{Key: []byte("key")}))
		require.NoError(t, b.Commit(engine.NewState()))
	}
	require.Eventually(t, func() bool {
		runtime.GC()
		select {
		case <-collected:
			return true
		default:
			return false
		}
	}, 30*time.Second, time.Millisecond)
	runtime.KeepAlive(ix)
}

func TestIndexIsFree(t *testing.T) { indextest.RunFree(t, newIndex) }

// TestLockWait has readers meet the locks of shards: the batch holds none for
// longer than one change takes.
func TestLockWait(t *testing.T) {
	indextest.RunLockWait(t, New, func(ix memory.Index) (release func()) {
		shards := &ix.(*Index).shards
		for i := range shards {
			shards[i].mu.Lock()
		}
		return func() {
			for i := range shards {
				shards[i].mu.Unlock()
			}
		}
	})
}

func FuzzIndex(f *testing.F) { indextest.Fuzz(f, newIndex) }

func TestHeapPerKey(t *testing.T) { indextest.HeapPerKey(t, newIndex, 400) }

func BenchmarkIndex(b *testing.B) { indextest.Bench(b, newIndex) }

func BenchmarkHeapPerKey(b *testing.B) { indextest.BenchHeapPerKey(b, newIndex) }

func BenchmarkEngine(b *testing.B) { enginetest.Bench(b, indextest.Factory(newIndex)) }
