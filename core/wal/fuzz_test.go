package wal

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// encodeRecord is the inverse of decodeRecords for one record.
func encodeRecord(b []byte, record any) []byte {
	switch rec := record.(type) {
	case Entry:
		return appendEntry(b, &rec)
	case HardState:
		return appendHard(b, rec)
	case markRecord:
		return appendMark(b, rec)
	case segmentRecord:
		return appendSegment(b, rec)
	default:
		return append(b, recClose)
	}
}

func decodeAll(payload []byte) (records []any, err error) {
	err = decodeRecords(payload, func(record any) error {
		records = append(records, record)
		return nil
	})
	return records, err
}

// FuzzRecords: what decodes, encodes again to something that decodes the same.
func FuzzRecords(f *testing.F) {
	f.Fuzz(func(t *testing.T, payload []byte) {
		records, err := decodeAll(payload)
		if err != nil {
			return
		}
		var again []byte
		for _, rec := range records {
			again = encodeRecord(again, rec)
		}
		repeated, err := decodeAll(again)
		require.NoError(t, err)
		require.Equal(t, records, repeated)
	})
}

// earlierLife returns n bytes of a file as an older segment than seq left them;
// zeros, if there is none.
func earlierLife(n int64, seq uint64) []byte {
	data := make([]byte, 0, n)
	for at := int64(0); at < n; at += sectorBytes {
		if uint32(seq) == 0 {
			data = append(data, make([]byte, sectorBytes)...)
			continue
		}
		data = appendStamp(data, uint64(uint32(seq)-1), at)
		data = append(data, bytes.Repeat([]byte{0xee}, bodyBytes)...)
	}
	return data
}

// FuzzFrame: any payload survives a frame at any place of a file with an earlier
// life. A frame with a changed bit, or read at another place, is none. One that
// lacks a sector is none, and looks torn.
func FuzzFrame(f *testing.F) {
	f.Fuzz(func(t *testing.T, payload []byte, seq uint64, slot uint16, flip uint16) {
		off := advance(firstFrameOffset, int(slot)*frameAlign)
		frame := sealFrame(append(make([]byte, headerBytes), payload...), seq, off, off)
		laid, begin := scatter(nil, frame, seq, off), withStamp(off)
		require.Zero(t, (begin+int64(len(laid)))%pageBytes)
		before := earlierLife(begin+int64(len(laid)), seq)
		sector := begin / sectorBytes * sectorBytes
		if sector < begin { // an earlier frame of this segment begins the sector
			copy(before[sector:], appendStamp(nil, seq, sector))
			clear(before[begin : sector+sectorBytes])
		}
		data := bytes.Clone(before)
		copy(data[begin:], laid)

		got, h, next, stop := nextFrame(data, seq, off)
		require.Nil(t, stop)
		require.EqualValues(t, off, h.synced)
		require.True(t, bytes.Equal(payload, got))
		require.Equal(t, advance(off, len(frame)), next)
		end := withStamp(next)
		require.Zero(t, writtenLen(before, seq, off))
		require.Equal(t, (end+sectorBytes-1)/sectorBytes*sectorBytes-off, writtenLen(data, seq, off))

		_, _, _, stop = nextFrame(data, seq+1, off)
		require.NotNil(t, stop)
		lost := sector + int64(flip)%((end-sector+sectorBytes-1)/sectorBytes)*sectorBytes
		torn := bytes.Clone(data)
		copy(torn[lost:lost+sectorBytes], before[lost:])
		_, _, _, stop = nextFrame(torn, seq, off)
		require.NotNil(t, stop)
		require.True(t, stop.torn, stop.reason)

		data[begin+int64(flip)%(end-begin)] ^= 1 << (flip % 8)
		_, _, _, stop = nextFrame(data, seq, off)
		require.NotNil(t, stop)
		require.False(t, stop.torn, stop.reason)
	})
}

// memLog opens a log on disk with the smallest segments.
func memLog(t testing.TB, disk *vfs.MemFS) (*Log, *Recovered) {
	l, got, err := Open(Options{FS: disk, Dir: "wal", SegmentBytes: minSegmentBytes})
	require.NoError(t, err)
	return l, got
}

// sealed returns the frames of a first segment with one entry, and whether it
// ends with a close record as asked.
func sealed(t testing.TB, closed bool) []byte {
	disk := vfs.NewMem()
	l, _ := memLog(t, disk)
	require.NoError(t, l.Append(&HardState{Term: 1, Vote: 1, Commit: 1}, []Entry{{Index: 1, Term: 1, Data: []byte("kept")}}))
	if closed {
		require.NoError(t, l.Close())
	}
	all, err := disk.UnsafeGetFileDataBuffer(disk.PathJoin("wal", segment{seq: 1, first: 1}.name()))
	require.NoError(t, err)
	return bytes.Clone(all[:withStamp(l.w.off)])
}

