package lsm

import (
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/engine/enginetest"
	"metastorebench/core/kv"
)

// setIndex is a KeyIndex, the slow way.
type setIndex map[string]bool

var _ KeyIndex = setIndex{}

func newSetIndex() KeyIndex { return setIndex{} }

func (s setIndex) Has(key string) bool { return s[key] }
func (s setIndex) Put(key string)      { s[key] = true }
func (s setIndex) Delete(key string)   { delete(s, key) }
func (s setIndex) Clone() KeyIndex     { return maps.Clone(s) }

func (s setIndex) Count(start, end []byte) (n int64) {
	for key := range s {
		if engine.InRange([]byte(key), start, end) {
			n++
		}
	}
	return n
}

func TestEngineWithKeyIndex(t *testing.T) {
	enginetest.Run(t, factories(newSetIndex))
	enginetest.RunVisits(t, factories(newSetIndex), true)
}

// forgetful and deaf are indexes with a fault.
type (
	forgetful struct{ setIndex } // a key that went stays
	deaf      struct{ setIndex } // a key that came is not noted
)

func (f forgetful) Delete(string) {}
func (d deaf) Put(string)         {}

// TestCountsShowFaults plants indexes that lose touch with the store: the check
// that the suites use must see it.
func TestCountsShowFaults(t *testing.T) {
	for name, newKeys := range map[string]func() KeyIndex{
		"forgetful": func() KeyIndex { return forgetful{setIndex{}} },
		"deaf":      func() KeyIndex { return deaf{setIndex{}} },
		"none":      nil, "faultless": newSetIndex,
	} {
		t.Run(name, func(t *testing.T) {
			e, err := Open(&fakeStore{}, newKeys)
			require.NoError(t, err)
			require.NoError(t, put(e, "a", 1))
			require.NoError(t, put(e, "b", 2))
			require.NoError(t, remove(e, "a", 3))
			v := e.View()
			defer v.Close()
			if err := enginetest.CheckCounts(v); name == "none" || name == "faultless" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, "keys counted")
			}
		})
	}
}

func remove(e engine.Engine, key string, index uint64) error {
	b := e.NewBatch()
	if err := b.Delete([]byte(key)); err != nil {
		return err
	}
	return b.Commit(engine.State{AppliedIndex: index})
}

// TestCountDuringApply opens views from inside Apply, before the store shows the
// batch and after, and keeps them while later batches bring and remove the same
// keys: each counts what it scans. The batches' States are all alike, so that no
// State tells the one from the other.
func TestCountDuringApply(t *testing.T) {
	store := &fakeStore{}
	e, err := Open(store, newSetIndex)
	require.NoError(t, err)
	var (
		views []engine.View
		want  []int64
	)
	look := func(keys int64) {
		views, want = append(views, e.View()), append(want, keys)
	}
	keys := int64(0)
	for round, change := range [][2][]string{ // keys that come, keys that go
		{{"a", "b", "c"}, nil}, {{"d"}, {"a"}}, {nil, {"b", "c"}}, {{"a", "d"}, nil}, {{"e"}, {"d", "none"}}, {nil, {"a", "e"}},
	} {
		next := []int64{3, 3, 1, 2, 2, 0}[round]
		store.onApply = func() error { look(keys); return nil }
		store.onApplied = func() { look(next) }
		b := e.NewBatch()
		for _, key := range change[0] {
			require.NoError(t, b.Put(&kv.KeyValue{Key: []byte(key)}))
		}
		for _, key := range change[1] {
			require.NoError(t, b.Delete([]byte(key)))
		}
		n, err := b.Count(nil, nil)
		require.NoError(t, err)
		require.Equal(t, next, n, "the batch sees its own changes")
		require.NoError(t, b.Commit(engine.State{AppliedIndex: 1}))
		keys = next
		look(keys) // one of the store itself would hold the next commit up
		require.NoError(t, views[len(views)-1].Scan(nil, nil, func(*kv.KeyValue) bool { return true }))
	}
	for i, v := range views {
		n, err := v.Count(nil, nil)
		require.NoError(t, err)
		require.Equal(t, want[i], n, fmt.Sprintf("view %d", i))
		require.NoError(t, enginetest.CheckCounts(v))
		v.Close()
	}
	require.NoError(t, e.Close())
}

// TestFailedCommitKeepsKeys: a batch that the store refuses changes no count.
func TestFailedCommitKeepsKeys(t *testing.T) {
	store := &fakeStore{}
	e, err := Open(store, newSetIndex)
	require.NoError(t, err)
	require.NoError(t, put(e, "a", 1))
	store.onApply = func() error { return errTest }
	require.ErrorIs(t, put(e, "b", 2), errTest)
	for _, v := range []engine.View{e.View(), e.View()} {
		require.NoError(t, enginetest.CheckCounts(v))
		v.Close()
	}
	snap, err := e.Snapshot()
	require.NoError(t, err)
	require.EqualValues(t, 1, snap.State().AppliedIndex)
	require.NoError(t, snap.Close())
}

// TestKeyIndexOfWhatIsFound opens a store that half a Restore left, which Open
// empties, and one with keys.
func TestKeyIndexOfWhatIsFound(t *testing.T) {
	value := string(engine.AppendValue(nil, &kv.KeyValue{}))
	state := string(engine.AppendState(nil, engine.State{AppliedIndex: 5}))
	for want, found := range []content{
		{"mformat": "\x01", "kx": value},
		{"mformat": "\x01", "kx": value, "mstate": state},
	} {
		e, err := Open(&fakeStore{data: found}, newSetIndex)
		require.NoError(t, err)
		v := e.View()
		n, err := v.Count(nil, nil)
		require.NoError(t, err)
		require.EqualValues(t, want, n)
		require.NoError(t, enginetest.CheckCounts(v))
		v.Close()
	}
}
