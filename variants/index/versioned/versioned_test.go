package versioned

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/btree"
)

// watched is a table for one goroutine that tells of each change, after it.
type watched struct {
	pairs   map[string]*kv.KeyValue
	changed func()
}

func (w *watched) Get(key string) *kv.KeyValue { return w.pairs[key] }

func (w *watched) Put(key string, pair *kv.KeyValue) {
	w.pairs[key] = pair
	w.changed()
}

func (w *watched) Delete(key string) {
	delete(w.pairs, key)
	w.changed()
}

func (w *watched) Each(fn func(pair *kv.KeyValue)) {
	for _, pair := range w.pairs {
		fn(pair)
	}
}

// each runs a test without an ordered side and with one.
func each(t *testing.T, test func(t *testing.T, ix *Index, w *watched)) {
	for name, ordered := range map[string]func() memory.Index{
		"table":             nil,
		"table and ordered": func() memory.Index { return btree.New(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			w := &watched{pairs: make(map[string]*kv.KeyValue), changed: func() {}}
			test(t, New(Parts{Table: func() Table { return w }, Ordered: ordered}), w)
		})
	}
}

const testKeys = 10

// commit gives testKeys keys of the generation that parity, even or odd, names,
// and removes the others.
func commit(t *testing.T, ix *Index, generation int) {
	t.Helper()
	b := ix.Begin()
	for i := range 2 * testKeys {
		key := fmt.Appendf(nil, "%02d", i)
		if i%2 == generation%2 {
			require.NoError(t, b.Put(&kv.KeyValue{Key: key, ModRevision: int64(generation)}))
		} else {
			require.NoError(t, b.Delete(key))
		}
	}
	require.NoError(t, b.Commit(engine.State{AppliedIndex: uint64(generation)}))
}

// requireGeneration checks that every way of reading v shows the one generation.
func requireGeneration(t *testing.T, v engine.Reader, generation int) {
	t.Helper()
	require.EqualValues(t, generation, v.State().AppliedIndex)
	var points, up, down []string
	for i := range 2 * testKeys {
		pair, err := v.Get(fmt.Appendf(nil, "%02d", i))
		require.NoError(t, err)
		if pair != nil {
			require.EqualValues(t, generation, pair.ModRevision, "key %s by Get", pair.Key)
			points = append(points, string(pair.Key))
		}
	}
	require.Len(t, points, testKeys)
	require.NoError(t, v.Scan(nil, nil, func(p *kv.KeyValue) bool {
		require.EqualValues(t, generation, p.ModRevision, "key %s by Scan", p.Key)
		up = append(up, string(p.Key))
		return true
	}))
	require.Equal(t, points, up)
	require.NoError(t, v.ScanReverse(nil, nil, func(p *kv.KeyValue) bool {
		down = append([]string{string(p.Key)}, down...)
		return true
	}))
	require.Equal(t, points, down)
	for end, want := range map[string]int64{"": testKeys, "10": testKeys / 2, "~": testKeys} {
		n, err := v.Count([]byte("0"), []byte(end))
		require.NoError(t, err)
		require.Equal(t, want, n, "count up to %q", end)
	}
}

// TestViewsInTheMiddleOfACommit looks between any two changes of the table, when
// an ordered side has them all: a new view and an old one show what they should.
func TestViewsInTheMiddleOfACommit(t *testing.T) {
	each(t, func(t *testing.T, ix *Index, w *watched) {
		commit(t, ix, 1)
		first := ix.Acquire()
		defer first.Close()
		looks := 0
		for generation := 2; generation < 5; generation++ {
			w.changed = func() {
				looks++
				requireGeneration(t, first, 1)
				v := ix.Acquire()
				defer v.Close()
				requireGeneration(t, v, generation-1)
			}
			commit(t, ix, generation)
			v := ix.Acquire()
			requireGeneration(t, v, generation)
			v.Close()
		}
		require.Equal(t, 3*2*testKeys, looks)
	})
}

// TestBatchSeesItself reads a batch between its changes, by all ways.
func TestBatchSeesItself(t *testing.T) {
	each(t, func(t *testing.T, ix *Index, _ *watched) {
		commit(t, ix, 1)
		b := ix.Begin()
		requireGeneration(t, b, 1)
		require.NoError(t, b.Put(&kv.KeyValue{Key: []byte("00"), ModRevision: 1}))
		n, err := b.Count(nil, []byte("01"))
		require.NoError(t, err)
		require.EqualValues(t, 1, n, "put before the first count")
		require.NoError(t, b.Delete([]byte("00")))
		requireGeneration(t, b, 1)
		require.NoError(t, b.Discard())
		v := ix.Acquire()
		defer v.Close()
		requireGeneration(t, v, 1)
	})
}

// TestPointReadsNeedNoOrderedSide reads while somebody holds its lock.
func TestPointReadsNeedNoOrderedSide(t *testing.T) {
	w := &watched{pairs: make(map[string]*kv.KeyValue), changed: func() {}}
	ix := New(Parts{Table: func() Table { return w }, Ordered: func() memory.Index { return btree.New(nil) }})
	commit(t, ix, 1)
	held := ix.ranges.(ordered).index.Begin()
	v := ix.Acquire()
	pair, err := v.Get([]byte("01"))
	require.NoError(t, err)
	require.EqualValues(t, 1, pair.ModRevision)
	n, err := v.Count(nil, nil)
	require.NoError(t, err)
	require.EqualValues(t, testKeys, n)
	v.Close()
	require.NoError(t, held.Discard())
}

// TestVersionsAreDropped checks that the way from old versions to the newest one
// is garbage once no view can need it.
func TestVersionsAreDropped(t *testing.T) {
	each(t, func(t *testing.T, ix *Index, _ *watched) {
		collected := make(chan struct{})
		runtime.AddCleanup(ix.published.Load(), func(done chan struct{}) { close(done) }, collected)
		for generation := range 3 {
			commit(t, ix, generation)
		}
		require.Eventually(t, func() bool {
			runtime.GC()
			select {
			case <-collected:
				return true
			default:
				return false
			}
		}, 30*time.Second, time.Millisecond)
		runtime.KeepAlive(ix)
	})
}
