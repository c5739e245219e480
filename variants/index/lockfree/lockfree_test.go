package lockfree_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/engine/enginetest"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/indextest"
	"metastorebench/variants/index/lockfree"
)

func newIndex() memory.Index { return lockfree.New(nil) }

func TestIndex(t *testing.T) { indextest.Run(t, newIndex) }

func TestIndexIsFree(t *testing.T) { indextest.RunFree(t, newIndex) }

// TestNobodyWaits reads in the middle of a batch, on its own goroutine, where
// waiting would never end; then from many goroutines beside batches that make the
// map grow and shrink, with no wait reported.
func TestNobodyWaits(t *testing.T) {
	ix := lockfree.New(func(wait time.Duration) { t.Errorf("a wait of %v", wait) })
	b := ix.Begin()
	require.NoError(t, b.Put(&kv.KeyValue{Key: []byte("key")}))
	v := ix.Acquire()
	pair, err := v.Get([]byte("key"))
	require.NoError(t, err)
	require.Nil(t, pair)
	n, err := v.Count([]byte("a"), nil)
	require.NoError(t, err)
	require.Zero(t, n)
	v.Close()
	require.NoError(t, b.Commit(engine.State{AppliedIndex: 1}))

	const rounds, keys = 4, 2000
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				v := ix.Acquire()
				if pair, err := v.Get([]byte("key")); pair == nil || err != nil {
					t.Errorf("the key that stays: %v, %v", pair, err)
				}
				v.Close()
			}
		})
	}
	for round := range rounds {
		for i := range keys {
			b := ix.Begin()
			if key := fmt.Appendf(nil, "%d", i); round%2 == 0 {
				require.NoError(t, b.Put(&kv.KeyValue{Key: key}))
			} else {
				require.NoError(t, b.Delete(key))
			}
			require.NoError(t, b.Commit(engine.State{AppliedIndex: uint64(2 + round)}))
		}
	}
	close(stop)
	readers.Wait()
}

func FuzzIndex(f *testing.F) { indextest.Fuzz(f, newIndex) }

func TestHeapPerKey(t *testing.T) { indextest.HeapPerKey(t, newIndex, 400) }

func BenchmarkIndex(b *testing.B) { indextest.Bench(b, newIndex) }

func BenchmarkHeapPerKey(b *testing.B) { indextest.BenchHeapPerKey(b, newIndex) }

func BenchmarkEngine(b *testing.B) { enginetest.Bench(b, indextest.Factory(newIndex)) }
