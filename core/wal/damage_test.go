package wal_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
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
// entries. closed says whether it ends with a close record.
func writeLog(t *testing.T, fs *vfs.MemFS, closed bool) []wal.Entry {
	l, _, err := wal.Open(options(fs))
	require.NoError(t, err)
	written := appendSynced(t, l, 10, 600, 900, 1400, 300, 0, 1200)
	require.Equal(t, 3, l.Stats().Segments)
	if closed {
		require.NoError(t, l.Close())
	}
	return written
}

// appendSynced appends two entries of each size in a frame of their own, with a
// hard state that commits those before, and syncs each.
func appendSynced(t *testing.T, l *wal.Log, sizes ...int) (written []wal.Entry) {
	for _, size := range sizes {
		next := l.Stats().LastIndex + 1
		es := entries(next, 2, size)
		hs := &wal.HardState{Term: 1, Vote: 1, Commit: next - 1}
		require.NoError(t, l.Append(hs, es))
		require.NoError(t, l.Sync())
		written = append(written, es...)
	}
	return written
}

// writeRecycled is writeLog with files that were full of other entries. Its last
// segment, and that before, are in such files.
func writeRecycled(t *testing.T, fs *vfs.MemFS, closed bool) []wal.Entry {
	l := fillAndTruncate(t, fs)
	written := appendSynced(t, l, 10, 600, 900, 1400, 200, 0)
	require.Equal(t, 2, l.Stats().Recycled)
	require.Equal(t, 3, l.Stats().Segments)
	if closed {
		require.NoError(t, l.Close())
	}
	return written
}

// fillAndTruncate returns a log with two full spare files, all of whose entries
// are snapshotted.
func fillAndTruncate(t *testing.T, fs *vfs.MemFS) *wal.Log {
	l, _, err := wal.Open(options(fs))
	require.NoError(t, err)
	appendSynced(t, l, 800, 700, 800, 700, 800, 700)
	last := l.Stats().LastIndex
	require.NoError(t, l.SaveSnapshot(wal.SnapshotMark{Index: last, Term: 1}))
	require.NoError(t, l.Truncate(last))
	require.Equal(t, 2, l.Stats().Spares)
	require.Equal(t, 1, l.Stats().Segments)
	return l
}

// files returns the names of the log's directory, in order.
func files(t *testing.T, fs vfs.FS) []string {
	names, err := fs.List(dir)
	require.NoError(t, err)
	slices.Sort(names)
	return names
}

// segments returns those of them that are segments.
func segments(t *testing.T, fs vfs.FS) []string {
	return slices.DeleteFunc(files(t, fs), func(name string) bool { return !strings.HasSuffix(name, ".wal") })
}

// framesEnd returns where the frames of a segment end.
func framesEnd(t *testing.T, name string, data []byte) int {
	seq, err := strconv.ParseUint(name[:16], 16, 64)
	require.NoError(t, err)
	return int(wal.FramesEnd(data, seq))
}

// crashed returns a copy of disk with all that was written.
func crashed(disk *vfs.MemFS) *vfs.MemFS {
	return disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
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
// the frames may be taken for a torn write, which loses nothing, and in what an
// older segment left there it need not be noticed.
func TestEveryDamagedByte(t *testing.T) {
	for name, write := range map[string]func(*testing.T, *vfs.MemFS, bool) []wal.Entry{
		"new files": writeLog, "recycled files": writeRecycled,
	} {
		for _, closed := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/closed=%t", name, closed), func(t *testing.T) {
				disk := vfs.NewCrashableMem()
				want := write(t, disk, closed)
				for _, name := range segments(t, disk) {
					damageEach(t, disk, name, want)
				}
			})
		}
	}
}

func damageEach(t *testing.T, disk *vfs.MemFS, name string, want []wal.Entry) {
	whole := slices.Clone(contents(t, disk, name))
	frames := framesEnd(t, name, whole)
	for i := range whole {
		if i > frames+64 && i%509 != 0 {
			continue // behind the frames one byte is like another
		}
		for _, mask := range []byte{1 << (i % 8), 0xff, whole[i]} {
			if mask == 0 {
				continue // whole[i] is already what that mask would make it
			}
			fs := crashed(disk)
			contents(t, fs, name)[i] ^= mask
			damaged := slices.Clone(contents(t, fs, name))
			_, got, err := wal.Open(options(fs))
			if i < frames || err != nil {
				require.ErrorIs(t, err, wal.ErrCorrupt, "%s byte %d mask %#x of %d frame bytes", name, i, mask, frames)
				require.ErrorContains(t, err, name)
				require.Equal(t, damaged, contents(t, fs, name), "a refused log is not touched")
				continue
			}
			require.Equal(t, want, got.Entries, "%s byte %d mask %#x", name, i, mask)
		}
	}
}

