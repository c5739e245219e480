package lean

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// Every frame begins with
//
//	length 24 | type 8 | flags 8 | 0 1 | stream id 31
const frameHeaderBytes = 9

// maxFrameBytes is the largest payload that is read: HTTP/2's default, which no
// setting of ours raises.
const maxFrameBytes = 16 << 10

// frame is a frame whose payload is a part of the input buffer.
type frame struct {
	kind    http2.FrameType
	flags   http2.Flags
	stream  uint32
	length  int // of the payload as it was sent, with its padding
	payload []byte
}

func (f *frame) has(flag http2.Flags) bool { return f.flags&flag != 0 }

// parseFrameHeader reads a header; b has frameHeaderBytes at least.
func parseFrameHeader(b []byte) frame {
	return frame{
		length: int(b[0])<<16 | int(b[1])<<8 | int(b[2]),
		kind:   http2.FrameType(b[3]), flags: http2.Flags(b[4]),
		stream: binary.BigEndian.Uint32(b[5:]) & maxStreamID,
	}
}

const maxStreamID = 1<<31 - 1

// appendFrameHeader begins a frame of n bytes.
func appendFrameHeader(dst []byte, n int, kind http2.FrameType, flags http2.Flags, stream uint32) []byte {
	dst = append(dst, byte(n>>16), byte(n>>8), byte(n), byte(kind), byte(flags))
	return binary.BigEndian.AppendUint32(dst, stream)
}

// putFrameLength sets the length of a frame that begins b.
func putFrameLength(b []byte, n int) { b[0], b[1], b[2] = byte(n>>16), byte(n>>8), byte(n) }

func appendReset(dst []byte, stream uint32, code http2.ErrCode) []byte {
	dst = appendFrameHeader(dst, 4, http2.FrameRSTStream, 0, stream)
	return binary.BigEndian.AppendUint32(dst, uint32(code))
}

func appendWindow(dst []byte, stream, increment uint32) []byte {
	dst = appendFrameHeader(dst, 4, http2.FrameWindowUpdate, 0, stream)
	return binary.BigEndian.AppendUint32(dst, increment)
}

func appendPing(dst []byte, flags http2.Flags, data [8]byte) []byte {
	dst = appendFrameHeader(dst, 8, http2.FramePing, flags, 0)
	return append(dst, data[:]...)
}

func appendGoAway(dst []byte, last uint32, code http2.ErrCode, debug string) []byte {
	dst = appendFrameHeader(dst, 8+len(debug), http2.FrameGoAway, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, last)
	dst = binary.BigEndian.AppendUint32(dst, uint32(code))
	return append(dst, debug...)
}

func appendSettings(dst []byte, settings ...http2.Setting) []byte {
	dst = appendFrameHeader(dst, 6*len(settings), http2.FrameSettings, 0, 0)
	for _, s := range settings {
		dst = binary.BigEndian.AppendUint16(dst, uint16(s.ID))
		dst = binary.BigEndian.AppendUint32(dst, s.Val)
	}
	return dst
}

// fault is a violation that ends the connection, or, with a stream, that alone.
type fault struct {
	code   http2.ErrCode
	stream uint32
	why    string
}

func (f *fault) Error() string { return f.code.String() + ": " + f.why }

// broken is a fault of the connection.
func broken(code http2.ErrCode, why string) error { return &fault{code: code, why: why} }

// brokenStream is a fault of one stream.
func brokenStream(stream uint32, code http2.ErrCode, why string) error {
	return &fault{code: code, stream: stream, why: why}
}

// unpad takes the padding off a frame's payload.
func (f *frame) unpad() error {
	if !f.has(http2.FlagDataPadded) { // which is every kind's flag of that name
		return nil
	}
	if len(f.payload) == 0 {
		return broken(http2.ErrCodeFrameSize, "a padded frame without a pad length")
	}
	pad := int(f.payload[0])
	f.payload = f.payload[1:]
	if pad > len(f.payload) {
		return broken(http2.ErrCodeProtocol, "more padding than payload")
	}
	f.payload = f.payload[:len(f.payload)-pad]
	return nil
}
