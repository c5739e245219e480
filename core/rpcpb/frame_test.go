package rpcpb_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/rpcpb"
)

// operations has one of each kind, and one of none, with bytes that are no text.
func operations() []*rpcpb.Operation {
	key := []byte{0, 0xff, 0x80}
	return []*rpcpb.Operation{
		{Id: 1, Put: &rpcpb.Put{Key: key, Value: bytes.Repeat([]byte{0xfe}, 300)}},
		{Id: 2, Get: &rpcpb.Get{Key: key, Revision: 1 << 60}},
		{Id: 3, Delete: &rpcpb.DeleteRange{Key: key, RangeEnd: []byte{0}}},
		{Id: 4, Range: &rpcpb.Range{Key: key, RangeEnd: []byte{0}, Limit: 9}},
		{Id: 1 << 63},
	}
}

func outcomes() []*rpcpb.Outcome {
	pair := &rpcpb.Pair{Key: []byte{0xff}, Value: []byte{0}, CreateRevision: 2, ModRevision: 3, Version: 4}
	return []*rpcpb.Outcome{
		{Id: 1, Put: &rpcpb.PutResult{Revision: 1 << 61}},
		{Id: 2, Get: &rpcpb.GetResult{Pair: pair}, Revision: 7},
		{Id: 3, Get: &rpcpb.GetResult{}, Revision: 8},
		{Id: 4, Delete: &rpcpb.DeleteResult{Revision: 9, Deleted: 5}},
		{Id: 5, Range: &rpcpb.RangeResult{Pairs: []*rpcpb.Pair{pair, pair}, More: true, Count: 6}, Revision: 10},
		{Id: 6, Error: &rpcpb.Error{Code: 14, Message: "no"}},
	}
}

// carry sends a message through the codec, in pieces of so many bytes.
func carry(t *testing.T, message any, pieceBytes int) []byte {
	t.Helper()
	sent, err := rpcpb.Codec().Marshal(message)
	require.NoError(t, err)
	data := sent.Materialize()
	sent.Free()
	var pieces mem.BufferSlice
	for piece := range slices.Chunk(data, pieceBytes) {
		pieces = append(pieces, mem.SliceBuffer(piece))
	}
	var frame rpcpb.Frame
	require.NoError(t, rpcpb.Codec().Unmarshal(pieces, &frame))
	defer frame.Free()
	return bytes.Clone(frame.Bytes())
}

// TestFramesAreMessages checks frames against generated code, both ways.
func TestFramesAreMessages(t *testing.T) {
	var build rpcpb.Builder
	request := &rpcpb.PipelineRequest{Operations: operations()}
	for _, op := range request.Operations {
		build.AddOperation(op)
	}
	frame := build.Frame()
	require.Zero(t, build.Len())
	for _, message := range []any{request, &frame} {
		data := carry(t, message, 7)
		got := &rpcpb.PipelineRequest{}
		require.NoError(t, proto.Unmarshal(data, got))
		require.True(t, proto.Equal(request, got))
		var walk rpcpb.Operations
		for range 2 { // a walk keeps nothing of the one before
			n := 0
			require.NoError(t, walk.Each(data, func(op *rpcpb.Operation) error {
				require.True(t, proto.Equal(request.Operations[n], op), "%v", op)
				n++
				return nil
			}))
			require.Len(t, request.Operations, n)
		}
	}

	response := &rpcpb.PipelineResponse{Outcomes: outcomes(), Window: &rpcpb.Window{Operations: 5, OperationBytes: 6}}
	for _, o := range response.Outcomes {
		build.AddOutcome(o)
	}
	build.SetWindow(response.Window)
	frame = build.Frame()
	for _, message := range []any{response, &frame} {
		data := carry(t, message, 1<<20)
		got := &rpcpb.PipelineResponse{}
		require.NoError(t, proto.Unmarshal(data, got))
		require.True(t, proto.Equal(response, got))
		n := 0
		var walk rpcpb.Outcomes
		window, err := walk.Each(data, func(o *rpcpb.Outcome) error {
			require.True(t, proto.Equal(response.Outcomes[n], o), "%v", o)
			n++
			return nil
		})
		require.NoError(t, err)
		require.Len(t, response.Outcomes, n)
		require.True(t, proto.Equal(response.Window, window))
	}
}

// TestLargeFrame builds a message that outgrows every pooled buffer.
func TestLargeFrame(t *testing.T) {
	var build rpcpb.Builder
	for i := range 40 {
		build.AddOperation(&rpcpb.Operation{Id: uint64(i + 1), Put: &rpcpb.Put{Key: fmt.Append(nil, i), Value: make([]byte, 100<<10)}})
	}
	frame := build.Frame()
	n := 0
	var walk rpcpb.Operations
	require.NoError(t, walk.Each(carry(t, &frame, 1<<20), func(op *rpcpb.Operation) error {
		require.Equal(t, fmt.Sprint(n), string(op.Put.Key))
		require.Len(t, op.Put.Value, 100<<10)
		n++
		return nil
	}))
	require.Equal(t, 40, n)
}

// TestWalkEnds checks that an error ends a walk.
func TestWalkEnds(t *testing.T) {
	data, err := proto.Marshal(&rpcpb.PipelineRequest{Operations: operations()})
	require.NoError(t, err)
	enough, n := errors.New("enough"), 0
	var walk rpcpb.Operations
	require.ErrorIs(t, walk.Each(data, func(*rpcpb.Operation) error { n++; return enough }), enough)
	require.Equal(t, 1, n)
	require.ErrorIs(t, walk.Each(data[:len(data)-1], func(*rpcpb.Operation) error { return nil }), rpcpb.ErrMalformed)
	var outcomes rpcpb.Outcomes
	_, err = outcomes.Each([]byte{0x0a, 0x05, 0x1a}, func(*rpcpb.Outcome) error { return nil })
	require.ErrorIs(t, err, rpcpb.ErrMalformed)
}

// FuzzOperations checks that a walk takes what generated code takes, and finds
// the same in it, but for operations of a kind given twice, which generated code
// merges.
func FuzzOperations(f *testing.F) {
	seed, err := proto.Marshal(&rpcpb.PipelineRequest{Operations: operations()})
	require.NoError(f, err)
	f.Add(seed)
	f.Add([]byte("\x0a\x07\x08\x07\x12\x03\x0a\xff\x01"))
	f.Add([]byte("\x0a\x04\x12\x00\x12\x00"))
	f.Add([]byte("\x0a\x06\x12\x04\x5a\x02zz"))
	f.Fuzz(func(t *testing.T, data []byte) {
		want := &rpcpb.PipelineRequest{}
		wrong := want.UnmarshalVT(data)
		var walk rpcpb.Operations
		n := 0
		err := walk.Each(data, func(op *rpcpb.Operation) error {
			if wrong == nil {
				require.Less(t, n, len(want.Operations))
				require.Equal(t, want.Operations[n].Id, op.Id)
				require.Equal(t, want.Operations[n].Put != nil, op.Put != nil)
				require.Equal(t, want.Operations[n].Range != nil, op.Range != nil)
			}
			n++
			return nil
		})
		if wrong == nil {
			require.NoError(t, err)
			require.Len(t, want.Operations, n)
		} else if err != nil {
			require.ErrorIs(t, err, rpcpb.ErrMalformed)
		}
	})
}
