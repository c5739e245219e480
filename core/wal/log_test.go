package wal_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/wal"
)

func open(t *testing.T, fs vfs.FS) (*wal.Log, *wal.Recovered) {
	l, got, err := wal.Open(options(fs))
	require.NoError(t, err)
	return l, got
}

func TestRoundTripOnRealFiles(t *testing.T) {
	opts := wal.Options{Dir: t.TempDir() + "/new/wal", SegmentBytes: 64 << 10, Identity: identity}
	l, got, err := wal.Open(opts)
	require.NoError(t, err)
	require.Equal(t, &wal.Recovered{Created: true}, got)

	want := []wal.Entry{{Index: 1, Term: 1, Type: 2}, {Index: 2, Term: 1, Data: []byte{0, 0xff, 0xfe}}}
	want = append(want, entries(3, 150, 5000)...) // two frames larger than a segment, one larger than the zeros ahead
	hs := wal.HardState{Term: 1, Vote: 3, Commit: 40}
	require.NoError(t, l.Append(nil, want[:50]))
	require.NoError(t, l.Append(&hs, want[50:]))
	require.NoError(t, l.SaveSnapshot(wal.SnapshotMark{Index: 30, Term: 1, ConfState: []byte("conf")}))
	require.NoError(t, l.Close())

	l, got, err = wal.Open(opts)
	require.NoError(t, err)
	require.Equal(t, hs, got.HardState)
	require.Equal(t, wal.SnapshotMark{Index: 30, Term: 1, ConfState: []byte("conf")}, got.Snapshot)
	require.Equal(t, want[30:], got.Entries)
	require.True(t, got.Clean)
	require.NoError(t, l.Close())
}

// Recovered entries can be appended to without reaching their neighbours, with
// which they share memory.
func TestRecoveredEntriesAreApart(t *testing.T) {
	disk := vfs.NewMem()
	l, _ := open(t, disk)
	require.NoError(t, l.Append(nil, entries(1, 2, 10)))
	require.NoError(t, l.Close())
	_, got := open(t, disk)
	_ = append(got.Entries[0].Data, 0xee, 0xee)
	require.Equal(t, entries(1, 2, 10), got.Entries)
}

func TestConflictsAreResolved(t *testing.T) {
	disk := vfs.NewMem()
	l, _ := open(t, disk)
	require.NoError(t, l.Append(nil, entries(1, 5, 10)))
	newer := wal.Entry{Index: 3, Term: 2, Data: []byte("newer")}
	require.NoError(t, l.Append(nil, []wal.Entry{newer}))
	require.EqualValues(t, 3, l.Stats().LastIndex)
	require.NoError(t, l.Close())
	_, got := open(t, disk)
	require.Equal(t, append(entries(1, 2, 10), newer), got.Entries)
}

// A mark whose entry the log holds keeps what follows; any other, such as one
// received from a leader, discards the log.
func TestSnapshotKeepsOrDiscards(t *testing.T) {
	for _, c := range []struct {
		mark wal.SnapshotMark
		last uint64
	}{
		{wal.SnapshotMark{Index: 3, Term: 1}, 5},
		{wal.SnapshotMark{Index: 3, Term: 2}, 3},
		{wal.SnapshotMark{Index: 9, Term: 2}, 9},
	} {
		disk := vfs.NewMem()
		l, _ := open(t, disk)
		require.NoError(t, l.Append(nil, entries(1, 5, 10)))
		require.NoError(t, l.SaveSnapshot(c.mark))
		require.Equal(t, c.last, l.Stats().LastIndex)
		next := wal.Entry{Index: c.last + 1, Term: 2}
		require.NoError(t, l.Append(nil, []wal.Entry{next}))
		require.NoError(t, l.Close())
		_, got := open(t, disk)
		require.Equal(t, c.mark, got.Snapshot)
		require.Equal(t, c.mark.Index, got.HardState.Commit, "a mark implies its commit")
		require.Len(t, got.Entries, int(next.Index-c.mark.Index))
		require.Equal(t, next, got.Entries[len(got.Entries)-1])
	}
}

func TestTruncate(t *testing.T) {
	disk := vfs.NewMem()
	writeLog(t, disk, true)
	l, _ := open(t, disk)
	require.ErrorIs(t, l.Truncate(1), wal.ErrInvalid, "nothing is snapshotted yet")
	require.NoError(t, l.SaveSnapshot(wal.SnapshotMark{Index: 10, Term: 1}))
	before := l.Stats()
	require.NoError(t, l.Truncate(5))
	require.Equal(t, before, l.Stats(), "the oldest segment holds entry 6")
	require.NoError(t, l.Truncate(6))
	require.Equal(t, 2, l.Stats().Segments)
	require.NoError(t, l.Truncate(10))
	require.Less(t, l.Stats().SizeBytes, before.SizeBytes)
	require.Len(t, segments(t, disk), l.Stats().Segments)
	require.NoError(t, l.Close())
	_, got := open(t, disk)
	require.EqualValues(t, 10, got.Snapshot.Index)
	require.Len(t, got.Entries, 4)
}

