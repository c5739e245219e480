//go:build !norocksdb

package rocksdb_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/engine/enginetest"
	"metastorebench/core/engine/lsm"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/rocksdb"
	"metastorebench/variants/keyindex/ranked"
)

// machine is small, so that tests of the tuned profile are.
var machine = lsm.Machine{MemoryBytes: 512 << 20, CPUs: 2}

// newFactory stores in a directory. A crash is a copy of the files as the
// operating system has them at that moment: what kill -9 leaves.
func newFactory(t testing.TB, opts lsm.Options) enginetest.Factory {
	root, generation := t.TempDir(), 0
	path := func() string { return filepath.Join(root, strings.Repeat("x", generation+1)) }
	return enginetest.Factory{
		Open: func(t testing.TB) engine.Engine {
			e, err := rocksdb.Open(path(), opts)
			require.NoError(t, err)
			return e
		},
		Crash: func(t testing.TB) {
			before := path()
			generation++
			copyStill(t, path(), before)
		},
	}
}

// copyStill copies the files of src to dst as of one moment: it copies until no
// file came, went or grew meanwhile, but for RocksDB's messages.
func copyStill(t testing.TB, dst, src string) {
	t.Helper()
	for before := sizes(t, src); ; {
		require.NoError(t, os.RemoveAll(dst))
		err := os.CopyFS(dst, os.DirFS(src))
		after := sizes(t, src)
		if err == nil && maps.Equal(before, after) {
			return
		}
		before = after
	}
}

// sizes returns the files of dir with their sizes.
func sizes(t testing.TB, dir string) map[string]int64 {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	found := make(map[string]int64)
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && !strings.HasPrefix(entry.Name(), "LOG") {
			found[entry.Name()] = info.Size()
		}
	}
	return found
}

func TestEngine(t *testing.T) {
	require.True(t, rocksdb.Available())
	for _, profile := range lsm.Profiles() {
		t.Run(string(profile), func(t *testing.T) {
			enginetest.Run(t, func(t testing.TB) enginetest.Factory {
				return newFactory(t, lsm.Options{Profile: profile, Machine: machine})
			})
		})
	}
	t.Run("key-index", func(t *testing.T) {
		enginetest.Run(t, func(t testing.TB) enginetest.Factory {
			return newFactory(t, lsm.Options{NewKeyIndex: ranked.New})
		})
	})
}

// TestVisits: with a key index a limited range visits what it returns.
func TestVisits(t *testing.T) {
	for name, newKeys := range map[string]func() lsm.KeyIndex{"none": nil, "ranked": ranked.New} {
		t.Run(name, func(t *testing.T) {
			enginetest.RunVisits(t, func(t testing.TB) enginetest.Factory {
				return newFactory(t, lsm.Options{NewKeyIndex: newKeys})
			}, newKeys != nil)
		})
	}
}

func BenchmarkEngine(b *testing.B) {
	for _, profile := range lsm.Profiles() {
		b.Run("profile="+string(profile), func(b *testing.B) {
			enginetest.Bench(b, func(t testing.TB) enginetest.Factory {
				return newFactory(t, lsm.Options{Profile: profile})
			})
		})
	}
}

// TestOtherProfile: a store is read with either profile, whichever wrote it.
func TestOtherProfile(t *testing.T) {
	path := t.TempDir()
	profiles := []lsm.Profile{lsm.ProfileDefault, lsm.ProfileTuned, lsm.ProfileDefault}
	for round, profile := range profiles {
		e, err := rocksdb.Open(path, lsm.Options{Profile: profile, Machine: machine})
		require.NoError(t, err)
		b := e.NewBatch()
		require.NoError(t, b.Put(&kv.KeyValue{Key: []byte(profile)}))
		require.NoError(t, b.Commit(engine.State{AppliedIndex: 1}))
		require.NoError(t, e.Flush())
		v := e.View()
		n, err := v.Count(nil, nil)
		require.NoError(t, err)
		require.EqualValues(t, min(round+1, 2), n)
		v.Close()
		require.NoError(t, e.Close())
	}
}

func TestLocked(t *testing.T) {
	path := t.TempDir()
	e, err := rocksdb.Open(path, lsm.Options{})
	require.NoError(t, err)
	_, err = rocksdb.Open(path, lsm.Options{})
	require.ErrorContains(t, err, path)
	require.NoError(t, e.Close())
}

func TestNotADirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	_, err := rocksdb.Open(path, lsm.Options{})
	require.ErrorContains(t, err, path)
}

func TestDamaged(t *testing.T) {
	path := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(path, "CURRENT"), []byte("nonsense\n"), 0o600))
	_, err := rocksdb.Open(path, lsm.Options{})
	require.ErrorContains(t, err, path)
}

func TestUnknownProfile(t *testing.T) {
	_, err := rocksdb.Open(t.TempDir(), lsm.Options{Profile: "fast"})
	require.EqualError(t, err, `engine profile "fast": accepted: default, tuned`)
}

// residentBytes is the memory of this process, C's included.
func residentBytes(t *testing.T) int64 {
	t.Helper()
	pages, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	var total, resident int64
	_, err = fmt.Sscan(string(pages), &total, &resident)
	require.NoError(t, err)
	return resident * int64(os.Getpagesize())
}

// TestOpenManyTimes opens, uses and closes the store again and again: memory
// that is not given back to C would add up.
func TestOpenManyTimes(t *testing.T) {
	for _, profile := range lsm.Profiles() {
		t.Run(string(profile), func(t *testing.T) {
			testOpenManyTimes(t, lsm.Options{Profile: profile, Machine: machine})
		})
	}
}

func testOpenManyTimes(t *testing.T, opts lsm.Options) {
	path := t.TempDir()
	use := func() {
		e, err := rocksdb.Open(path, opts)
		require.NoError(t, err)
		for range 20 {
			b := e.NewBatch()
			require.NoError(t, b.Put(&kv.KeyValue{Key: []byte("key"), Value: make([]byte, 10_000)}))
			require.NoError(t, b.Commit(engine.State{AppliedIndex: 1}))
			v := e.View()
			pair, err := v.Get([]byte("key"))
			require.NoError(t, err)
			require.Len(t, pair.Value, 10_000)
			n, err := v.Count(nil, nil)
			require.NoError(t, err)
			require.EqualValues(t, 1, n)
			v.Close()
		}
		require.NoError(t, e.Close())
	}
	for range 10 {
		use() // allocators and threads settle
	}
	before := residentBytes(t)
	for range 40 {
		use()
	}
	const slackBytes = 32 << 20
	require.Less(t, residentBytes(t)-before, int64(slackBytes))
}
