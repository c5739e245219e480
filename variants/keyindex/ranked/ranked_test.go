package ranked

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/engine/lsm"
	"metastorebench/variants/index/indextest"
)

// oracle is a KeyIndex, the slow way.
type oracle []string

func (o *oracle) put(key string) {
	if i, found := slices.BinarySearch(*o, key); !found {
		*o = slices.Insert(*o, i, key)
	}
}

func (o *oracle) delete(key string) {
	if i, found := slices.BinarySearch(*o, key); found {
		*o = slices.Delete(*o, i, i+1)
	}
}

func (o oracle) count(start, end []byte) (n int64) {
	for _, key := range o {
		if engine.InRange([]byte(key), start, end) {
			n++
		}
	}
	return n
}

// FuzzIndex reads the input as a program of changes, looks and clones, runs it on
// an index and on a sorted slice, and compares every answer; a clone's at the end.
func FuzzIndex(f *testing.F) {
	f.Add([]byte("\x00ab\x00cd\x02ad\x03ab\x01ab\x02..\x03ab\x04..\x00zz"))
	long := make([]byte, 0, 6000)
	for i := range 1000 { // enough keys for nodes to split, then to merge
		long = append(long, 0, byte(i), byte(i>>6))
	}
	long = append(long, 4, 0, 0)
	for i := range 900 {
		long = append(long, 1, byte(i), byte(i>>6))
	}
	f.Add(append(long, 2, 5, 200, 3, 9, 9))
	f.Fuzz(func(t *testing.T, program []byte) {
		index, want := New(), oracle{}
		type kept struct {
			index lsm.KeyIndex
			want  oracle
		}
		var clones []kept
		for ; len(program) >= 3; program = program[3:] {
			key := string(program[1:3])
			switch program[0] % 5 {
			case 0:
				index.Put(key)
				want.put(key)
			case 1:
				index.Delete(key)
				want.delete(key)
			case 2:
				start, end := program[1:2], program[2:3]
				require.Equal(t, want.count(start, end), index.Count(start, end))
				require.Equal(t, want.count(start, nil), index.Count(start, nil))
				require.Equal(t, want.count(nil, end), index.Count(nil, end))
			case 3:
				require.Equal(t, slices.Contains(want, key), index.Has(key))
			case 4:
				clones = append(clones, kept{index.Clone(), slices.Clone(want)})
			}
		}
		for _, c := range append(clones, kept{index, want}) {
			require.EqualValues(t, len(c.want), c.index.Count(nil, nil))
			for _, key := range c.want {
				require.True(t, c.index.Has(key))
				require.Equal(t, c.want.count([]byte(key), nil), c.index.Count([]byte(key), nil))
			}
		}
	})
}

// fill puts so many keys of keyBytes, each allocated by itself, in the order of
// perm, or ascending if that is nil.
func fill(index lsm.KeyIndex, keys, keyBytes int, perm []int) {
	for i := range keys {
		if perm != nil {
			i = perm[i]
		}
		key := make([]byte, keyBytes)
		binary.BigEndian.PutUint64(key, uint64(i))
		index.Put(string(key))
	}
}

// heapPerKey returns the heap that each key takes: as a start finds
// them, in order, or as they come, in any order.
func heapPerKey(keyBytes int, ordered bool) float64 {
	const keys = 300_000
	var perm []int
	if !ordered {
		perm = rand.New(rand.NewPCG(1, 2)).Perm(keys)
	}
	before := indextest.HeapInUse()
	index := New()
	fill(index, keys, keyBytes, perm)
	after := indextest.HeapInUse()
	runtime.KeepAlive(index)
	runtime.KeepAlive(perm)
	return float64(after-before) / keys
}

// TestHeapPerKey holds what the package's documentation says of memory.
func TestHeapPerKey(t *testing.T) {
	if testing.Short() {
		t.Skip("loads many keys")
	}
	for _, ordered := range []bool{false, true} {
		perKey := heapPerKey(8, ordered)
		t.Logf("ordered=%v: %.1f bytes of heap per key", ordered, perKey)
		require.LessOrEqual(t, perKey, 50.0) // the race detector takes some
		require.Greater(t, perKey, 8.0+16, "the measure saw the keys")
	}
}

// BenchmarkHeapPerKey reports the heap of a key by its length and the order in
// which keys came.
func BenchmarkHeapPerKey(b *testing.B) {
	for name, ordered := range map[string]bool{"ordered": true, "any-order": false} {
		for _, keyBytes := range []int{8, 32, 128} {
			b.Run(name+"/key-bytes="+strconv.Itoa(keyBytes), func(b *testing.B) {
				var perKey float64
				for b.Loop() {
					perKey = heapPerKey(keyBytes, ordered)
				}
				b.ReportMetric(perKey, "heap-bytes/key")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
