package ranktree

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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
			tr := newTree()
			for i, key := range order {
				put(tr, key)
				if i%2000 == 0 {
					requireShape(t, tr, i+1)
				}
			}
			requireShape(t, tr, keys)
			require.False(t, tr.root.children[0].node.leaf(), "a tree of three levels")
			for i, key := range order[:keys-1] {
				tr.Delete(keyOf(key))
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
	tr := newTree()
	content := make(map[int]*stored)
	type kept struct {
		clone  *Tree[*stored]
		values []*stored
	}
	var clones []kept
	for range 60 {
		for range 200 {
			key := rng.IntN(3000)
			if rng.IntN(5) < 2 {
				tr.Delete(keyOf(key))
				delete(content, key)
				continue
			}
			content[key] = put(tr, key)
		}
		clones = append(clones, kept{tr.Clone(), inOrder(content)})
	}
	for _, c := range clones {
		requireShape(t, c.clone, len(c.values))
		at := 0
		c.clone.Scan("", "", func(p *stored) bool {
			require.Same(t, c.values[at], p)
			at++
			return true
		})
		require.Equal(t, len(c.values), at)
	}
}

// stored is a value that knows its key.
type stored struct{ key string }

func newTree() *Tree[*stored] {
	return New(func(v *stored) string { return v.key }, func(items []*stored, key string) (int, bool) {
		return slices.BinarySearchFunc(items, key, func(v *stored, key string) int { return strings.Compare(v.key, key) })
	})
}

// put stores a new value under key and returns it.
func put(tr *Tree[*stored], key int) *stored {
	v := &stored{keyOf(key)}
	tr.Put(v)
	return v
}

func keyOf(key int) string { return string(binary.BigEndian.AppendUint64(nil, uint64(key))) }

func inOrder(content map[int]*stored) []*stored {
	var values []*stored
	for key := range 3000 {
		if v := content[key]; v != nil {
			values = append(values, v)
		}
	}
	return values
}

// requireShape checks the invariants of every node, and every rank.
func requireShape(t *testing.T, tr *Tree[*stored], keys int) {
	t.Helper()
	require.EqualValues(t, keys, tr.Len())
	depths := make(map[int]bool)
	require.EqualValues(t, keys, requireNode(t, tr.root, true, "", "", 0, depths))
	require.Len(t, depths, 1, "leaves are equally deep")
	rank := int64(0)
	tr.Scan("", "", func(p *stored) bool {
		if got := tr.Count("", p.key); got != rank {
			t.Fatalf("rank of %x is %d, want %d", p.key, got, rank)
		}
		rank++
		return true
	})
}

// requireNode checks the node and all below it, whose keys are at least first
// and, unless it is empty, less than end, and returns how many there are.
func requireNode(t *testing.T, n *node[*stored], root bool, first, end string, depth int, depths map[int]bool) (keys int64) {
	t.Helper()
	require.LessOrEqual(t, n.width(), maxWidth)
	if !root {
		require.GreaterOrEqual(t, n.width(), minWidth)
	}
	if n.leaf() {
		depths[depth] = true
		for _, item := range n.items {
			key := item.key
			if key < first || end != "" && key >= end { // require.True would take most of the time
				t.Fatalf("key %x is not in [%x, %x)", key, first, end)
			}
			first = key + "\x00"
		}
		return int64(len(n.items))
	}
	require.Empty(t, n.items)
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

// TestCount compares counts with a walk, for bounds on, between and outside of
// the keys, and the wrong way round.
func TestCount(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	tr := newTree()
	for range 1000 {
		put(tr, rng.IntN(4000))
	}
	bound := func() string {
		if rng.IntN(8) == 0 {
			return ""
		}
		return keyOf(rng.IntN(4200))
	}
	for range 2000 {
		start, end := bound(), bound()
		want := int64(0)
		if end == "" || start < end {
			tr.Scan(start, end, func(*stored) bool { want++; return true })
		}
		require.Equal(t, want, tr.Count(start, end), "[%x, %x)", start, end)
	}
}