// A log whose entries are all snapshotted keeps its active segment, and with it
// everything that a restart needs.
func TestTruncateNeverRemovesTheActiveSegment(t *testing.T) {
	disk := vfs.NewMem()
	last := uint64(len(writeLog(t, disk, true)))
	l, _ := open(t, disk)
	hs := wal.HardState{Term: 4, Vote: 2, Commit: last}
	require.NoError(t, l.Append(&hs, nil))
	require.NoError(t, l.SaveSnapshot(wal.SnapshotMark{Index: last, Term: 1}))
	require.NoError(t, l.Truncate(last))
	require.Equal(t, 1, l.Stats().Segments)
	require.NoError(t, l.Close())
	_, got := open(t, disk)
	require.Equal(t, hs, got.HardState)
	require.Empty(t, got.Entries)
}

// An Append that breaks the log's order changes nothing, on disk or in memory.
func TestInvalidCalls(t *testing.T) {
	disk := vfs.NewMem()
	l, _ := open(t, disk)
	require.NoError(t, l.Append(&wal.HardState{Term: 3, Commit: 4}, entries(1, 6, 10)))
	require.NoError(t, l.SaveSnapshot(wal.SnapshotMark{Index: 2, Term: 1}))
	size := l.Stats()
	entry := func(index, term uint64) wal.Entry { return wal.Entry{Index: index, Term: term} }
	for name, c := range map[string]struct {
		hs      *wal.HardState
		entries []wal.Entry
		want    string
	}{
		"gap":              {entries: []wal.Entry{entry(8, 1)}, want: "entry 8, want at most 7"},
		"gap within":       {entries: []wal.Entry{entry(7, 1), entry(9, 1)}, want: "entry 9 of term 1 follows entry 7 of term 1"},
		"snapshotted":      {entries: []wal.Entry{entry(2, 1)}, want: "entry 2, want one after the snapshot at 2"},
		"committed":        {entries: []wal.Entry{entry(4, 1)}, want: "entry 4, want one after the committed 4"},
		"term falls":       {entries: []wal.Entry{entry(7, 0)}, want: "entry 7 has term 0, want at least its predecessor's 1"},
		"term falls after": {entries: []wal.Entry{entry(7, 5), entry(8, 4)}, want: "entry 8 of term 4 follows"},
		"hard term falls":  {hs: &wal.HardState{Term: 2, Commit: 4}, want: "term 2, want at least 3"},
		"commit falls":     {hs: &wal.HardState{Term: 3, Commit: 3}, want: "commit 3, want at least 4"},
		"commit beyond":    {hs: &wal.HardState{Term: 3, Commit: 7}, want: "commit 7, want at most the last entry 6"},
	} {
		err := l.Append(c.hs, c.entries)
		require.ErrorIs(t, err, wal.ErrInvalid, name)
		require.ErrorContains(t, err, c.want, name)
	}
	for name, mark := range map[string]wal.SnapshotMark{
		"zero":        {},
		"goes back":   {Index: 1, Term: 1},
		"contradicts": {Index: 4, Term: 2},
		"membership":  {Index: 3, Term: 1, ConfState: make([]byte, 2<<20)},
	} {
		require.ErrorIs(t, l.SaveSnapshot(mark), wal.ErrInvalid, name)
	}
	require.Equal(t, size, l.Stats())
	require.NoError(t, l.Append(nil, []wal.Entry{entry(7, 3)}), "the log stays usable")
	require.NoError(t, l.Close())
}

func TestClosed(t *testing.T) {
	l, _ := open(t, vfs.NewMem())
	require.NoError(t, l.Close())
	require.ErrorIs(t, l.Close(), wal.ErrClosed)
	require.ErrorIs(t, l.Append(nil, entries(1, 1, 1)), wal.ErrClosed)
	require.ErrorIs(t, l.Sync(), wal.ErrClosed)
	require.ErrorIs(t, l.SaveSnapshot(wal.SnapshotMark{Index: 1}), wal.ErrClosed)
	require.ErrorIs(t, l.Truncate(0), wal.ErrClosed)
}

// Whatever operation fails, whenever: the first failure poisons the log, and
// what was acknowledged before is there when it is opened again.
func TestEveryFailingOperation(t *testing.T) {
	errDevice := errors.New("no space left on device")
	for failAt := 0; ; failAt++ {
		disk, n, failed := vfs.NewMem(), 0, false
		fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
				return nil
			}
			if n++; n-1 == failAt {
				failed = true
				return errDevice
			}
			return nil
		}))
		acked := failingSession(t, fs, errDevice)
		_, got, err := wal.Open(options(disk))
		require.NoError(t, err, "operation %d failed", failAt)
		last := got.Snapshot.Index + uint64(len(got.Entries))
		require.GreaterOrEqual(t, last, acked, "operation %d failed", failAt)
		if !failed {
			require.Greater(t, failAt, 50, "the session has many operations")
			return
		}
	}
}

