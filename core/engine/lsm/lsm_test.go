package lsm

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/engine/enginetest"
	"metastorebench/core/kv"
)

// factories returns factories over the fake store. A crash leaves what was
// applied; Close loses nothing.
func factories(newKeys func() KeyIndex) func(testing.TB) enginetest.Factory {
	return func(testing.TB) enginetest.Factory {
		store := &fakeStore{}
		return enginetest.Factory{
			Open: func(t testing.TB) engine.Engine {
				e, err := Open(store, newKeys)
				require.NoError(t, err)
				return e
			},
			Crash: func(testing.TB) { store = &fakeStore{data: store.now()} },
		}
	}
}

func TestEngine(t *testing.T) {
	enginetest.Run(t, factories(nil))
	enginetest.RunVisits(t, factories(nil), false)
}

func open(t *testing.T, store Store) engine.Engine {
	t.Helper()
	e, err := Open(store, nil)
	require.NoError(t, err)
	return e
}

// put commits one pair with index as its applied index and its revision.
func put(e engine.Engine, key string, index uint64) error {
	b := e.NewBatch()
	if err := b.Put(&kv.KeyValue{Key: []byte(key), ModRevision: int64(index)}); err != nil {
		return err
	}
	return b.Commit(engine.State{AppliedIndex: index})
}

// requireOne checks that r shows the key as the batch of index left it.
func requireOne(t *testing.T, r engine.Reader, key string, index uint64) {
	t.Helper()
	require.Equal(t, index, r.State().AppliedIndex)
	pair, err := r.Get([]byte(key))
	require.NoError(t, err)
	require.EqualValues(t, index, pair.ModRevision)
}

// TestViewDuringApply opens a view from inside Apply, as if the library held
// the batch up: it must not wait, and must show the batch before.
func TestViewDuringApply(t *testing.T) {
	store := &fakeStore{}
	e := open(t, store)
	require.NoError(t, put(e, "k", 1))
	var v engine.View
	store.onApply = func() error { v = e.View(); return nil }
	require.NoError(t, put(e, "k", 2))
	requireOne(t, v, "k", 1)
	v.Close()
	v = e.View()
	requireOne(t, v, "k", 2)
	v.Close()
	require.NoError(t, e.Close())
}

// TestScanLetsCommitsGoOn scans through a view and then commits with the view
// still open, on one goroutine: it would hang if the view held the commit up.
func TestScanLetsCommitsGoOn(t *testing.T) {
	e := open(t, &fakeStore{})
	require.NoError(t, put(e, "k", 1))
	v := e.View()
	n, err := v.Count(nil, nil)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	require.NoError(t, put(e, "k", 2))
	requireOne(t, v, "k", 1)
	v.Close()
	require.NoError(t, e.Close())
}

var errTest = errors.New("test")

// TestFailedCommit checks that the state before a failed batch stays visible.
func TestFailedCommit(t *testing.T) {
	store := &fakeStore{}
	e := open(t, store)
	require.NoError(t, put(e, "k", 1))
	store.onApply = func() error { return errTest }
	require.ErrorIs(t, put(e, "k", 2), errTest)
	v := e.View()
	requireOne(t, v, "k", 1)
	v.Close()
	b := e.NewBatch()
	requireOne(t, b, "k", 1)
	require.NoError(t, b.Discard())
}

func TestCloseWithViewsOpen(t *testing.T) {
	store := &fakeStore{}
	e := open(t, store)
	point, scan := e.View(), e.View()
	_, err := scan.Count(nil, nil)
	require.NoError(t, err)
	require.ErrorIs(t, e.Close(), errOpenViews)
	point.Close()
	require.ErrorIs(t, e.Close(), errOpenViews)
	scan.Close()
	snap, err := e.Snapshot()
	require.NoError(t, err)
	require.ErrorIs(t, e.Close(), errOpenViews)
	require.NoError(t, snap.Close())
	require.False(t, store.closed)
	require.NoError(t, e.Close())
	require.NoError(t, e.Close(), "again")
	require.True(t, store.closed)
}

func TestUseAfterClose(t *testing.T) {
	e := open(t, &fakeStore{})
	require.NoError(t, e.Close())
	_, err := e.Snapshot()
	require.ErrorIs(t, err, engine.ErrClosed)
	v := e.View()
	defer v.Close()
	require.Equal(t, engine.State{}, v.State())
	_, err = v.Get([]byte("k"))
	require.ErrorIs(t, err, engine.ErrClosed)
	_, err = v.Count(nil, nil)
	require.ErrorIs(t, err, engine.ErrClosed)
	require.ErrorIs(t, v.Scan(nil, nil, nil), engine.ErrClosed)
}

// TestOpenFoundContent opens stores as crashes, other programs and other
// versions leave them.
func TestOpenFoundContent(t *testing.T) {
	state := string(engine.AppendState(nil, engine.State{AppliedIndex: 5, Revision: 6}))
	value := string(engine.AppendValue(nil, &kv.KeyValue{}))
	for _, test := range []struct {
		name      string
		found     content
		wantErr   error
		wantIndex uint64
		wantKeys  int64
	}{
		{"nothing", nil, nil, 0, 0},
		{"all", content{"mformat": "\x01", "mstate": state, "kx": value}, nil, 5, 1},
		{"half a restore", content{"mformat": "\x01", "kx": value}, nil, 0, 0},
		{"newer format", content{"mformat": "\x02", "mstate": state}, engine.ErrFormat, 0, 0},
		{"no format", content{"mstate": state}, engine.ErrFormat, 0, 0},
		{"another program's", content{"x": "y"}, engine.ErrFormat, 0, 0},
		{"bad state", content{"mformat": "\x01", "mstate": "\x01"}, engine.ErrCorrupt, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := &fakeStore{data: test.found}
			e, err := Open(store, nil)
			if test.wantErr != nil {
				require.ErrorIs(t, err, test.wantErr)
				require.Equal(t, test.found, store.data, "nothing is changed")
				require.True(t, store.closed)
				return
			}
			require.NoError(t, err)
			v := e.View()
			defer v.Close()
			require.Equal(t, test.wantIndex, v.State().AppliedIndex)
			n, err := v.Count(nil, nil)
			require.NoError(t, err)
			require.Equal(t, test.wantKeys, n)
		})
	}
}

func TestDamagedValue(t *testing.T) {
	store := &fakeStore{}
	e := open(t, store)
	store.data["kbad"] = "\x80"
	v := e.View()
	defer v.Close()
	_, err := v.Get([]byte("bad"))
	require.ErrorIs(t, err, engine.ErrCorrupt)
	require.ErrorIs(t, v.Scan(nil, nil, func(*kv.KeyValue) bool { return true }), engine.ErrCorrupt)
	require.ErrorContains(t, err, `"bad"`)
}
