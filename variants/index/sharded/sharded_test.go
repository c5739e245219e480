package sharded

import (
	"testing"
	"time"

	"metastorebench/core/engine/enginetest"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/indextest"
	"metastorebench/variants/index/versioned"
)

func newIndex() memory.Index { return New(nil) }

func TestIndex(t *testing.T) { indextest.Run(t, newIndex) }

func TestIndexIsFree(t *testing.T) { indextest.RunFree(t, newIndex) }

// TestLockWait has readers meet the locks of shards: the batch holds none for
// longer than one change takes.
func TestLockWait(t *testing.T) {
	var made []*table // of the index and of a fresh one
	newIndex := func(onLockWait func(wait time.Duration)) memory.Index {
		return versioned.New(versioned.Parts{Table: func() versioned.Table {
			made = append(made, newTable(onLockWait))
			return made[len(made)-1]
		}})
	}
	each := func(do func(sh *shard)) {
		for _, t := range made {
			for i := range t.shards {
				do(&t.shards[i])
			}
		}
	}
	indextest.RunLockWait(t, newIndex, func(memory.Index) (release func()) {
		each(func(sh *shard) { sh.mu.Lock() })
		return func() { each(func(sh *shard) { sh.mu.Unlock() }) }
	})
}

func FuzzIndex(f *testing.F) { indextest.Fuzz(f, newIndex) }

func TestHeapPerKey(t *testing.T) { indextest.HeapPerKey(t, newIndex, 400) }

func BenchmarkIndex(b *testing.B) { indextest.Bench(b, newIndex) }

func BenchmarkHeapPerKey(b *testing.B) { indextest.BenchHeapPerKey(b, newIndex) }

func BenchmarkEngine(b *testing.B) { enginetest.Bench(b, indextest.Factory(newIndex)) }
