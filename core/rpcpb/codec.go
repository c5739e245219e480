package rpcpb

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// Codec returns gRPC's codec for protobuf, which in addition takes a *Frame for
// a message of a pipeline. It goes by the same name on the wire. It is safe for
// concurrent use.
func Codec() encoding.CodecV2 { return frameCodec{encoding.GetCodecV2(proto.Name)} }

type frameCodec struct{ encoding.CodecV2 }

// Marshal hands a frame's buffer over to gRPC.
func (c frameCodec) Marshal(v any) (mem.BufferSlice, error) {
	f, ok := v.(*Frame)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	data := mem.BufferSlice{f.buf}
	f.buf = nil
	return data, nil
}

// Unmarshal keeps a reference to the received bytes in the frame. They are
// copied if they did not arrive in one piece.
func (c frameCodec) Unmarshal(data mem.BufferSlice, v any) error {
	f, ok := v.(*Frame)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	f.Free()
	f.buf = data.MaterializeToBuffer(buffers)
	return nil
}
