package hash_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/engine/enginetest"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/hash"
	"metastorebench/variants/index/indextest"
)

func newIndex() memory.Index { return hash.New(nil) }

func TestIndex(t *testing.T) { indextest.Run(t, newIndex) }

func BenchmarkEngine(b *testing.B) { enginetest.Bench(b, indextest.Factory(newIndex)) }

func TestDirtyDiscard(t *testing.T) {
	b := newIndex().Begin()
	require.NoError(t, b.Delete([]byte("a key that is not there")))
	require.ErrorIs(t, b.Discard(), engine.ErrBatchDirty)
}

func TestLockWait(t *testing.T) { indextest.RunLockWait(t, hash.New, indextest.HoldBatch(t)) }

func FuzzIndex(f *testing.F) { indextest.Fuzz(f, newIndex) }

func TestHeapPerKey(t *testing.T) { indextest.HeapPerKey(t, newIndex, 400) }

func BenchmarkIndex(b *testing.B) { indextest.Bench(b, newIndex) }

func BenchmarkHeapPerKey(b *testing.B) { indextest.BenchHeapPerKey(b, newIndex) }
