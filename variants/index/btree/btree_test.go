package btree_test

import (
	"testing"

	"metastorebench/core/engine/enginetest"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/btree"
	"metastorebench/variants/index/indextest"
)

func newIndex() memory.Index { return btree.New(nil) }

func TestIndex(t *testing.T) { indextest.Run(t, newIndex) }

func BenchmarkEngine(b *testing.B) { enginetest.Bench(b, indextest.Factory(newIndex)) }
