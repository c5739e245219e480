// Package codectest is the conformance suite of the codec axis.
package codectest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
)

// Commands returns one command of every kind, with keys and values that no
// text encoding could carry.
func Commands() []*kv.Command {
	bin := []byte{0, 0xff, 0xfe, '"', '\\', '\n', 0x80, 0xc3, 0x28}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	put := &kv.PutRequest{Key: bin, Value: all, PrevKv: true}
	del := &kv.DeleteRangeRequest{Key: bin, RangeEnd: []byte{0}, PrevKv: true}
	rng := &kv.RangeRequest{
		Key: []byte("a"), RangeEnd: []byte("b"), Limit: 7, Revision: 1 << 62,
		SortOrder: kv.RangeRequest_DESCEND, SortTarget: kv.RangeRequest_MOD, Serializable: true,
		KeysOnly: true, CountOnly: true, MinModRevision: 1, MaxModRevision: 2, MinCreateRevision: 3, MaxCreateRevision: 4,
	}
	inner := &kv.TxnRequest{Success: []*kv.RequestOp{{Put: put}}}
	return []*kv.Command{
		{Put: put},
		{Put: &kv.PutRequest{Key: []byte("k"), IgnoreValue: true, IgnoreLease: true, Lease: -1}},
		{Put: &kv.PutRequest{Key: []byte("empty value")}},
		{DeleteRange: del},
		{Compact: &kv.CompactRequest{Revision: 42}},
		{Txn: &kv.TxnRequest{
			Compare: []*kv.Compare{
				{Key: bin, Target: kv.Compare_VALUE, Result: kv.Compare_NOT_EQUAL, Value: all},
				{Key: []byte("n"), Target: kv.Compare_VERSION, Result: kv.Compare_LESS, Number: -5, RangeEnd: bin},
			},
			Success: []*kv.RequestOp{{Range: rng}, {Put: put}, {DeleteRange: del}, {Txn: inner}},
			Failure: []*kv.RequestOp{{Txn: &kv.TxnRequest{}}},
		}},
	}
}

// Run checks c: every command survives alone and in company, decoded commands
// own their bytes (those of a codec.Passer as far as it says), and damage is an
// error, never a panic.
func Run(t *testing.T, c codec.Codec) {
	d := codec.NewDecoder(c)
	for n := range len(Commands()) + 1 {
		t.Run(fmt.Sprintf("round trip of %d", n), func(t *testing.T) {
			want := Commands()[:n]
			id := codec.ProposalID{Origin: 1<<64 - 1, Sequence: 1 << 40}
			data := Encode(t, c, id, want)
			gotID, got, err := d.Decode(nil, data)
			require.NoError(t, err)
			require.Equal(t, id, gotID)
			if _, borrows := c.(codec.Passer); !borrows {
				clear(data) // whatever aliases the entry is destroyed now
			}
			requireEqual(t, want, got)
		})
	}
	t.Run("appends", func(t *testing.T) {
		prefix := []byte("prefix")
		b, err := c.AppendCommand(prefix, Commands()[0])
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(b, prefix))
		first := &kv.Command{}
		_, got, err := d.Decode([]*kv.Command{first}, Encode(t, c, codec.ProposalID{}, Commands()))
		require.NoError(t, err)
		require.Same(t, first, got[0])
		requireEqual(t, Commands(), got[1:])
	})
	if p, ok := c.(codec.Passer); ok {
		t.Run("passes", func(t *testing.T) { passes(t, p) })
	}
	t.Run("damage", func(t *testing.T) {
		data := Encode(t, c, codec.ProposalID{Origin: 1, Sequence: 2}, Commands())
		for cut := range data {
			_, got, err := d.Decode(nil, data[:cut])
			if err != nil {
				require.ErrorIs(t, err, codec.ErrCorrupt)
				continue
			}
			require.Less(t, len(got), len(Commands()), "a cut entry decoded whole")
		}
		data[0] = 0
		_, _, err := d.Decode(nil, data)
		require.ErrorIs(t, err, codec.ErrUnknownTag)
	})
}

// Fuzz feeds arbitrary bytes to the decoder: it must not panic, and what it
// accepts must survive another round trip.
func Fuzz(f *testing.F, c codec.Codec) {
	d := codec.NewDecoder(c)
	for n := range len(Commands()) + 1 {
		f.Add(Encode(f, c, codec.ProposalID{Origin: 1, Sequence: 2}, Commands()[:n]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		id, cmds, err := d.Decode(nil, data)
		if err != nil {
			return
		}
		again, got, err := d.Decode(nil, Encode(t, c, id, cmds))
		require.NoError(t, err)
		require.Equal(t, id, again)
		requireEqual(t, cmds, got)
	})
}

// Encode encodes cmds as one entry of c.
func Encode(tb testing.TB, c codec.Codec, id codec.ProposalID, cmds []*kv.Command) []byte {
	tb.Helper()
	encoded := make([][]byte, len(cmds))
	for i, cmd := range cmds {
		b, err := c.AppendCommand(nil, cmd)
		require.NoError(tb, err)
		encoded[i] = b
	}
	return codec.AppendEntry(nil, c, id, encoded)
}

func requireEqual(t *testing.T, want, got []*kv.Command) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.True(t, proto.Equal(want[i], got[i]), "command %d:\nwant %v\ngot  %v", i, want[i], got[i])
	}
}

// Benchmark measures encoding and decoding one put per entry, for the plan's
// operation (about 120 bytes as JSON, CLAIMS P1.2) and for the workloads' 8-byte
// key and 256-byte value. entry-bytes is what the log has to store.
func Benchmark(b *testing.B, c codec.Codec) {
	for _, size := range []struct{ key, value int }{{10, 50}, {8, 256}} {
		cmd := &kv.Command{Put: &kv.PutRequest{
			Key:   bytes.Repeat([]byte{'k'}, size.key),
			Value: bytes.Repeat([]byte{0xfe}, size.value),
		}}
		data := Encode(b, c, codec.ProposalID{Origin: 1, Sequence: 2}, []*kv.Command{cmd})
		name := fmt.Sprintf("key_bytes=%d/value_bytes=%d", size.key, size.value)
		b.Run("encode/"+name, func(b *testing.B) {
			b.ReportAllocs()
			var command, entry []byte
			for b.Loop() {
				command, _ = c.AppendCommand(command[:0], cmd)
				entry = codec.AppendEntry(entry[:0], c, codec.ProposalID{}, [][]byte{command})
			}
			b.ReportMetric(float64(len(entry)), "entry-bytes")
		})
		b.Run("decode/"+name, func(b *testing.B) {
			b.ReportAllocs()
			d := codec.NewDecoder(c)
			var cmds []*kv.Command
			for b.Loop() {
				var err error
				if _, cmds, err = d.Decode(cmds[:0], data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
