package wal

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
)

// A frame is the unit of writing: what one Append puts into a segment with one
// write call. All integers are little-endian.
//
//	0        4         8                   16            20           24
//	+--------+---------+-------------------+-------------+------------+---------------+
//	| magic  | length  | synced offset     | payload CRC | header CRC | payload, pad  |
//	+--------+---------+-------------------+-------------+------------+---------------+
//
// length counts the payload without its padding. The synced offset says how far
// this segment was known to be durable when the frame was written. The payload
// CRC covers payload and padding as they are on disk; the header CRC covers the
// 20 bytes before it, preceded by the segment's sequence number and the frame's
// offset, so that bytes of a frame found at another place (a misdirected write,
// or a value that contains a log) are no frame.
//
// Frames begin at multiples of 32 and are padded to a multiple of 32. A header
// therefore never crosses a sector, and no frame has less than 32 bytes in any
// sector it touches. Payload and padding are XORed with a fixed noise table:
// with that, no sector's part of a frame is all zero (see looksTorn), however
// many zeros the payload holds.
const (
	frameMagic  = 0xd7_4c_41_57 // "WAL" and a byte that no text contains
	headerBytes = 24
	frameAlign  = 32
	// sectorBytes is the smallest unit that a device writes atomically.
	sectorBytes = 512
)

// castagnoli is CRC-32C, which has an instruction on amd64 and arm64.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// noise is XORed over payloads, repeating every 4096 bytes of file offset.
var noise = func() *[4096]byte {
	var table [4096]byte
	rng := rand.New(rand.NewPCG(0x6d65746173746f72, 0x65777269746561ff))
	for i := 0; i < len(table); i += 8 {
		binary.LittleEndian.PutUint64(table[i:], rng.Uint64())
	}
	return &table
}()

// header is a decoded frame header.
type header struct {
	length     uint32 // payload bytes without padding
	synced     uint64 // offset in the segment
	payloadCRC uint32
}

// frameBytes returns the size on disk of a frame with n payload bytes.
func frameBytes(n int) int {
	return (headerBytes + n + frameAlign - 1) &^ (frameAlign - 1)
}

// sealFrame completes the frame in buf, which holds headerBytes of room and the
// payload, for writing at off in segment seq. It returns the padded frame.
func sealFrame(buf []byte, seq, off, synced uint64) []byte {
	length := len(buf) - headerBytes
	for len(buf)%frameAlign != 0 {
		buf = append(buf, 0)
	}
	body := buf[headerBytes:]
	applyNoise(body, off+headerBytes)
	binary.LittleEndian.PutUint32(buf[0:], frameMagic)
	binary.LittleEndian.PutUint32(buf[4:], uint32(length))
	binary.LittleEndian.PutUint64(buf[8:], synced)
	binary.LittleEndian.PutUint32(buf[16:], crc32.Checksum(body, castagnoli))
	binary.LittleEndian.PutUint32(buf[20:], headerCRC(buf, seq, off))
	return buf
}

// headerCRC checks a header in its place; see the layout above.
func headerCRC(b []byte, seq, off uint64) uint32 {
	var place [16]byte
	binary.LittleEndian.PutUint64(place[0:], seq)
	binary.LittleEndian.PutUint64(place[8:], off)
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, b[:headerBytes-4])
}

// parseHeader decodes the header at the start of b, which lies at off in
// segment seq and has at least headerBytes.
func parseHeader(b []byte, seq, off uint64) (header, error) {
	if got := binary.LittleEndian.Uint32(b[0:]); got != frameMagic {
		return header{}, fmt.Errorf("frame magic %#x, want %#x", got, uint32(frameMagic))
	}
	got, want := headerCRC(b, seq, off), binary.LittleEndian.Uint32(b[20:])
	if got != want {
		return header{}, fmt.Errorf("header crc %#x, want %#x", got, want)
	}
	h := header{
		length:     binary.LittleEndian.Uint32(b[4:]),
		synced:     binary.LittleEndian.Uint64(b[8:]),
		payloadCRC: binary.LittleEndian.Uint32(b[16:]),
	}
	if h.length > maxPayloadBytes {
		return header{}, fmt.Errorf("frame length %d, want at most %d", h.length, maxPayloadBytes)
	}
	if h.synced > off {
		return header{}, fmt.Errorf("synced offset %d, want at most the frame's own %d", h.synced, off)
	}
	return h, nil
}

// openPayload checks the whole frame against its header and returns a copy of
// the payload without noise and padding.
func openPayload(frame []byte, h header, off uint64) ([]byte, error) {
	body := frame[headerBytes:]
	if got := crc32.Checksum(body, castagnoli); got != h.payloadCRC {
		return nil, fmt.Errorf("payload crc %#x, want %#x", got, h.payloadCRC)
	}
	payload := make([]byte, h.length)
	copy(payload, body)
	applyNoise(payload, off+headerBytes)
	return payload, nil
}

// applyNoise XORs b, which lies at off, with the noise table. Applying it twice
// restores b.
func applyNoise(b []byte, off uint64) {
	for len(b) > 0 {
		n := subtle.XORBytes(b, b, noise[off%uint64(len(noise)):])
		b, off = b[n:], off+uint64(n)
	}
}

// looksTorn reports whether a damaged frame at off looks as if a power cut kept
// a sector from being written: the part of some sector that it covers is all
// zero, as unwritten space reads. A whole frame has no such part, and one
// damaged bit cannot make one.
func looksTorn(frame []byte, off uint64) bool {
	for len(frame) > 0 {
		n := min(sectorBytes-int(off%sectorBytes), len(frame))
		if allZero(frame[:n]) {
			return true
		}
		frame, off = frame[n:], off+uint64(n)
	}
	return false
}

// allZero reports whether b holds only zero bytes.
func allZero(b []byte) bool {
	return nonZeroLen(b) == 0
}

// nonZeroLen returns the length of b without its trailing zeros.
func nonZeroLen(b []byte) int {
	for len(b) >= 8 && binary.LittleEndian.Uint64(b[len(b)-8:]) == 0 {
		b = b[:len(b)-8]
	}
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return len(b)
}
