package rpcpb

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"metastorebench/core/recycle"
)

// ErrMalformed says that received bytes are no message of a pipeline.
var ErrMalformed = errors.New("rpcpb: malformed pipeline message")

// buffers holds the buffers of frames: from a few operations to the largest
// message that a store reads by default.
var buffers = recycle.Buffers(mem.NewTieredBufferPool(1<<10, 4<<10, 16<<10, 64<<10, 256<<10, 1<<20, 2<<20))

// Frame is a PipelineRequest or a PipelineResponse in its wire form, to be sent
// or received with Codec. The zero value is ready to receive. It belongs to one
// goroutine.
type Frame struct{ buf mem.Buffer }

// FrameOf returns a frame of bytes that are not used again.
func FrameOf(data []byte) Frame { return Frame{buf: mem.SliceBuffer(data)} }

// Bytes returns the message, valid until Free and until the frame receives
// another one. It must not be changed.
func (f *Frame) Bytes() []byte {
	if f.buf == nil {
		return nil
	}
	return f.buf.ReadOnlyData()
}

// Buffer is what Bytes lies in, for who wants to keep it longer than the frame
// does: with a reference of its own. Nil if the frame is empty.
func (f *Frame) Buffer() mem.Buffer { return f.buf }

// Free releases the buffer. Sending a frame frees it.
func (f *Frame) Free() {
	if f.buf != nil {
		f.buf.Free()
		f.buf = nil
	}
}

// Builder makes a message of a pipeline by appending items to a pooled buffer.
// The zero value is empty. It belongs to one goroutine at a time.
type Builder struct{ buf *[]byte }

// Len is the number of bytes so far.
func (b *Builder) Len() int {
	if b.buf == nil {
		return 0
	}
	return len(*b.buf)
}

// AddOperation appends op to a PipelineRequest, and copies all of it.
func (b *Builder) AddOperation(op *Operation) { b.add(fieldItems, op) }

// AddOutcome appends o to a PipelineResponse, and copies all of it.
func (b *Builder) AddOutcome(o *Outcome) { b.add(fieldItems, o) }

// SetWindow puts the window into a PipelineResponse.
func (b *Builder) SetWindow(w *Window) { b.add(fieldWindow, w) }

// Frame returns the message, and leaves the builder empty.
func (b *Builder) Frame() Frame {
	if b.buf == nil {
		return Frame{buf: mem.SliceBuffer(nil)}
	}
	f := Frame{buf: mem.NewBuffer(b.buf, buffers)}
	b.buf = nil
	return f
}

// The fields of both messages.
const (
	fieldItems  protowire.Number = 1
	fieldWindow protowire.Number = 2 // of a PipelineResponse
)

// encoder is what vtprotobuf generates.
type encoder interface {
	SizeVT() int
	MarshalToSizedBufferVT([]byte) (int, error)
}

// add appends a field that holds m.
func (b *Builder) add(field protowire.Number, m encoder) {
	size := m.SizeVT()
	b.grow(protowire.SizeTag(field) + protowire.SizeBytes(size))
	data := protowire.AppendTag(*b.buf, field, protowire.BytesType)
	data = protowire.AppendVarint(data, uint64(size))
	start := len(data)
	data = data[:start+size]
	if n, err := m.MarshalToSizedBufferVT(data[start:]); err != nil || n != size {
		panic(fmt.Sprintf("rpcpb: %d bytes encoded of %d: %v", n, size, err)) // SizeVT is of the same message
	}
	*b.buf = data
}

// grow makes room for n more bytes.
func (b *Builder) grow(n int) {
	if b.buf == nil {
		b.buf = buffers.Get(max(n, 4<<10))
		*b.buf = (*b.buf)[:0]
		return
	}
	if have := len(*b.buf); have+n > cap(*b.buf) {
		larger := buffers.Get(2*have + n)
		*larger = append((*larger)[:0], *b.buf...)
		buffers.Put(b.buf)
		b.buf = larger
	}
}

// Fields calls do for every field of a message: with the bytes of one that holds
// bytes, with the number of one that holds a varint. Others are skipped.
func Fields(data []byte, do func(field protowire.Number, bytes []byte, number uint64) error) error {
	for len(data) > 0 {
		field, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return fmt.Errorf("%w: %w", ErrMalformed, protowire.ParseError(n))
		}
		data = data[n:]
		var bytes []byte
		var number uint64
		switch kind {
		case protowire.BytesType:
			bytes, n = protowire.ConsumeBytes(data)
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(data)
		default:
			n = protowire.ConsumeFieldValue(field, kind, data)
		}
		if n < 0 {
			return fmt.Errorf("%w: field %d: %w", ErrMalformed, field, protowire.ParseError(n))
		}
		data = data[n:]
		if err := do(field, bytes, number); err != nil {
			return err
		}
	}
	return nil
}
