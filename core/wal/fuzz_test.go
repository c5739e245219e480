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

// FuzzFrame: any payload survives a frame at any aligned place, and a frame that
// is read at another place or with a changed byte is none.
func FuzzFrame(f *testing.F) {
	f.Fuzz(func(t *testing.T, payload []byte, seq uint64, slot uint16, flip uint16) {
		off := uint64(slot) * frameAlign
		frame := sealFrame(append(make([]byte, headerBytes), payload...), seq, off, off)
		require.Zero(t, len(frame)%frameAlign)
		require.False(t, looksTorn(frame, off))
		data := append(make([]byte, off), frame...)

		got, h, stop := nextFrame(data, seq, off)
		require.Nil(t, stop)
		require.Equal(t, off, h.synced)
		require.True(t, bytes.Equal(payload, got))

		_, _, stop = nextFrame(data, seq+1, off)
		require.NotNil(t, stop)
		data[off+uint64(flip)%uint64(len(frame))] ^= 1 << (flip % 8)
		_, _, stop = nextFrame(data, seq, off)
		require.NotNil(t, stop)
		require.False(t, stop.torn)
	})
}

// FuzzOpen: a segment of arbitrary bytes, and an arbitrary tail behind a good
// log, either open or are refused by one of the sentinels; they never panic.
func FuzzOpen(f *testing.F) {
	f.Fuzz(func(t *testing.T, content []byte, behind bool) {
		disk := vfs.NewMem()
		opts := Options{FS: disk, Dir: "wal", SegmentBytes: minSegmentBytes}
		path := disk.PathJoin("wal", segment{seq: 1, first: 1}.name())
		var good []byte
		if behind {
			l, _, err := Open(opts)
			require.NoError(t, err)
			require.NoError(t, l.Append(&HardState{Term: 1, Vote: 1, Commit: 1}, []Entry{{Index: 1, Term: 1, Data: []byte("kept")}}))
			require.NoError(t, l.Close())
			all, err := disk.UnsafeGetFileDataBuffer(path)
			require.NoError(t, err)
			good = bytes.Clone(all[:l.w.off])
		}
		require.NoError(t, disk.MkdirAll("wal", 0o755))
		require.NoError(t, writeSynced(disk, path, append(good, content...)))

		l, got, err := Open(opts)
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
