package wal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"metastorebench/core/plant"
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
// CRC covers payload and padding; the header CRC covers the 20 bytes before it,
// preceded by the segment's sequence number and the frame's offset, so that bytes
// of a frame found at another place (a misdirected write, what an older segment
// left in a recycled file, or a value that contains a log) are no frame.
//
// A frame's bytes lie in sectors, around their stamps (sector.go): "frame bytes"
// do not count stamps, offsets in the file do. Frames follow one another, each
// padded to a multiple of 24 frame bytes, of which a sector holds 21 times as
// many. A header therefore never crosses a sector.
const (
	frameMagic  = 0xd7_4c_41_57 // "WAL" and a byte that no text contains
	headerBytes = 24
	frameAlign  = headerBytes
)

// castagnoli is CRC-32C, which has an instruction on amd64 and arm64.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is a decoded frame header.
type header struct {
	length     uint32 // payload bytes without padding
	synced     uint64 // offset in the segment
	payloadCRC uint32
}

// frameBytes returns the frame bytes of a frame with n payload bytes.
func frameBytes(n int) int {
	return (headerBytes+n+frameAlign-1)/frameAlign*frameAlign + plant.Frames*frameAlign
}

// sealFrame completes the frame in buf, which holds headerBytes of room and the
// payload, for off in segment seq. It returns the padded frame.
func sealFrame(buf []byte, seq uint64, off, synced int64) []byte {
	length := len(buf) - headerBytes
	buf = append(buf, zeroPage[:frameBytes(length)-len(buf)]...)
	binary.LittleEndian.PutUint32(buf[0:], frameMagic)
	binary.LittleEndian.PutUint32(buf[4:], uint32(length))
	binary.LittleEndian.PutUint64(buf[8:], uint64(synced))
	binary.LittleEndian.PutUint32(buf[16:], crc32.Checksum(buf[headerBytes:], castagnoli))
	binary.LittleEndian.PutUint32(buf[20:], headerCRC(buf, seq, off))
	return buf
}

// headerCRC checks a header in its place; see the layout above.
func headerCRC(b []byte, seq uint64, off int64) uint32 {
	var place [16]byte
	binary.LittleEndian.PutUint64(place[0:], seq)
	binary.LittleEndian.PutUint64(place[8:], uint64(off))
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, b[:headerBytes-4])
}

// parseHeader decodes the header at the start of b, which lies at off in
// segment seq and has at least headerBytes.
func parseHeader(b []byte, seq uint64, off int64) (header, error) {
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
	if h.synced > uint64(off) {
		return header{}, fmt.Errorf("synced offset %d, want at most the frame's own %d", h.synced, off)
	}
	return h, nil
}
