// Package index_test measures all values of the axis --index side by side.
package index_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/btree"
	"metastorebench/variants/index/hash"
	"metastorebench/variants/index/hybrid"
	"metastorebench/variants/index/indextest"
	"metastorebench/variants/index/lockfree"
	"metastorebench/variants/index/ranked"
	"metastorebench/variants/index/sharded"
)

// mixedKeys is the number of keys that the mixes read and write.
const mixedKeys = 100_000

// BenchmarkMixed reads and replaces single keys, uniformly chosen, from 1 to 1,000
// goroutines, on every index: read-heavy, even and write-heavy (claim P3.2).
// Writes are one batch each, by turns, as with --apply=perop: the engine has one
// writer. lock-wait-ns/op is what the index reports of waits for its own locks;
// the turns are not in it.
func BenchmarkMixed(b *testing.B) {
	for _, ix := range []struct {
		name string
		make func(onLockWait func(wait time.Duration)) memory.Index
	}{
		{"hash", hash.New}, {"btree", btree.New}, {"ranked", ranked.New},
		{"sharded", sharded.New}, {"lockfree", lockfree.New}, {"hybrid", hybrid.New},
	} {
		for _, reads := range []int{95, 50, 5} {
			for _, goroutines := range []int{1, 10, 100, 1000} {
				b.Run(fmt.Sprintf("index=%s/reads=%d/goroutines=%d", ix.name, reads, goroutines), func(b *testing.B) {
					var waited atomic.Int64
					index := ix.make(func(wait time.Duration) { waited.Add(int64(wait)) })
					indextest.Load(b, index, mixedKeys)
					m := mixed{index: index, readPercent: reads}
					b.ResetTimer()
					m.run(b, goroutines)
					b.ReportMetric(float64(waited.Load())/float64(b.N), "lock-wait-ns/op")
				})
			}
		}
	}
}

// mixed is a mix of reads and writes under way.
type mixed struct {
	index       memory.Index
	readPercent int
	turn        sync.Mutex // the one writer's
}

// run makes b.N operations from so many goroutines.
func (m *mixed) run(b *testing.B, goroutines int) {
	var group sync.WaitGroup
	for g := range goroutines {
		share := b.N / goroutines
		if g < b.N%goroutines {
			share++
		}
		group.Go(func() {
			rng, key := rand.New(rand.NewPCG(1, uint64(g))), make([]byte, 8)
			for range share {
				binary.BigEndian.PutUint64(key, rng.Uint64N(mixedKeys))
				var err error
				if rng.IntN(100) < m.readPercent {
					err = m.read(key)
				} else {
					err = m.write(key)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

func (m *mixed) read(key []byte) error {
	v := m.index.Acquire()
	defer v.Close()
	pair, err := v.Get(key)
	if err == nil && pair == nil {
		err = fmt.Errorf("key %x is missing", key)
	}
	return err
}

func (m *mixed) write(key []byte) error {
	pair := &kv.KeyValue{Key: append([]byte(nil), key...), Value: make([]byte, 64), CreateRevision: 1, ModRevision: 1, Version: 1}
	m.turn.Lock()
	defer m.turn.Unlock()
	batch := m.index.Begin()
	if err := batch.Put(pair); err != nil {
		return err
	}
	return batch.Commit(engine.NewState())
}
