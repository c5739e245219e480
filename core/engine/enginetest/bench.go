package enginetest

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// benchKeys is how many keys the benchmarks work on: claim P2.2 names a range
// of 10 among 10,000.
const benchKeys = 10_000

// benchPair is the plan's operation: an 8-byte key and a 256-byte value.
func benchPair(i int) *kv.KeyValue {
	return &kv.KeyValue{
		Key: binary.BigEndian.AppendUint64(nil, uint64(i)), Value: make([]byte, 256),
		CreateRevision: 2, ModRevision: 2, Version: 1,
	}
}

// Bench runs the benchmarks that all engines share. Each opens an engine of its
// own and loads 10,000 keys.
func Bench(b *testing.B, newFactory func(t testing.TB) Factory) {
	benches := []struct {
		name string
		fn   func(*testing.B, engine.Engine)
	}{
		{"Get", benchGet},
		{"Range10", benchRange},
		{"Put/batch=1", func(b *testing.B, e engine.Engine) { benchPut(b, e, 1) }},
		{"Put/batch=100", func(b *testing.B, e engine.Engine) { benchPut(b, e, 100) }},
	}
	for _, bench := range benches {
		b.Run(bench.name, func(b *testing.B) {
			e := newFactory(b).Open(b)
			batch := e.NewBatch()
			for i := range benchKeys {
				require.NoError(b, batch.Put(benchPair(i)))
			}
			require.NoError(b, batch.Commit(stateAt(1)))
			b.ReportAllocs()
			bench.fn(b, e)
			b.StopTimer()
			require.NoError(b, e.Close())
		})
	}
}

// benchGet opens a view for each get, as a request does.
func benchGet(b *testing.B, e engine.Engine) {
	key := make([]byte, 8)
	for i := 0; b.Loop(); i++ {
		binary.BigEndian.PutUint64(key, uint64(i*7919%benchKeys))
		v := e.View()
		pair, err := v.Get(key)
		if v.State().AppliedIndex != 1 || pair == nil || err != nil {
			b.Fatalf("key %d: %v, %v", i, pair, err)
		}
		v.Close()
	}
}

// benchRange scans 10 keys that a range of 10 bounds.
func benchRange(b *testing.B, e engine.Engine) {
	start, end := make([]byte, 8), make([]byte, 8)
	for i := 0; b.Loop(); i++ {
		at := uint64(i * 7919 % (benchKeys - 10))
		binary.BigEndian.PutUint64(start, at)
		binary.BigEndian.PutUint64(end, at+10)
		n := 0
		v := e.View()
		err := v.Scan(start, end, func(*kv.KeyValue) bool { n++; return true })
		v.Close()
		if n != 10 || err != nil {
			b.Fatalf("%d keys, %v", n, err)
		}
	}
}

// benchPut commits batches of n puts, each with the get that a put needs for
// the key's revisions, and reports the time of one put.
func benchPut(b *testing.B, e engine.Engine, n int) {
	done := 0
	for i := 0; b.Loop(); i++ {
		batch := e.NewBatch()
		for range n {
			pair := benchPair(done * 7919 % benchKeys)
			done++
			if prev, err := batch.Get(pair.Key); prev == nil || err != nil {
				b.Fatal(fmt.Errorf("get: %v, %w", prev, err))
			}
			if err := batch.Put(pair); err != nil {
				b.Fatal(err)
			}
		}
		if err := batch.Commit(engine.State{AppliedIndex: uint64(i), Revision: 1}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(done), "ns/put")
}
