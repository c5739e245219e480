package enginetest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// Factory is one place to store, and how to open an engine there.
type Factory struct {
	// Open opens the engine. It is called again after Close or Crash.
	Open func(t testing.TB) engine.Engine
	// Crash replaces the place by what a crash at this moment would leave of
	// it. The engine that is open goes on over the old one. It may be called
	// while a Restore is reading its stream. Only persistent engines have it.
	Crash func(t testing.TB)
}

// Run checks that the engines that newFactory's factories open meet the
// contract of engine.Engine. Each subtest gets a Factory of its own.
func Run(t *testing.T, newFactory func(t testing.TB) Factory) {
	tests := []struct {
		name string
		fn   func(*testing.T, Factory)
	}{
		{"New", testNew},
		{"Bounds", testBounds},
		{"ScanStops", testScanStops},
		{"Random", testRandom},
		{"Discard", testDiscard},
		{"PairsOutlive", testPairsOutlive},
		{"ViewHolds", testViewHolds},
		{"ConcurrentViews", testConcurrentViews},
		{"ConcurrentCounts", testConcurrentCounts},
		{"SnapshotHolds", testSnapshotHolds},
		{"SnapshotWhileCommitting", testSnapshotWhileCommitting},
		{"RestoreReplaces", testRestoreReplaces},
		{"RestoreDamaged", testRestoreDamaged},
		{"Reopen", testReopen},
		{"Crash", testCrash},
		{"RandomRestarts", testRandomRestarts},
		{"CrashInRestore", testCrashInRestore},
		{"StorageStats", testStorageStats},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.fn(t, newFactory(t)) })
	}
}

