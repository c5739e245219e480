// Package indextest is the conformance suite of the axis --index: the memory
// engine over the index must pass enginetest, and the index itself must keep
// what memory.Index says beyond that. Fuzz goes on from there, RunFree is for
// indexes whose long ranges hold up nobody, and Bench, Load and HeapPerKey
// measure.
package indextest

import (
	"bytes"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/engine/enginetest"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
)

// Run checks the indexes that newIndex makes, each of them empty.
func Run(t *testing.T, newIndex func() memory.Index) {
	t.Run("Engine", func(t *testing.T) { enginetest.Run(t, Factory(newIndex)) })
	t.Run("CaptureIsOrdered", func(t *testing.T) { testCaptureIsOrdered(t, newIndex()) })
	t.Run("CaptureDoesNotBlock", func(t *testing.T) { testCaptureDoesNotBlock(t, newIndex()) })
	t.Run("Fresh", func(t *testing.T) { testFresh(t, newIndex()) })
	t.Run("GetDoesNotAllocate", func(t *testing.T) { testGetDoesNotAllocate(t, newIndex()) })
}

// Factory makes memory engines over new indexes, for enginetest.
func Factory(newIndex func() memory.Index) func(testing.TB) enginetest.Factory {
	return func(testing.TB) enginetest.Factory {
		return enginetest.Factory{
			Open: func(testing.TB) engine.Engine { return memory.New(newIndex()) },
		}
	}
}

// fill commits n keys of one generation.
func fill(t *testing.T, ix memory.Index, n int, generation int64) {
	t.Helper()
	b := ix.Begin()
	for i := range n {
		// The order of insertion is far from the order of keys.
		key := fmt.Appendf(nil, "key %04d", i*7919%n)
		require.NoError(t, b.Put(&kv.KeyValue{Key: key, ModRevision: generation}))
	}
	require.NoError(t, b.Commit(engine.State{AppliedIndex: uint64(generation)}))
}

// requireGeneration checks that pairs are n keys of one generation, in order.
func requireGeneration(t *testing.T, pairs iter.Seq[*kv.KeyValue], n int, generation int64) {
	t.Helper()
	var last []byte
	seen := 0
	for p := range pairs {
		require.Equal(t, generation, p.ModRevision)
		require.Negative(t, bytes.Compare(last, p.Key), "%q after %q", p.Key, last)
		last = p.Key
		seen++
	}
	require.Equal(t, n, seen)
}

func testCaptureIsOrdered(t *testing.T, ix memory.Index) {
	fill(t, ix, 1000, 1)
	state, pairs := ix.Capture()
	require.EqualValues(t, 1, state.AppliedIndex)
	requireGeneration(t, pairs, 1000, 1)
}

// testCaptureDoesNotBlock commits while captures are open, before and in the
// middle of ranging: neither may block the batch nor see it.
func testCaptureDoesNotBlock(t *testing.T, ix memory.Index) {
	fill(t, ix, 100, 1)
	_, first := ix.Capture()
	fill(t, ix, 100, 2)
	requireGeneration(t, first, 100, 1)

	_, second := ix.Capture()
	next, stop := iter.Pull(second)
	defer stop()
	p, ok := next()
	require.True(t, ok)
	require.EqualValues(t, 2, p.ModRevision)
	fill(t, ix, 100, 3)
	for range 99 {
		p, ok := next()
		require.True(t, ok)
		require.EqualValues(t, 2, p.ModRevision)
	}
	_, ok = next()
	require.False(t, ok)
}

func testFresh(t *testing.T, ix memory.Index) {
	fill(t, ix, 10, 1)
	fresh := ix.Fresh()
	v := fresh.Acquire()
	require.Equal(t, engine.NewState(), v.State())
	n, err := v.Count(nil, nil)
	require.NoError(t, err)
	require.Zero(t, n)
	v.Close()

	fill(t, fresh, 5, 2)
	_, pairs := ix.Capture()
	requireGeneration(t, pairs, 10, 1)
}

// testGetDoesNotAllocate holds the hot path of reads, a view and a point get,
// to no allocation at all.
func testGetDoesNotAllocate(t *testing.T, ix memory.Index) {
	fill(t, ix, 100, 1)
	key := []byte("key 0042")
	var p *kv.KeyValue
	allocs := testing.AllocsPerRun(100, func() {
		v := ix.Acquire()
		p, _ = v.Get(key)
		v.Close()
	})
	require.Equal(t, key, p.Key)
	require.Zero(t, allocs)
}