// Whole sectors that turn zero, or back to what an older segment left there, as
// after a lost write, are found wherever a later frame or segment proves that
// they had been durable.
func TestLostSectors(t *testing.T) {
	disk := vfs.NewCrashableMem()
	l := fillAndTruncate(t, disk)
	var older [][]byte // what the files hold that are recycled next
	for _, name := range files(t, disk) {
		if strings.HasSuffix(name, ".tmp") {
			older = append(older, slices.Clone(contents(t, disk, name)))
		}
	}
	appendSynced(t, l, 10, 600, 900, 1400, 200, 0)
	require.NoError(t, l.Close())
	older = append([][]byte{make([]byte, 4096)}, older...) // the oldest segment's file was new
	for i, name := range segments(t, disk) {
		frames := framesEnd(t, name, contents(t, disk, name))
		for off := 0; off+512 < frames; off += 512 { // but the very last: see doc.go
			for _, before := range [][]byte{make([]byte, 4096), older[i]} {
				fs := disk.CrashClone(vfs.CrashCloneCfg{})
				copy(contents(t, fs, name)[off:off+512], before[off:])
				_, _, err := wal.Open(options(fs))
				require.ErrorIs(t, err, wal.ErrCorrupt, "%s sector at %d", name, off)
			}
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
		fs := crashed(disk)
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

// Of a frame that was never synced, in a recycled file, any subset of the sectors
// may have been written; the others hold what an older segment left there. The
// frame is cut, whatever the subset, and the log goes on from there.
func TestTornFrameInARecycledFile(t *testing.T) {
	disk := vfs.NewCrashableMem()
	l := fillAndTruncate(t, disk)
	kept := appendSynced(t, l, 1000, 10)
	require.Equal(t, 1, l.Stats().Recycled)
	names := segments(t, disk)
	name := names[len(names)-1]
	before := slices.Clone(contents(t, disk, name))
	begin := framesEnd(t, name, before)
	torn := entries(kept[len(kept)-1].Index+1, 2, 600)
	require.NoError(t, l.Append(nil, torn))
	after := slices.Clone(contents(t, disk, name))
	first, last := begin/512, (framesEnd(t, name, after)-1)/512
	require.GreaterOrEqual(t, last, first+2, "the frame lies in several sectors")

	for subset := range 1 << (last - first + 1) {
		fs := crashed(disk)
		data := contents(t, fs, name)
		for s := first; s <= last; s++ {
			if subset>>(s-first)&1 == 0 {
				copy(data[s*512:(s+1)*512], before[s*512:])
			}
		}
		l, got, err := wal.Open(options(fs))
		require.NoError(t, err, "subset %b", subset)
		want := kept
		if subset == 1<<(last-first+1)-1 {
			want = append(slices.Clone(kept), torn...)
		}
		require.Equal(t, want, got.Entries, "subset %b", subset)
		next := entries(want[len(want)-1].Index+1, 2, 20)
		require.NoError(t, l.Append(nil, next))
		require.NoError(t, l.Close())
		_, got, err = wal.Open(options(fs))
		require.NoError(t, err, "subset %b", subset)
		require.Equal(t, append(slices.Clone(want), next...), got.Entries)
		require.True(t, got.Clean)
	}
}

// Spare files are recycled by the log that made them, and removed by the next.
func TestSparesDoNotOutliveTheLog(t *testing.T) {
	disk := vfs.NewCrashableMem()
	l := fillAndTruncate(t, disk)
	require.Len(t, files(t, disk), 3)
	require.NoError(t, l.Close())
	l, _ = open(t, disk)
	require.Len(t, files(t, disk), 1)
	appendSynced(t, l, 1400, 1400)
	require.Zero(t, l.Stats().Recycled)
	require.NoError(t, l.Close())
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
