package wal_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/wal"
	"metastorebench/core/wal/waltest"
)

const dir = "data/wal"

var identity = wal.Identity{ClusterID: 0xc1, NodeID: 0xa1}

func options(fs vfs.FS) wal.Options {
	return wal.Options{FS: fs, Dir: dir, SegmentBytes: 4 << 10, Identity: identity}
}

// entries makes n entries of the given payload size; every other payload is all
// zero, which is how unwritten space looks.
func entries(first uint64, n, size int) []wal.Entry {
	out := make([]wal.Entry, n)
	for i := range out {
		data := make([]byte, size)
		if i%2 == 0 {
			for j := range data {
				data[j] = byte(i + j)
			}
		}
		out[i] = wal.Entry{Index: first + uint64(i), Term: 1, Data: data}
	}
	return out
}

// writeLog makes a log of three segments with synced entries, and returns the
// number of entries. closed says whether it ends with a close record.
func writeLog(t *testing.T, fs vfs.FS, closed bool) int {
	l, _, err := wal.Open(options(fs))
	require.NoError(t, err)
	next := uint64(1)
	for _, size := range []int{10, 600, 900, 1400, 300, 0, 1200} {
		hs := &wal.HardState{Term: 1, Vote: 1, Commit: next - 1}
		require.NoError(t, l.Append(hs, entries(next, 2, size)))
		require.NoError(t, l.Sync())
		next += 2
	}
	require.Equal(t, 3, l.Stats().Segments)
	if closed {
		require.NoError(t, l.Close())
	}
	return int(next - 1)
}

func segments(t *testing.T, fs vfs.FS) []string {
	names, err := fs.List(dir)
	require.NoError(t, err)
	slices.Sort(names)
	return names
}

// contents returns the file's bytes, which alias the file system's own: changing
// them changes the file.
func contents(t *testing.T, fs *vfs.MemFS, name string) []byte {
	data, err := fs.UnsafeGetFileDataBuffer(fs.PathJoin(dir, name))
	require.NoError(t, err)
	return data
}

// A damaged byte anywhere in the frames of an acknowledged log refuses to start,
// and a refused log is left exactly as it is. Damage in the zeroed space behind
// the frames may be taken for a torn write, which loses nothing.
func TestEveryDamagedByte(t *testing.T) {
	for _, closed := range []bool{true, false} {
		t.Run(fmt.Sprintf("closed=%t", closed), func(t *testing.T) {
			disk := vfs.NewCrashableMem()
			want := writeLog(t, disk, closed)
			for _, name := range segments(t, disk) {
				damageEach(t, disk, name, want)
			}
		})
	}
}

func damageEach(t *testing.T, disk *vfs.MemFS, name string, want int) {
	whole := slices.Clone(contents(t, disk, name))
	frames := len(whole)
	for frames > 0 && whole[frames-1] == 0 {
		frames--
	}
	for i := range whole {
		if i > frames+64 && i%509 != 0 {
			continue // behind the frames one byte is like another
		}
		for _, mask := range []byte{1 << (i % 8), 0xff, whole[i]} {
			if mask == 0 {
				continue // whole[i] is already what that mask would make it
			}
			fs := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
			contents(t, fs, name)[i] ^= mask
			damaged := slices.Clone(contents(t, fs, name))
			_, got, err := wal.Open(options(fs))
			if i < frames || err != nil {
				require.ErrorIs(t, err, wal.ErrCorrupt, "%s byte %d mask %#x of %d frame bytes", name, i, mask, frames)
				require.ErrorContains(t, err, name)
				require.Equal(t, damaged, contents(t, fs, name), "a refused log is not touched")
				continue
			}
			require.Len(t, got.Entries, want, "%s byte %d mask %#x", name, i, mask)
		}
	}
}

