package pebble_test

import (
	"math/rand/v2"
	"testing"

	cockroach "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/engine/enginetest"
	"metastorebench/core/engine/lsm"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/pebble"
	"metastorebench/variants/keyindex/ranked"
)

const dir = "store"

// machine is small, so that tests of the tuned profile are.
var machine = lsm.Machine{MemoryBytes: 512 << 20, CPUs: 2}

// newFactory stores in memory that loses what is not synced in a crash, but for
// some of it.
func newFactory(opts lsm.Options) enginetest.Factory {
	fs := vfs.NewCrashableMem()
	rng := rand.New(rand.NewPCG(1, 2))
	return enginetest.Factory{
		Open: func(t testing.TB) engine.Engine {
			e, err := pebble.Open(fs, dir, opts)
			require.NoError(t, err)
			return e
		},
		Crash: func(testing.TB) {
			fs = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 30, RNG: rng})
		},
	}
}

func TestEngine(t *testing.T) {
	for _, profile := range lsm.Profiles() {
		t.Run(string(profile), func(t *testing.T) {
			enginetest.Run(t, func(testing.TB) enginetest.Factory {
				return newFactory(lsm.Options{Profile: profile, Machine: machine})
			})
		})
	}
	t.Run("key-index", func(t *testing.T) {
		enginetest.Run(t, func(testing.TB) enginetest.Factory {
			return newFactory(lsm.Options{NewKeyIndex: ranked.New})
		})
	})
}

// TestVisits: with a key index a limited range visits what it returns.
func TestVisits(t *testing.T) {
	for name, newKeys := range map[string]func() lsm.KeyIndex{"none": nil, "ranked": ranked.New} {
		t.Run(name, func(t *testing.T) {
			enginetest.RunVisits(t, func(testing.TB) enginetest.Factory {
				return newFactory(lsm.Options{NewKeyIndex: newKeys})
			}, newKeys != nil)
		})
	}
}

func BenchmarkEngine(b *testing.B) {
	for _, profile := range lsm.Profiles() {
		b.Run("profile="+string(profile), func(b *testing.B) {
			enginetest.Bench(b, func(t testing.TB) enginetest.Factory {
				path := t.(*testing.B).TempDir()
				return enginetest.Factory{Open: func(t testing.TB) engine.Engine {
					e, err := pebble.Open(vfs.Default, path, lsm.Options{Profile: profile})
					require.NoError(t, err)
					return e
				}}
			})
		})
	}
}

// TestOtherProfile: a store is read with either profile, whichever wrote it.
func TestOtherProfile(t *testing.T) {
	fs := vfs.NewMem()
	profiles := []lsm.Profile{lsm.ProfileDefault, lsm.ProfileTuned, lsm.ProfileDefault}
	for round, profile := range profiles {
		e, err := pebble.Open(fs, dir, lsm.Options{Profile: profile, Machine: machine})
		require.NoError(t, err)
		require.NoError(t, put(t, e, string(profile)))
		require.NoError(t, e.Flush())
		v := e.View()
		n, err := v.Count(nil, nil)
		require.NoError(t, err)
		require.EqualValues(t, min(round+1, 2), n)
		v.Close()
		require.NoError(t, e.Close())
	}
}

func put(t *testing.T, e engine.Engine, key string) error {
	t.Helper()
	b := e.NewBatch()
	require.NoError(t, b.Put(&kv.KeyValue{Key: []byte(key)}))
	return b.Commit(engine.State{AppliedIndex: 1})
}

// TestBackgroundError fills the disk. The flush that cannot write must end in
// an error, not hang or end the process, and stay one.
func TestBackgroundError(t *testing.T) {
	var full errorfs.Toggle
	full.Injector = errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpFileWrite {
			return errorfs.ErrInjected
		}
		return nil
	})
	e, err := pebble.Open(errorfs.Wrap(vfs.NewMem(), &full), dir, lsm.Options{})
	require.NoError(t, err)
	require.NoError(t, put(t, e, "a"))
	require.NoError(t, e.Flush())

	full.On()
	require.NoError(t, put(t, e, "b"), "a commit writes no file")
	require.ErrorIs(t, e.Flush(), errorfs.ErrInjected)
	full.Off()
	require.ErrorIs(t, e.Flush(), errorfs.ErrInjected)
	require.ErrorIs(t, put(t, e, "c"), errorfs.ErrInjected)
	require.NoError(t, e.Close())
}

// raw changes the store behind the engine's back.
func raw(t *testing.T, fs vfs.FS, change func(*cockroach.DB)) {
	t.Helper()
	db, err := cockroach.Open(dir, &cockroach.Options{FS: fs})
	require.NoError(t, err)
	change(db)
	require.NoError(t, db.Close())
}

func TestUnknownFormat(t *testing.T) {
	fs := vfs.NewMem()
	e, err := pebble.Open(fs, dir, lsm.Options{})
	require.NoError(t, err)
	require.NoError(t, e.Flush())
	require.NoError(t, e.Close())
	raw(t, fs, func(db *cockroach.DB) {
		require.NoError(t, db.Set([]byte("mformat"), []byte{9}, cockroach.Sync))
	})
	_, err = pebble.Open(fs, dir, lsm.Options{})
	require.ErrorIs(t, err, engine.ErrFormat)
	require.ErrorContains(t, err, `pebble engine in "store"`)
	require.ErrorContains(t, err, "found [9], accepted [1]")
}

func TestForeignStore(t *testing.T) {
	fs := vfs.NewMem()
	raw(t, fs, func(db *cockroach.DB) {
		require.NoError(t, db.Set([]byte("somebody"), []byte("else"), cockroach.Sync))
	})
	_, err := pebble.Open(fs, dir, lsm.Options{})
	require.ErrorIs(t, err, engine.ErrFormat)
	raw(t, fs, func(db *cockroach.DB) {
		value, closer, err := db.Get([]byte("somebody"))
		require.NoError(t, err)
		require.Equal(t, "else", string(value))
		require.NoError(t, closer.Close())
	})
}

func TestLocked(t *testing.T) {
	path := t.TempDir()
	e, err := pebble.Open(vfs.Default, path, lsm.Options{})
	require.NoError(t, err)
	_, err = pebble.Open(vfs.Default, path, lsm.Options{})
	require.ErrorContains(t, err, path)
	require.NoError(t, e.Close())
}

func TestUnknownProfile(t *testing.T) {
	_, err := pebble.Open(vfs.NewMem(), dir, lsm.Options{Profile: "fast"})
	require.EqualError(t, err, `engine profile "fast": accepted: default, tuned`)
}