// open opens an engine and closes it when the test ends.
func open(t *testing.T, f Factory) engine.Engine {
	t.Helper()
	e := f.Open(t)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// pair returns a pair with metadata that differ from each other and from key to
// key, among them the extremes of int64.
func pair(key, value string, rev int64) *kv.KeyValue {
	return &kv.KeyValue{
		Key: []byte(key), Value: []byte(value),
		CreateRevision: rev, ModRevision: rev + 1, Version: rev%7 + 1, Lease: -rev,
	}
}

// stateAt returns a State that no other index shares a field with.
func stateAt(index uint64) engine.State {
	return engine.State{
		AppliedIndex: index, AppliedTerm: index/10 + 1, AppliedOps: uint32(index % 5),
		Revision: int64(index) + 1, CompactRevision: int64(index / 2),
		ConfState: fmt.Appendf(nil, "conf\xff%d", index),
	}
}

// commitPairs puts pairs in one batch.
func commitPairs(e engine.Engine, state engine.State, pairs ...*kv.KeyValue) error {
	b := e.NewBatch()
	for _, p := range pairs {
		if err := b.Put(p); err != nil {
			return err
		}
	}
	return b.Commit(state)
}

// commit puts pairs in one batch, in the engine and in the model.
func commit(t testing.TB, e engine.Engine, m *model, state engine.State, pairs ...*kv.KeyValue) {
	t.Helper()
	require.NoError(t, commitPairs(e, state, pairs...))
	m.commit(state, pairs...)
}

func testNew(t *testing.T, f Factory) {
	e := open(t, f)
	require.Equal(t, f.Crash != nil, e.Persistent(), "a persistent engine's Factory has Crash")
	requireView(t, newModel(), e)
	require.NoError(t, e.Flush())
	snap, err := e.Snapshot()
	require.NoError(t, err)
	var buf bytes.Buffer
	n, err := snap.WriteTo(&buf)
	require.NoError(t, err)
	require.EqualValues(t, buf.Len(), n)
	require.Equal(t, newModel().stream(t), buf.Bytes())
	require.NoError(t, snap.Close())
}

// awkward are keys that tempt an engine: not UTF-8, prefixes of one another,
// and next to what an engine may use inside.
var awkward = []string{
	"\x00", "\x00\x00", "\x01", "a", "a\x00", "a\x00b", "ab", "abc", "b", "k", "kk",
	"l", "m", "mformat", "mstate", "\x7f", "\x80", "\xc3\x28", "\xfe\xff", "\xff", "\xff\xff",
}

func testBounds(t *testing.T, f Factory) {
	e, m := open(t, f), newModel()
	var pairs []*kv.KeyValue
	for i, key := range awkward {
		value := fmt.Sprintf("\xffvalue %d", i)
		if i%3 == 0 {
			value = ""
		}
		pairs = append(pairs, pair(key, value, int64(i)<<40))
	}
	commit(t, e, m, stateAt(1), pairs...)
	requireView(t, m, e)

	bounds := append([]string{"", "aa", "zz", "\xff\xff\xff"}, awkward...)
	checkAll := func(r engine.Reader) {
		for _, start := range bounds {
			for _, end := range bounds {
				requireScan(t, m, r, []byte(start), []byte(end))
			}
			got, err := r.Get([]byte(start))
			require.NoError(t, err)
			requirePair(t, m.get([]byte(start)), got)
		}
	}
	v := e.View()
	checkAll(v)
	v.Close()

	// The same through a batch that replaced, deleted and added some.
	b := e.NewBatch()
	for i, key := range awkward {
		switch i % 4 {
		case 0:
			require.NoError(t, b.Delete([]byte(key)))
			m.delete([]byte(key))
		case 1:
			p := pair(key+"~", "added", 5)
			require.NoError(t, b.Put(p))
			m.put(p)
		case 2:
			p := pair(key, "replaced", 6)
			require.NoError(t, b.Put(p))
			m.put(p)
		}
	}
	checkAll(b)
	require.NoError(t, b.Commit(stateAt(2)))
	m.state = stateAt(2)
	requireView(t, m, e)
}

func testScanStops(t *testing.T, f Factory) {
	e, m := open(t, f), newModel()
	commit(t, e, m, stateAt(1), pair("b", "", 1), pair("d", "", 2), pair("f", "", 3))
	two := func(keys *[]string) func(p *kv.KeyValue) bool {
		return func(p *kv.KeyValue) bool {
			*keys = append(*keys, string(p.Key))
			return len(*keys) < 2
		}
	}
	firstTwo := func(r engine.Reader) (keys []string) {
		require.NoError(t, r.Scan(nil, nil, two(&keys)))
		return keys
	}
	lastTwo := func(r engine.Reader) (keys []string) {
		require.NoError(t, r.ScanReverse(nil, nil, two(&keys)))
		return keys
	}
	v := e.View()
	require.Equal(t, []string{"b", "d"}, firstTwo(v))
	require.Equal(t, []string{"f", "d"}, lastTwo(v))
	v.Close()

	// In a batch, stop once at a pending key and once at a stored one.
	b := e.NewBatch()
	require.NoError(t, b.Put(pair("c", "", 4)))
	require.Equal(t, []string{"b", "c"}, firstTwo(b))
	require.NoError(t, b.Put(pair("a", "", 5)))
	require.Equal(t, []string{"a", "b"}, firstTwo(b))
	require.NoError(t, b.Put(pair("e", "", 6)))
	require.Equal(t, []string{"f", "e"}, lastTwo(b))
	require.NoError(t, b.Delete([]byte("f")))
	require.Equal(t, []string{"e", "d"}, lastTwo(b))
	require.NoError(t, b.Commit(stateAt(2)))
}

func testDiscard(t *testing.T, f Factory) {
	e, m := open(t, f), newModel()
	commit(t, e, m, stateAt(1), pair("a", "1", 1))

	b := e.NewBatch()
	got, err := b.Get([]byte("a"))
	require.NoError(t, err)
	requirePair(t, m.get([]byte("a")), got)
	require.NoError(t, b.Discard(), "a batch that only read")

	b = e.NewBatch()
	require.NoError(t, b.Commit(stateAt(2)))
	m.state = stateAt(2)
	require.NoError(t, b.Discard(), "after Commit")
	requireView(t, m, e)

	b = e.NewBatch()
	require.NoError(t, b.Put(pair("a", "2", 2)))
	require.NoError(t, b.Delete([]byte("a")))
	if err := b.Discard(); err != nil {
		require.ErrorIs(t, err, engine.ErrBatchDirty)
		return
	}
	requireView(t, m, e)
	b = e.NewBatch()
	requireSame(t, m, b)
	require.NoError(t, b.Discard())
}

// testPairsOutlive checks that a pair that was read stays as it was, whatever
// becomes of the view, the batch and the engine's buffers.
func testPairsOutlive(t *testing.T, f Factory) {
	e, m := open(t, f), newModel()
	var pairs []*kv.KeyValue
	for i := range 50 {
		pairs = append(pairs, pair(fmt.Sprintf("key %02d", i), fmt.Sprintf("value %d", i), int64(i)))
	}
	commit(t, e, m, stateAt(1), pairs...)
	var held []*kv.KeyValue
	v := e.View()
	require.NoError(t, v.Scan(nil, nil, func(p *kv.KeyValue) bool { held = append(held, p); return true }))
	for _, p := range pairs {
		got, err := v.Get(p.Key)
		require.NoError(t, err)
		held = append(held, got)
	}
	v.Close()
	for i := range 50 {
		commit(t, e, newModel(), stateAt(uint64(i)+2), pair(fmt.Sprintf("key %02d", i), "other", 9))
	}
	require.NoError(t, e.Flush())
	for i, p := range held {
		requirePair(t, pairs[i%50], p)
	}
}
