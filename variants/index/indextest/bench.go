package indextest

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/apply"
	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
)

// Load fills ix with n pairs, of keys of 8 bytes and values of 64, each allocated
// by itself as a decoded command's are. The keys come in an order far from their
// own: in that, every node of a B-tree would stay half full. 7919 must not
// divide n.
func Load(tb testing.TB, ix memory.Index, n int) {
	tb.Helper()
	for i := 0; i < n; {
		b := ix.Begin()
		for end := min(i+1000, n); i < end; i++ {
			require.NoError(tb, b.Put(benchPair(i*7919%n)))
		}
		require.NoError(tb, b.Commit(engine.NewState()))
	}
}

func benchPair(i int) *kv.KeyValue {
	return &kv.KeyValue{Key: benchKey(i), Value: make([]byte, 64), CreateRevision: 1, ModRevision: 1, Version: 1}
}

func benchKey(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) }

// scatter spreads consecutive i over [0, n) far from the order of keys.
func scatter(i, n int) int { return int(uint64(i) * 0x9e3779b97f4a7c15 >> 20 % uint64(n)) }

// Bench measures, with n keys of 10^3 to 10^6 and k of 1 to 1,000 (claim P2.2
// names k=10 of n=10,000):
//
//   - op=range, of k pairs that its bounds bound: no more is looked at;
//   - op=limit, over all keys with a limit of k, as a request for it runs: its
//     answer has the number of all keys;
//   - op=count of a half of the keys;
//   - op=get and op=put of one key.
func Bench(b *testing.B, newIndex func() memory.Index) {
	for _, n := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			ix := newIndex()
			Load(b, ix, n)
			for _, k := range []int{1, 10, 100, 1000} {
				b.Run(fmt.Sprintf("op=range/k=%d", k), func(b *testing.B) { benchRange(b, ix, n, k) })
				b.Run(fmt.Sprintf("op=limit/k=%d", k), func(b *testing.B) { benchLimit(b, ix, n, k) })
			}
			b.Run("op=count", func(b *testing.B) { benchCount(b, ix, n) })
			b.Run("op=get", func(b *testing.B) { benchGet(b, ix, n) })
			b.Run("op=put", func(b *testing.B) { benchPut(b, ix, n) })
		})
	}
}

func benchRange(b *testing.B, ix memory.Index, n, k int) {
	b.ReportAllocs()
	start, end := benchKey(0), benchKey(0)
	for i := 0; b.Loop(); i++ {
		at, seen := scatter(i, n-k+1), 0
		binary.BigEndian.PutUint64(start, uint64(at))
		binary.BigEndian.PutUint64(end, uint64(at+k))
		v := ix.Acquire()
		err := v.Scan(start, end, func(*kv.KeyValue) bool { seen++; return true })
		v.Close()
		if seen != k || err != nil {
			b.Fatalf("%d keys of %d, %v", seen, k, err)
		}
	}
}

func benchLimit(b *testing.B, ix memory.Index, n, limit int) {
	b.ReportAllocs()
	req := &kv.RangeRequest{Key: []byte{0}, RangeEnd: []byte{0xff}, Limit: int64(limit)}
	for b.Loop() {
		v := ix.Acquire()
		res, err := apply.Range(v, req)
		v.Close()
		if err != nil || len(res.KVs) != limit || res.Count != int64(n) {
			b.Fatalf("%v, %v", res, err)
		}
	}
}

func benchCount(b *testing.B, ix memory.Index, n int) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		at := scatter(i, n/2)
		v := ix.Acquire()
		got, err := v.Count(benchKey(at), benchKey(at+n/2))
		v.Close()
		if got != int64(n/2) || err != nil {
			b.Fatalf("%d keys of %d, %v", got, n/2, err)
		}
	}
}

func benchGet(b *testing.B, ix memory.Index, n int) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		v := ix.Acquire()
		pair, err := v.Get(benchKey(scatter(i, n)))
		v.Close()
		if pair == nil || err != nil {
			b.Fatal(err)
		}
	}
}

// benchPut replaces pairs, one for each batch.
func benchPut(b *testing.B, ix memory.Index, n int) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		batch := ix.Begin()
		if err := batch.Put(benchPair(scatter(i, n))); err != nil {
			b.Fatal(err)
		}
		if err := batch.Commit(engine.NewState()); err != nil {
			b.Fatal(err)
		}
	}
}

// HeapPerKey bounds memory, not speed: 100,000 keys of 8+64 bytes take at most
// boundBytes of heap each. BenchHeapPerKey has a million.
func HeapPerKey(t *testing.T, newIndex func() memory.Index, boundBytes float64) {
	perKey := heapPerKey(t, newIndex(), 100_000)
	t.Logf("%.1f bytes of heap per key", perKey)
	require.LessOrEqual(t, perKey, boundBytes)
	require.Greater(t, perKey, float64(8+64), "the measure saw the data")
}

// BenchHeapPerKey reports the heap that each of a million keys takes.
func BenchHeapPerKey(b *testing.B, newIndex func() memory.Index) {
	var perKey float64
	for b.Loop() {
		perKey = heapPerKey(b, newIndex(), 1_000_000)
	}
	b.ReportMetric(perKey, "heap-bytes/key")
}

func heapPerKey(tb testing.TB, ix memory.Index, keys int) float64 {
	tb.Helper()
	before := HeapInUse()
	Load(tb, ix, keys)
	after := HeapInUse()
	runtime.KeepAlive(ix)
	return float64(after-before) / float64(keys)
}

// HeapInUse returns the bytes of the heap that something refers to.
func HeapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
