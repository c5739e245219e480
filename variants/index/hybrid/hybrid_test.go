package hybrid_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/engine/enginetest"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/hybrid"
	"metastorebench/variants/index/indextest"
)

func newIndex() memory.Index { return hybrid.New(nil) }

func TestIndex(t *testing.T) { indextest.Run(t, newIndex) }

func TestIndexIsFree(t *testing.T) { indextest.RunFree(t, newIndex) }

// TestLockWait lets a commit meet the tree's lock, which a short range holds. It
// finds it taken in all but a few rounds; the test goes on until one did.
func TestLockWait(t *testing.T) {
	var waits atomic.Int64
	ix := hybrid.New(func(wait time.Duration) {
		if wait < 0 {
			t.Errorf("a wait of %v", wait)
		}
		waits.Add(1)
	})
	commit := func() {
		b := ix.Begin()
		if err := b.Put(&kv.KeyValue{Key: []byte("key")}); err != nil {
			t.Error(err)
		}
		if err := b.Commit(engine.State{AppliedIndex: 1}); err != nil {
			t.Error(err)
		}
	}
	commit()
	require.Zero(t, waits.Load(), "nobody else held the lock")
	for waits.Load() == 0 {
		v, done := ix.Acquire(), make(chan struct{})
		require.NoError(t, v.Scan(nil, nil, func(*kv.KeyValue) bool {
			started := make(chan struct{})
			go func() {
				defer close(done)
				close(started)
				commit()
			}()
			<-started
			runtime.Gosched()
			return true
		}))
		<-done
		v.Close()
	}
}

func FuzzIndex(f *testing.F) { indextest.Fuzz(f, newIndex) }

func TestHeapPerKey(t *testing.T) { indextest.HeapPerKey(t, newIndex, 500) }

func BenchmarkIndex(b *testing.B) { indextest.Bench(b, newIndex) }

func BenchmarkHeapPerKey(b *testing.B) { indextest.BenchHeapPerKey(b, newIndex) }

func BenchmarkEngine(b *testing.B) { enginetest.Bench(b, indextest.Factory(newIndex)) }
