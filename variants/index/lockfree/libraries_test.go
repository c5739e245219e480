package lockfree_test

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"metastorebench/core/kv"
	"metastorebench/variants/index/lockfree"
	"metastorebench/variants/index/versioned"
)

// standard is Go's own concurrent map as a table.
type standard struct{ pairs sync.Map }

func (s *standard) Get(key string) *kv.KeyValue {
	pair, ok := s.pairs.Load(key)
	if !ok {
		return nil
	}
	return pair.(*kv.KeyValue)
}

func (s *standard) Put(key string, pair *kv.KeyValue) { s.pairs.Store(key, pair) }
func (s *standard) Delete(key string)                 { s.pairs.Delete(key) }
func (s *standard) Each(fn func(pair *kv.KeyValue)) {
	s.pairs.Range(func(_, pair any) bool {
		fn(pair.(*kv.KeyValue))
		return true
	})
}

// locked is a Go map under one lock, for comparison.
type locked struct {
	mu    sync.RWMutex
	pairs map[string]*kv.KeyValue
}

func (l *locked) Get(key string) *kv.KeyValue {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.pairs[key]
}

func (l *locked) Put(key string, pair *kv.KeyValue) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pairs[key] = pair
}

func (l *locked) Delete(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pairs, key)
}

func (l *locked) Each(fn func(pair *kv.KeyValue)) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, pair := range l.pairs {
		fn(pair)
	}
}

// BenchmarkLibraries compares concurrent maps as this store uses one: 100,000
// keys of 8 bytes, one writer, and readers on all processors, without it and
// beside it.
func BenchmarkLibraries(b *testing.B) {
	const keys = 100_000
	pairs, names := make([]*kv.KeyValue, keys), make([]string, keys)
	for i := range pairs {
		key := binary.BigEndian.AppendUint64(nil, uint64(i))
		pairs[i], names[i] = &kv.KeyValue{Key: key}, string(key)
	}
	for _, lib := range []struct {
		name string
		make func() versioned.Table
	}{
		{"xsync", lockfree.NewTable},
		{"sync.Map", func() versioned.Table { return new(standard) }},
		{"rwmutex", func() versioned.Table { return &locked{pairs: make(map[string]*kv.KeyValue)} }},
	} {
		b.Run(fmt.Sprintf("map=%s", lib.name), func(b *testing.B) {
			t := lib.make()
			for i, pair := range pairs {
				t.Put(names[i], pair)
			}
			put := func(i int) { t.Put(names[i*7919%keys], pairs[i*7919%keys]) }
			readers := func(b *testing.B) {
				b.ReportAllocs()
				var from atomic.Int64
				b.RunParallel(func(pb *testing.PB) {
					for i := int(from.Add(1)) * keys / 4; pb.Next(); i++ {
						if t.Get(names[i*7919%keys]) == nil {
							b.Error("a key is missing")
						}
					}
				})
			}
			b.Run("Get", readers)
			b.Run("GetBesidePut", func(b *testing.B) {
				stop, stopped := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(stopped)
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						default:
							put(i)
						}
					}
				}()
				readers(b)
				close(stop)
				<-stopped
			})
			b.Run("Put", func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					put(i)
				}
			})
			b.Run("Each", func(b *testing.B) {
				for b.Loop() {
					n := 0
					t.Each(func(*kv.KeyValue) { n++ })
					if n != keys {
						b.Fatalf("%d keys", n)
					}
				}
			})
		})
	}
}
