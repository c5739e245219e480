package transport

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Kinds of frames; see the package comment.
const (
	frameMessage  = 'M'
	framePing     = 'P'
	framePiece    = 'D'
	frameEnd      = 'E'
	frameQuestion = 'Q'
	frameAnswer   = 'A'
	frameRefusal  = 'X'

	frameHeaderBytes = 1 + 4 + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrFrame says that a peer sent bytes that are not a frame, or not one that is
// expected here. The connection cannot be used any more.
var ErrFrame = errors.New("transport: invalid frame")

// beginFrame appends the header of a frame whose payload is appended next, and
// returns where it begins, for endFrame.
func beginFrame(b []byte, kind byte) (buf []byte, start int) {
	start = len(b)
	return append(b, kind, 0, 0, 0, 0, 0, 0, 0, 0), start
}

// endFrame completes the header of the frame that begins at start and ends at the
// end of b.
func endFrame(b []byte, start int) []byte {
	payload := b[start+frameHeaderBytes:]
	binary.LittleEndian.PutUint32(b[start+1:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(b[start+5:], crc32.Checksum(payload, castagnoli))
	return b
}

func appendFrame(b []byte, kind byte, payload []byte) []byte {
	b, start := beginFrame(b, kind)
	return endFrame(append(b, payload...), start)
}

// frameReader reads frames into one buffer.
type frameReader struct {
	r        *bufio.Reader
	maxBytes int
	buf      []byte
}

// keptFrameBytes bounds the buffer that is kept from frame to frame.
const keptFrameBytes = 4 << 20

// next reads one frame. The payload is valid until the next call.
func (f *frameReader) next() (kind byte, payload []byte, err error) {
	var header [frameHeaderBytes]byte
	if _, err := io.ReadFull(f.r, header[:]); err != nil {
		return 0, nil, err
	}
	length := int(binary.LittleEndian.Uint32(header[1:]))
	if length > f.maxBytes {
		return 0, nil, fmt.Errorf("%w: kind %q of %d bytes, at most %d are accepted", ErrFrame, header[0], length, f.maxBytes)
	}
	if cap(f.buf) < length || cap(f.buf) > keptFrameBytes {
		f.buf = make([]byte, max(length, 4096))
	}
	payload = f.buf[:length]
	if _, err := io.ReadFull(f.r, payload); err != nil {
		return 0, nil, fmt.Errorf("%w: cut short: %w", ErrFrame, err)
	}
	if got, want := crc32.Checksum(payload, castagnoli), binary.LittleEndian.Uint32(header[5:]); got != want {
		return 0, nil, fmt.Errorf("%w: crc %#08x, want %#08x", ErrFrame, got, want)
	}
	return header[0], payload, nil
}