// FuzzOpen: a segment of arbitrary bytes, and an arbitrary tail behind a good
// log, are opened or refused with one of the sentinels. What a closed log holds
// is never lost by what follows it, and whatever opens can be appended to.
func FuzzOpen(f *testing.F) {
	whole := sealed(f, true)
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 1
	for _, segment := range [][]byte{whole, sealed(f, false), whole[:len(whole)-10], damaged} {
		f.Add(segment, false)
	}
	at := int64(len(whole))
	f.Add(scatter(nil, sealFrame(append(make([]byte, headerBytes), recClose), 1, at, 0), 1, at), true)
	f.Fuzz(func(t *testing.T, content []byte, behind bool) {
		disk := vfs.NewMem()
		var good []byte
		if behind {
			good = bytes.Clone(whole)
		}
		require.NoError(t, disk.MkdirAll("wal", 0o755))
		require.NoError(t, writeSynced(disk, disk.PathJoin("wal", segment{seq: 1, first: 1}.name()), append(good, content...)))

		l, got, err := Open(Options{FS: disk, Dir: "wal", SegmentBytes: minSegmentBytes})
		if err != nil {
			require.True(t, errors.Is(err, ErrCorrupt) || errors.Is(err, ErrFormat) || errors.Is(err, ErrIdentity), "%v", err)
			return
		}
		if behind {
			require.NotEmpty(t, got.Entries)
			require.Equal(t, "kept", string(got.Entries[0].Data))
		}
		require.NoError(t, l.Append(nil, []Entry{{Index: l.st.last + 1, Term: l.st.lastTerm}}))
		require.NoError(t, l.Close())
	})
}

// FuzzRecycled: a log in files that were full of arbitrary entries, which may
// hold frames of their own, has exactly the entries that were appended to it,
// with and without a close record.
func FuzzRecycled(f *testing.F) {
	const recycled = maxSpares + 2 // the first segment in a recycled file
	forged := sealFrame(append(make([]byte, headerBytes), recClose), recycled, firstFrameOffset, 0)
	f.Add(scatter(nil, forged, recycled, firstFrameOffset), uint16(100), true)
	f.Add(bytes.Repeat(forged, 20), uint16(1), false)
	f.Add(appendStamp(nil, recycled, 1024), uint16(3000), false)
	f.Fuzz(func(t *testing.T, content []byte, size uint16, closed bool) {
		content = content[:min(len(content), minSegmentBytes/2)] // a segment of its own would not be recycled
		disk := vfs.NewMem()
		l, _ := memLog(t, disk)
		next := uint64(1)
		entry := func(data []byte) Entry {
			e := Entry{Index: next, Term: 1, Data: data}
			next++
			return e
		}
		for len(l.sealed) < maxSpares {
			require.NoError(t, l.Append(nil, []Entry{entry(content), entry(bytes.Repeat([]byte{0xee}, 500))}))
		}
		require.NoError(t, l.SaveSnapshot(SnapshotMark{Index: next - 1, Term: 1}))
		require.NoError(t, l.Truncate(next-1))
		var want []Entry
		for l.recycled == 0 && len(want) < 100 {
			e := entry(bytes.Repeat([]byte{0xdd}, int(size)%minSegmentBytes))
			require.NoError(t, l.Append(nil, []Entry{e}))
			want = append(want, e)
		}
		require.NoError(t, l.Sync())
		if closed {
			require.NoError(t, l.Close())
		}
		_, got := memLog(t, disk)
		require.Len(t, got.Entries, len(want))
		for i, e := range got.Entries {
			require.Equal(t, want[i].Index, e.Index)
			require.True(t, bytes.Equal(want[i].Data, e.Data))
		}
		require.Equal(t, closed, got.Clean)
		require.Zero(t, got.TornBytes)
	})
}

// TestRecordErrors pins what a damaged payload is reported as.
func TestRecordErrors(t *testing.T) {
	for want, payload := range map[string][]byte{
		"record at payload byte 0: record type 9, want 1 to 5":             {9},
		"record at payload byte 0: payload ends within a record":           {recEntry, 1, 1},
		"record at payload byte 1: varint is cut short or exceeds 64 bits": {recClose, recHard, 0x80},
		"record at payload byte 0: length 5 exceeds the 1 bytes left":      {recEntry, 1, 1, 0, 5, 'x'},
		"record at payload byte 0: resets flag is 2, want 0 or 1":          {recMark, 1, 1, 2, 0},
	} {
		_, err := decodeAll(payload)
		require.EqualError(t, err, want)
	}
}
