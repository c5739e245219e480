package codectest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
	"metastorebench/core/rpcpb"
)

// passes checks what a codec.Passer does beside a Codec: requests as they were
// received mean the same as their commands, small commands own their bytes, and
// memory that is lent is used again.
func passes(t *testing.T, c codec.Passer) {
	puts, deletes, want := received(t)
	var encoded [][]byte
	for _, w := range []kv.Wire{puts, deletes} {
		encoded = append(encoded, c.AppendHead(nil, w), w.Bytes)
	}
	data := codec.AppendEntry(nil, c, codec.ProposalID{Origin: 1, Sequence: 2}, encoded)
	d := codec.NewDecoder(c)

	for _, s := range []*codec.Scratch{{}, {Borrow: true}, {Reuse: true}, {Borrow: true, Reuse: true}} {
		t.Run(fmt.Sprintf("borrow=%t reuse=%t", s.Borrow, s.Reuse), func(t *testing.T) {
			var first *kv.Command
			for round := range 3 {
				entry := append([]byte(nil), data...)
				id, got, err := d.DecodeInto(s, nil, entry)
				require.NoError(t, err)
				require.Equal(t, codec.ProposalID{Origin: 1, Sequence: 2}, id)
				requireEqual(t, want, got)
				if !s.Borrow {
					clear(entry)
					requireEqual(t, want[:len(want)/2], got[:len(got)/2]) // the puts, which engines keep
				}
				if round > 0 {
					require.Equal(t, s.Reuse, first == got[0])
				}
				first = got[0]
				s.Reset()
			}
			require.Equal(t, s.Borrow, s.CopiedBytes == 0)
		})
	}
	t.Run("a large value stays in a payload that nobody else has", func(t *testing.T) {
		put := &kv.Command{Put: &kv.PutRequest{Key: []byte("k"), Value: make([]byte, 1000)}}
		entry := Encode(t, c, codec.ProposalID{}, []*kv.Command{put})
		s := &codec.Scratch{}
		_, got, err := d.DecodeInto(s, nil, entry)
		require.NoError(t, err)
		require.Zero(t, s.CopiedBytes)
		entry[len(entry)-1] = 7
		require.Equal(t, byte(7), got[0].Put.Value[999])

		s.Shared = true
		_, got, err = d.DecodeInto(s, nil, entry)
		require.NoError(t, err)
		require.EqualValues(t, 1001, s.CopiedBytes)
		clear(entry)
		require.Equal(t, byte(7), got[0].Put.Value[999])
	})
}

// received returns a batch of puts and one of deletes as a client sends them, and
// the commands that they are.
func received(t *testing.T) (puts, deletes kv.Wire, cmds []*kv.Command) {
	const n = 5
	var put rpcpb.BatchPutRequest
	var del rpcpb.BatchDeleteRequest
	for i := range n {
		key := fmt.Appendf(nil, "\xff%d", i)
		put.Puts = append(put.Puts, &rpcpb.Put{Key: key, Value: make([]byte, 10*i)})
		cmds = append(cmds, &kv.Command{Put: &kv.PutRequest{Key: key, Value: make([]byte, 10*i)}})
	}
	for i := range n {
		key := fmt.Appendf(nil, "\x00%d", i)
		del.Deletes = append(del.Deletes, &rpcpb.Delete{Key: key})
		cmds = append(cmds, &kv.Command{DeleteRange: &kv.DeleteRangeRequest{Key: key}})
	}
	putBytes, err := put.MarshalVT()
	require.NoError(t, err)
	delBytes, err := del.MarshalVT()
	require.NoError(t, err)
	return kv.Wire{Form: kv.FormPuts, Ops: n, Bytes: putBytes}, kv.Wire{Form: kv.FormDeletes, Ops: n, Bytes: delBytes}, cmds
}
