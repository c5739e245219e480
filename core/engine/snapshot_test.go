package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// seq ranges over pairs, and yields err last if it is not nil.
func seq(err error, pairs ...*kv.KeyValue) iter.Seq2[*kv.KeyValue, error] {
	return func(yield func(*kv.KeyValue, error) bool) {
		for _, p := range pairs {
			if !yield(p, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// numbered returns n pairs with values of size bytes.
func numbered(n, size int) []*kv.KeyValue {
	pairs := make([]*kv.KeyValue, n)
	for i := range pairs {
		pairs[i] = &kv.KeyValue{
			Key: fmt.Appendf(nil, "\xffkey %06d", i), Value: bytes.Repeat([]byte{byte(i)}, size),
			CreateRevision: 1, ModRevision: int64(i), Version: 2, Lease: -int64(i),
		}
	}
	return pairs
}

var testState = engine.State{AppliedIndex: 7, AppliedTerm: 2, Revision: 9, ConfState: []byte("conf")}

func write(t testing.TB, pairs ...*kv.KeyValue) []byte {
	t.Helper()
	var buf bytes.Buffer
	n, err := engine.WriteSnapshot(&buf, testState, seq(nil, pairs...))
	require.NoError(t, err)
	require.EqualValues(t, buf.Len(), n)
	return buf.Bytes()
}

// read returns all that a stream holds.
func read(r io.Reader) (state engine.State, pairs []*kv.KeyValue, err error) {
	err = engine.ReadSnapshot(r,
		func(s engine.State) error { state = s; return nil },
		func(p *kv.KeyValue) error { pairs = append(pairs, p); return nil })
	return state, pairs, err
}

func TestSnapshotRoundTrip(t *testing.T) {
	for _, pairs := range [][]*kv.KeyValue{
		nil,
		numbered(1, 0),
		numbered(1, 1<<20),  // one record beyond a chunk's target
		numbered(3000, 200), // many chunks
	} {
		stream := write(t, pairs...)
		// A reader that gets a byte at a time must not mind, and must leave
		// what follows the stream alone.
		rest := bytes.NewReader(append(stream, "tail"...))
		state, got, err := read(iotest.HalfReader(rest))
		require.NoError(t, err)
		require.Equal(t, testState, state)
		require.Equal(t, pairs, got)
		tail, err := io.ReadAll(rest)
		require.NoError(t, err)
		require.Equal(t, "tail", string(tail))
	}
}

func TestSnapshotCut(t *testing.T) {
	stream := write(t, numbered(5, 10)...)
	for n := range stream {
		_, _, err := read(bytes.NewReader(stream[:n]))
		require.ErrorIs(t, err, engine.ErrSnapshotCorrupt, "%d bytes of %d", n, len(stream))
	}
}

func TestSnapshotEveryFlippedBit(t *testing.T) {
	stream := write(t, numbered(3, 10)...)
	for bit := range 8 * len(stream) {
		damaged := bytes.Clone(stream)
		damaged[bit/8] ^= 1 << (bit % 8)
		_, _, err := read(bytes.NewReader(damaged))
		require.ErrorIs(t, err, engine.ErrSnapshotCorrupt, "bit %d of byte %d", bit%8, bit/8)
	}
}

func seal(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func header(version uint32) []byte {
	return seal(binary.LittleEndian.AppendUint32([]byte("MSSNAP\r\n"), version))
}

func chunk(kind byte, payload ...byte) []byte {
	return seal(append(binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(payload))), payload...))
}

// TestSnapshotForged gives streams whose CRCs are right and whose content is
// not.
func TestSnapshotForged(t *testing.T) {
	state := chunk('S', engine.AppendState(nil, testState)...)
	record := []byte("\x01k\x05\x01\x01\x01\x00v")
	end := chunk('E', 0, 0, 0, 0, 0, 0, 0, 0)
	for _, test := range []struct {
		name   string
		stream [][]byte
		want   error
		text   string
	}{
		{"magic", [][]byte{seal([]byte("MSSNAP\r\r\x01\x00\x00\x00"))}, engine.ErrSnapshotCorrupt, `magic "MSSNAP\r\r"`},
		{"version", [][]byte{header(2)}, engine.ErrFormat, "found 2, accepted 1"},
		{"no state", [][]byte{header(1), end}, engine.ErrSnapshotCorrupt, "chunk 1: kind 'E', want 'S'"},
		{"bad state", [][]byte{header(1), chunk('S', 1)}, engine.ErrSnapshotCorrupt, "state record"},
		{"state version", [][]byte{header(1), chunk('S', 9)}, engine.ErrFormat, "found 9, accepted 1"},
		{"kind", [][]byte{header(1), state, chunk('X')}, engine.ErrSnapshotCorrupt, "chunk 2: kind 'X'"},
		{"two states", [][]byte{header(1), state, state}, engine.ErrSnapshotCorrupt, "chunk 2: kind 'S'"},
		{"key cut", [][]byte{header(1), state, chunk('R', record[:1]...)}, engine.ErrSnapshotCorrupt, "key of record 1"},
		{"value cut", [][]byte{header(1), state, chunk('R', record[:4]...)}, engine.ErrSnapshotCorrupt, "value of record 1"},
		{"metadata", [][]byte{header(1), state, chunk('R', 1, 'k', 1, 0x80)}, engine.ErrSnapshotCorrupt, "metadata unreadable"},
		{"same key twice", [][]byte{header(1), state, chunk('R', append(record, record...)...)}, engine.ErrSnapshotCorrupt, `key "k" after "k"`},
		{"count", [][]byte{header(1), state, chunk('R', record...), end}, engine.ErrSnapshotCorrupt, "0 records announced, 1 found"},
		{"end", [][]byte{header(1), state, chunk('E', 0)}, engine.ErrSnapshotCorrupt, "end of 1 bytes, want 8"},
		{"length", [][]byte{header(1), {'S', 0xff, 0xff, 0xff, 0xff}}, engine.ErrSnapshotCorrupt, "length 4294967295"},
	} {
		_, _, err := read(bytes.NewReader(bytes.Join(test.stream, nil)))
		require.ErrorIs(t, err, test.want, test.name)
		require.ErrorContains(t, err, test.text, test.name)
		if test.want == engine.ErrFormat {
			require.NotErrorIs(t, err, engine.ErrSnapshotCorrupt, test.name)
		}
	}
}

var errTest = errors.New("test")

// TestSnapshotErrorsPassThrough checks that errors of the two sides reach the
// caller, and are not taken for damage.
func TestSnapshotErrorsPassThrough(t *testing.T) {
	_, err := engine.WriteSnapshot(io.Discard, testState, seq(errTest, numbered(2, 1)...))
	require.ErrorIs(t, err, errTest)

	stream := write(t, numbered(2, 1)...)
	_, _, err = read(io.MultiReader(bytes.NewReader(stream[:40]), iotest.ErrReader(errTest)))
	require.ErrorIs(t, err, errTest)
	require.NotErrorIs(t, err, engine.ErrSnapshotCorrupt)

	fail := func(engine.State) error { return errTest }
	require.ErrorIs(t, engine.ReadSnapshot(bytes.NewReader(stream), fail, nil), errTest)
	seen := 0
	err = engine.ReadSnapshot(bytes.NewReader(stream),
		func(engine.State) error { return nil },
		func(*kv.KeyValue) error { seen++; return errTest })
	require.ErrorIs(t, err, errTest)
	require.Equal(t, 1, seen)
}

func TestSnapshotRefusesDisorder(t *testing.T) {
	pairs := numbered(2, 1)
	_, err := engine.WriteSnapshot(io.Discard, testState, seq(nil, pairs[1], pairs[0]))
	require.ErrorContains(t, err, "out of order")
}

// FuzzReadSnapshot checks that a stream that is accepted is the stream of what
// it holds, but for the ways to split it, and that the rest ends in a sentinel.
func FuzzReadSnapshot(f *testing.F) {
	f.Add(write(f, numbered(3, 5)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		state, pairs, err := read(bytes.NewReader(data))
		if err != nil {
			requireSentinel(t, err, engine.ErrSnapshotCorrupt, engine.ErrFormat)
			return
		}
		var buf bytes.Buffer
		_, err = engine.WriteSnapshot(&buf, state, seq(nil, pairs...))
		require.NoError(t, err)
		state2, pairs2, err := read(&buf)
		require.NoError(t, err)
		require.Equal(t, state, state2)
		require.Equal(t, pairs, pairs2)
	})
}