// failingSession appends, rolls, snapshots and truncates until something fails,
// and returns the last index that was acknowledged.
func failingSession(t *testing.T, fs vfs.FS, cause error) (acked uint64) {
	l, _, err := wal.Open(options(fs))
	if err != nil {
		require.ErrorIs(t, err, cause)
		return 0
	}
	for first := uint64(1); first < 20 && err == nil; first += 2 {
		hs := &wal.HardState{Term: 1, Commit: first - 1}
		if err = l.Append(hs, entries(first, 2, 700)); err != nil {
			break
		}
		if err = l.Sync(); err != nil {
			break
		}
		acked = first + 1
		if first%6 == 1 {
			if err = l.SaveSnapshot(wal.SnapshotMark{Index: first, Term: 1}); err == nil {
				err = l.Truncate(first)
			}
		}
	}
	if err != nil {
		require.ErrorIs(t, err, wal.ErrFailed)
		require.ErrorIs(t, err, cause)
		require.Equal(t, err, l.Append(nil, entries(acked+1, 1, 1)))
		require.Equal(t, err, l.Sync())
		require.Equal(t, err, l.Truncate(0))
		require.ErrorIs(t, l.Close(), cause)
	} else if err := l.Close(); err != nil {
		require.ErrorIs(t, err, cause)
	}
	return acked
}

func TestForeignFilesAreLeft(t *testing.T) {
	disk := vfs.NewMem()
	require.NoError(t, disk.MkdirAll(dir, 0o755))
	foreign := []string{"README", "notes.wal", "0000000000000001-000000000000000G.wal", "x.wal.tmp"}
	ours := "0000000000000001-0000000000000001.wal"
	for _, name := range append(foreign, ours+".tmp") {
		f, err := disk.Create(disk.PathJoin(dir, name), vfs.WriteCategoryUnspecified)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	l, got := open(t, disk)
	require.True(t, got.Created)
	require.NoError(t, l.Close())
	require.ElementsMatch(t, append(foreign, ours), files(t, disk))
}

func TestUnknownFormat(t *testing.T) {
	disk := vfs.NewMem()
	writeLog(t, disk, true)
	preamble := contents(t, disk, segments(t, disk)[0])[:32]
	binary.LittleEndian.PutUint32(preamble[8:], 9)
	binary.LittleEndian.PutUint32(preamble[28:], crc32.Checksum(preamble[:28], crc32.MakeTable(crc32.Castagnoli)))
	_, _, err := wal.Open(options(disk))
	require.ErrorIs(t, err, wal.ErrFormat)
	require.ErrorContains(t, err, "9, this program reads 2")
}

func TestNotASegment(t *testing.T) {
	for _, content := range []string{"", "short", strings.Repeat("not a log ", 10)} {
		disk := vfs.NewMem()
		require.NoError(t, disk.MkdirAll(dir, 0o755))
		f, err := disk.Create(disk.PathJoin(dir, "0000000000000001-0000000000000001.wal"), vfs.WriteCategoryUnspecified)
		require.NoError(t, err)
		_, err = f.Write([]byte(content))
		require.NoError(t, err)
		_, _, err = wal.Open(options(disk))
		require.ErrorIs(t, err, wal.ErrCorrupt, content)
	}
}

func TestOptions(t *testing.T) {
	_, _, err := wal.Open(wal.Options{SegmentBytes: 17})
	require.ErrorContains(t, err, "Options.Dir is empty")
	require.ErrorContains(t, err, "Options.SegmentBytes is 17, want at least 4096")
	o := (&wal.Options{Dir: "d"}).EnsureDefaults()
	require.NoError(t, o.Validate())
	require.EqualValues(t, wal.DefaultSegmentBytes, o.SegmentBytes)
}

// The hooks see every frame and every sync, and nothing else.
func TestHooks(t *testing.T) {
	var written, syncs int
	opts := options(vfs.NewMem())
	opts.OnWrite = func(n int) { written += n }
	opts.OnSync = func(time.Duration) { syncs++ }
	l, _, err := wal.Open(opts)
	require.NoError(t, err)
	begin := l.Stats().SizeBytes
	require.NoError(t, l.Append(nil, entries(1, 3, 100)))
	require.NoError(t, l.Append(nil, entries(4, 1, 0)))
	require.Zero(t, syncs)
	require.NoError(t, l.Sync())
	require.NoError(t, l.Sync(), "nothing to do")
	require.Equal(t, 1, syncs)
	require.EqualValues(t, l.Stats().SizeBytes-begin, written)
}

// One buffer serves all appends: no allocation grows with the entries.
func TestAppendAllocatesNothing(t *testing.T) {
	opts := options(vfs.NewMem())
	opts.SegmentBytes = 1 << 30
	l, _, err := wal.Open(opts)
	require.NoError(t, err)
	next := uint64(1)
	batch := entries(1, 100, 50)
	allocs := testing.AllocsPerRun(100, func() {
		for i := range batch {
			batch[i].Index = next
			next++
		}
		require.NoError(t, l.Append(nil, batch))
	})
	require.LessOrEqual(t, allocs, 2.0, "the memory file itself grows now and then")
}
