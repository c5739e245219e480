package variants_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/engine/lsm"
	"metastorebench/core/kv"
	"metastorebench/core/node"
	"metastorebench/variants"
	"metastorebench/variants/engine/pebble"
)

// This file is about a store with --wal=async that crashed after its engine had
// written more to disk than its log had.

// TestEngineAheadOfItsLog holds up the log's syncs until the engine has flushed
// what was acknowledged meanwhile, and cuts the power.
func TestEngineAheadOfItsLog(t *testing.T) {
	held := make(chan struct{})
	hold := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData && strings.Contains(op.Path, "wal") {
			<-held
		}
		return nil
	})}
	mem := vfs.NewCrashableMem()
	async := with(t, variants.VariantBest, "engine", "pebble", "wal", "async")
	o := options(t, mem, "data", async)
	o.LogFS = errorfs.Wrap(mem, hold)
	o.SnapshotCount = 20
	n := start(t, o)
	put(t, n, "before")
	hold.On()
	for i := range 50 {
		put(t, n, fmt.Sprint(i))
	}
	var crashed *vfs.MemFS
	require.Eventually(t, func() bool { // a flush for the snapshot goes on in the background
		crashed = mem.CrashClone(vfs.CrashCloneCfg{})
		e, err := pebble.Open(crashed.CrashClone(vfs.CrashCloneCfg{}), "data/engine", lsm.Options{})
		require.NoError(t, err)
		defer e.Close()
		v := e.View()
		defer v.Close()
		return v.State().AppliedIndex > 20
	}, time.Minute, time.Millisecond)
	close(held)
	require.NoError(t, n.Stop()) // on the old disk, which nobody reads again
	requireGoesOnBehind(t, crashed, async, "before", "0", "9")
}

// TestEngineAheadByAPartOfAnEntry: the entry that the engine has begun is not in
// the log. The entry that takes its place must be applied whole.
func TestEngineAheadByAPartOfAnEntry(t *testing.T) {
	fs := vfs.NewCrashableMem()
	async := with(t, variants.VariantBest, "engine", "pebble", "wal", "async")
	n := start(t, options(t, fs, "data", async))
	put(t, n, "before")
	require.NoError(t, n.Stop())

	e, err := pebble.Open(fs, "data/engine", lsm.Options{})
	require.NoError(t, err)
	v := e.View()
	st := v.State()
	v.Close()
	st.AppliedOps = 1
	require.NoError(t, e.NewBatch().Commit(st))
	require.NoError(t, e.Flush())
	require.NoError(t, e.Close())
	requireGoesOnBehind(t, fs, async, "before")
}

// requireGoesOnBehind: a safe policy refuses the directory and says what to do.
// The unsafe one goes on behind the engine, and after it has stopped a safe one
// does too. Every key that the engine had, or that was put since, is there.
func requireGoesOnBehind(t *testing.T, fs *vfs.MemFS, async variants.Selection, keys ...string) {
	t.Helper()
	safe := with(t, variants.VariantBest, "engine", "pebble")
	_, err := node.Start(t.Context(), options(t, fs, "data", safe))
	require.ErrorIs(t, err, node.ErrDataDir)
	require.ErrorContains(t, err, "start it with --wal=async")

	for round, s := range []variants.Selection{async, async, safe} {
		n := start(t, options(t, fs, "data", s))
		requireKeys(t, n, keys...)
		for i := range 3 {
			keys = append(keys, fmt.Sprint("after ", round, i))
			put(t, n, keys[len(keys)-1])
		}
		if s.Durability() == "synced" {
			fs = fs.CrashClone(vfs.CrashCloneCfg{})
		}
		require.NoError(t, n.Stop())
	}
	requireKeys(t, start(t, options(t, fs, "data", safe)), keys...)
}

func put(t *testing.T, n *node.Node, key string) {
	t.Helper()
	_, err := n.Propose(t.Context(), &kv.Command{Put: &kv.PutRequest{Key: []byte(key)}})
	require.NoError(t, err)
}

func requireKeys(t *testing.T, n *node.Node, keys ...string) {
	t.Helper()
	require.NoError(t, n.Read(t.Context(), false, func(r engine.Reader) error {
		for _, key := range keys {
			pair, err := r.Get([]byte(key))
			require.NoError(t, err)
			require.NotNil(t, pair, "%s is missing", key)
		}
		return nil
	}))
}
