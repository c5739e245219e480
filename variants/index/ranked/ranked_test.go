package ranked

import (
	"testing"

	"metastorebench/core/engine/enginetest"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/indextest"
)

func newIndex() memory.Index { return New(nil) }

func TestIndex(t *testing.T) { indextest.Run(t, newIndex) }

func TestIndexIsFree(t *testing.T) { indextest.RunFree(t, newIndex) }

func TestLockWait(t *testing.T) { indextest.RunLockWait(t, New, indextest.HoldBatch(t)) }

func FuzzIndex(f *testing.F) { indextest.Fuzz(f, newIndex) }

func TestHeapPerKey(t *testing.T) { indextest.HeapPerKey(t, newIndex, 400) }

func BenchmarkIndex(b *testing.B) { indextest.Bench(b, newIndex) }

func BenchmarkHeapPerKey(b *testing.B) { indextest.BenchHeapPerKey(b, newIndex) }

func BenchmarkEngine(b *testing.B) { enginetest.Bench(b, indextest.Factory(newIndex)) }
