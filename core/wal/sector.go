package wal

import "encoding/binary"

// The device writes sectors: each wholly or not at all, in any order, until a
// sync. What a sector holds that was not written is what it held before: zeros,
// or, in a file that was used for an older segment, that segment's bytes. To
// tell this from damage, every sector of a segment but the first, which holds
// the preamble, begins with a stamp:
//
//	0                  4                                     8             512
//	+------------------+-------------------------------------+-------------+
//	| sequence, 32 bit | CRC-32C of sequence and offset      | frames      |
//	+------------------+-------------------------------------+-------------+
//
// and what is written into a sector before its end is followed by zeros up to
// the end of its page. So where the log ends within a sector there are zeros,
// and where it ends at a sector's start there is a sector without this segment's
// stamp.
const (
	// sectorBytes is the smallest unit that a device writes atomically.
	sectorBytes = 512
	stampBytes  = 8
	// bodyBytes is what a sector holds of frames; a multiple of frameAlign.
	bodyBytes = sectorBytes - stampBytes
	// pageBytes is the unit in which the kernel keeps a file in memory. A page of
	// a recycled file that is written only in part would first have to be read.
	pageBytes = 4096
)

// sectorState is what a sector tells about itself.
type sectorState int

const (
	sectorCurrent sectorState = iota // written for this segment
	sectorOld                        // not written since the file was zeroed or recycled
	sectorDamaged                    // neither
)

// stampSum is the CRC in a stamp. offset is that of the sector. It goes byte by
// byte: what is given to crc32.Checksum would be allocated, for every sector.
func stampSum(seq uint32, offset int64) uint32 {
	var place [12]byte
	binary.LittleEndian.PutUint32(place[0:], seq)
	binary.LittleEndian.PutUint64(place[4:], uint64(offset))
	sum := ^uint32(0)
	for _, b := range place {
		sum = castagnoli[byte(sum)^b] ^ sum>>8
	}
	return ^sum
}

// appendStamp appends the stamp of the sector at offset.
func appendStamp(b []byte, seq uint64, offset int64) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(seq))
	return binary.LittleEndian.AppendUint32(b, stampSum(uint32(seq), offset))
}

// stateOf judges the sector at offset of segment seq. sector is shorter than a
// sector where the file ends within it.
func stateOf(sector []byte, seq uint64, offset int64) sectorState {
	if allZero(sector) {
		return sectorOld
	}
	if len(sector) < stampBytes {
		return sectorDamaged
	}
	stamped := binary.LittleEndian.Uint32(sector[0:])
	switch {
	case stampSum(stamped, offset) != binary.LittleEndian.Uint32(sector[4:]):
		return sectorDamaged
	case stamped == uint32(seq):
		return sectorCurrent
	case uint64(stamped) < seq:
		return sectorOld
	}
	return sectorDamaged
}

// sectorAt returns the sector of data that begins at offset, or what the file
// has of it.
func sectorAt(data []byte, offset int64) []byte {
	return data[offset:min(offset+sectorBytes, int64(len(data)))]
}

// advance returns where the frame bytes after n others begin, if those begin at
// off. Such an offset never lies in a stamp.
func advance(off int64, n int) int64 {
	body := off%sectorBytes - stampBytes + int64(n)
	return off - off%sectorBytes + body/bodyBytes*sectorBytes + body%bodyBytes + stampBytes
}

// withStamp returns off, or the offset of the stamp before it if off is where a
// sector's frames begin: what belongs to off begins there.
func withStamp(off int64) int64 {
	if off%sectorBytes == stampBytes {
		return off - stampBytes
	}
	return off
}

// scatter lays content, frame bytes that begin at off of segment seq, out over
// sectors: it appends to dst what has to be written at withStamp(off), stamps
// and the zeros up to the page's end included.
func scatter(dst, content []byte, seq uint64, off int64) []byte {
	at := withStamp(off)
	for len(content) > 0 {
		if at%sectorBytes == 0 {
			dst = appendStamp(dst, seq, at)
			at += stampBytes
		}
		n := min(sectorBytes-int(at%sectorBytes), len(content))
		dst = append(dst, content[:n]...)
		content, at = content[n:], at+int64(n)
	}
	if rest := at % pageBytes; rest != 0 {
		dst = append(dst, zeroPage[rest:]...)
	}
	return dst
}

var zeroPage [pageBytes]byte

// gather is the inverse of scatter: it appends to dst the n frame bytes that
// begin at off of data, which holds them. If a sector that they reach into was
// not written for this segment, or damaged, it says so; of several, it prefers
// one that was not written.
func gather(dst, data []byte, n int, seq uint64, off int64) ([]byte, sectorState) {
	state := sectorCurrent
	for n > 0 {
		if start := withStamp(off); start != off {
			if s := stateOf(sectorAt(data, start), seq, start); s != sectorCurrent && state != sectorOld {
				state = s
			}
		}
		run := min(sectorBytes-int(off%sectorBytes), n)
		dst = append(dst, data[off:off+int64(run)]...)
		off, n = advance(off, run), n-run
	}
	return dst, state
}

// writtenLen returns how far data may hold something that was written at off or
// behind it for segment seq: up to the end of the last sector that is not old.
func writtenLen(data []byte, seq uint64, off int64) int64 {
	for end := int64(len(data)); end > off; {
		start := (end - 1) / sectorBytes * sectorBytes
		old := false
		if start < withStamp(off) { // earlier frames begin the sector
			old = allZero(data[off:end])
		} else {
			old = stateOf(data[start:end], seq, start) == sectorOld
		}
		if !old {
			return end - off
		}
		end = start
	}
	return 0
}

// allZero reports whether b holds only zero bytes.
func allZero(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}