// Whole sectors that turn zero, as after a lost write, are found wherever a
// later frame or segment proves that they had been durable.
func TestZeroedSectors(t *testing.T) {
	disk := vfs.NewCrashableMem()
	writeLog(t, disk, true)
	for _, name := range segments(t, disk) {
		whole := contents(t, disk, name)
		last := len(whole)
		for last > 0 && whole[last-1] == 0 {
			last--
		}
		for off := 0; off < last; off += 512 {
			fs := disk.CrashClone(vfs.CrashCloneCfg{})
			sector := contents(t, fs, name)[off:min(off+512, len(whole))]
			if slices.Max(sector) == 0 || off+512 >= last {
				continue // nothing to lose, or the very last sector: see doc.go
			}
			clear(sector)
			_, _, err := wal.Open(options(fs))
			require.ErrorIs(t, err, wal.ErrCorrupt, "%s sector at %d", name, off)
		}
	}
}

// A tail that was never synced is cut wherever the power cut ends it, and the
// log goes on from there.
func TestTornTailAtEveryLength(t *testing.T) {
	disk := vfs.NewCrashableMem()
	l, _, err := wal.Open(options(disk))
	require.NoError(t, err)
	require.NoError(t, l.Append(nil, entries(1, 2, 100)))
	require.NoError(t, l.Sync())
	before := l.Stats().SizeBytes
	require.NoError(t, l.Append(nil, entries(3, 2, 900)))
	after := l.Stats().SizeBytes
	name := segments(t, disk)[0]

	// The device wrote whole sectors up to cut and nothing behind it.
	for cut := (before/512 + 1) * 512; cut < after; cut += 512 {
		fs := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
		clear(contents(t, fs, name)[cut:])
		l, got, err := wal.Open(options(fs))
		require.NoError(t, err, "cut at %d of %d", cut, after)
		require.Equal(t, entries(1, 2, 100), got.Entries)
		require.Equal(t, cut-before, got.TornBytes)
		require.NoError(t, l.Append(nil, entries(3, 1, 50)))
		require.NoError(t, l.Close())
		_, got, err = wal.Open(options(fs))
		require.NoError(t, err)
		require.Len(t, got.Entries, 3)
		require.True(t, got.Clean)
	}
}

func TestMissingSegment(t *testing.T) {
	for missing := range 3 {
		disk := vfs.NewMem()
		writeLog(t, disk, true)
		names := segments(t, disk)
		require.NoError(t, disk.Remove(disk.PathJoin(dir, names[missing])))
		_, _, err := wal.Open(options(disk))
		if missing == 2 {
			// The last segment's absence shows only in what the others promise.
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, wal.ErrCorrupt)
	}
}

func TestRenamedSegment(t *testing.T) {
	disk := vfs.NewMem()
	writeLog(t, disk, true)
	old := segments(t, disk)[2]
	for _, name := range []string{
		"0000000000000003-00000000000000ff.wal", // another first index
		"0000000000000009-" + old[17:],          // a hole in the sequence
		"0000000000000002-00000000000000ff.wal", // a number that exists
	} {
		require.NoError(t, disk.Rename(disk.PathJoin(dir, old), disk.PathJoin(dir, name)))
		_, _, err := wal.Open(options(disk))
		require.ErrorIs(t, err, wal.ErrCorrupt, name)
		old = name
	}
}

func TestOtherIdentity(t *testing.T) {
	disk := vfs.NewMem()
	writeLog(t, disk, true)
	opts := options(disk)
	opts.Identity.NodeID = 0xa2
	_, _, err := wal.Open(opts)
	require.ErrorIs(t, err, wal.ErrIdentity)
	require.ErrorContains(t, err, "cluster 0xc1 node 0xa1, want cluster 0xc1 node 0xa2")
}

// Frames without any sync between them, as an unsafe policy writes them: what
// survives a power cut is still a prefix that holds all that was synced.
func TestPowerCutsWithRareSyncs(t *testing.T) {
	waltest.PowerCuts(t, 1000, func(l wal.Target, rng *rand.Rand, hs *wal.HardState, entries []wal.Entry) (bool, error) {
		if err := l.Append(hs, entries); err != nil || rng.IntN(4) > 0 {
			return false, err
		}
		return true, l.Sync()
	})
}
