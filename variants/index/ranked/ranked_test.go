package ranked

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine/enginetest"
	"metastorebench/core/kv"
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

// TestShape grows a tree of three levels and takes it down again, in several
// orders, and checks the invariants of its nodes on the way.
func TestShape(t *testing.T) {
	const keys = 20_000
	ascending := make([]int, keys)
	for i := range ascending {
		ascending[i] = i
	}
	descending := slices.Clone(ascending)
	slices.Reverse(descending)
	rng := rand.New(rand.NewPCG(1, 2))
	for name, order := range map[string][]int{
		"ascending": ascending, "descending": descending, "random": rng.Perm(keys),
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTree().(*tree)
			for i, key := range order {
				tr.Put(pairOf(key))
				if i%2000 == 0 {
					requireShape(t, tr, i+1)
				}
			}
			requireShape(t, tr, keys)
			require.False(t, tr.root.children[0].node.leaf(), "a tree of three levels")
			for i, key := range order[:keys-1] {
				tr.Delete(pairOf(key).Key)
				if i%2000 == 0 {
					requireShape(t, tr, keys-i-1)
				}
			}
			requireShape(t, tr, 1)
			require.True(t, tr.root.leaf(), "back to one level")
		})
	}
}

// TestCloneKeeps changes a tree at random after each of many clones: every clone
// must keep its content and its shape.
func TestCloneKeeps(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	tr := newTree().(*tree)
	content := make(map[int]*kv.KeyValue)
	type kept struct {
		clone *tree
		keys  []*kv.KeyValue
	}
	var clones []kept
	for range 60 {
		for range 200 {
			key := rng.IntN(3000)
			if rng.IntN(5) < 2 {
				tr.Delete(pairOf(key).Key)
				delete(content, key)
				continue
			}
			content[key] = pairOf(key)
			tr.Put(content[key])
		}
		clones = append(clones, kept{tr.Clone().(*tree), inOrder(content)})
	}
	for _, c := range clones {
		requireShape(t, c.clone, len(c.keys))
		at := 0
		c.clone.Scan(nil, nil, func(p *kv.KeyValue) bool {
			require.Same(t, c.keys[at], p)
			at++
			return true
		})
		require.Equal(t, len(c.keys), at)
	}
}

func pairOf(key int) *kv.KeyValue {
	return &kv.KeyValue{Key: binary.BigEndian.AppendUint64(nil, uint64(key))}
}

func inOrder(content map[int]*kv.KeyValue) []*kv.KeyValue {
	var pairs []*kv.KeyValue
	for key := range 3000 {
		if p := content[key]; p != nil {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// requireShape checks the invariants of every node, and every rank.
func requireShape(t *testing.T, tr *tree, keys int) {
	t.Helper()
	require.EqualValues(t, keys, tr.Len())
	depths := make(map[int]bool)
	require.EqualValues(t, keys, requireNode(t, tr.root, true, "", "", 0, depths))
	require.Len(t, depths, 1, "leaves are equally deep")
	rank := int64(0)
	tr.Scan(nil, nil, func(p *kv.KeyValue) bool {
		if got := tr.Rank(p.Key); got != rank {
			t.Fatalf("rank of %x is %d, want %d", p.Key, got, rank)
		}
		rank++
		return true
	})
}

// requireNode checks the node and all below it, whose keys are at least first
// and, unless it is empty, less than end, and returns how many there are.
func requireNode(t *testing.T, n *node, root bool, first, end string, depth int, depths map[int]bool) (keys int64) {
	t.Helper()
	require.LessOrEqual(t, n.width(), maxWidth)
	if !root {
		require.GreaterOrEqual(t, n.width(), minWidth)
	}
	if n.leaf() {
		depths[depth] = true
		for _, p := range n.pairs {
			key := keyOf(p.Key)
			if key < first || end != "" && key >= end { // require.True would take most of the time
				t.Fatalf("key %x is not in [%x, %x)", key, first, end)
			}
			first = key + "\x00"
		}
		return int64(len(n.pairs))
	}
	require.Empty(t, n.pairs)
	require.GreaterOrEqual(t, len(n.children), 2)
	for i, c := range n.children {
		until := end
		if i+1 < len(n.children) {
			until = n.children[i+1].first
		}
		if i > 0 {
			first = c.first
		}
		count := requireNode(t, c.node, false, first, until, depth+1, depths)
		require.Equal(t, c.count, count)
		keys += count
	}
	return keys
}
