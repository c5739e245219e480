package wal

import (
	"errors"
	"fmt"
	"hash/crc32"
)

// damage says why no frame can be read at some offset.
type damage struct {
	reason string
	// torn says that a power cut during the last write explains it.
	torn bool
}

// nextFrame reads the frame at off of segment seq, whose content is data, and
// says where the next one begins. The payload is a copy. It allocates no more
// than data holds.
func nextFrame(data []byte, seq uint64, off int64) (payload []byte, h header, next int64, stop *damage) {
	if off+headerBytes > int64(len(data)) {
		return nil, header{}, 0, &damage{"the file ends", true}
	}
	if stop := unwritten(data, seq, off); stop != nil {
		return nil, header{}, 0, stop
	}
	h, err := parseHeader(data[off:], seq, off)
	if err != nil {
		return nil, header{}, 0, &damage{err.Error(), false}
	}
	size := frameBytes(int(h.length))
	next = advance(off, size)
	if end := withStamp(next); end > int64(len(data)) {
		return nil, h, 0, &damage{fmt.Sprintf("%d bytes long, but the file ends after %d", end-off, int64(len(data))-off), true}
	}
	frame, state := gather(make([]byte, 0, size), data, size, seq, off)
	switch state {
	case sectorOld:
		return nil, h, 0, &damage{"a sector of it was not written", true}
	case sectorDamaged:
		return nil, h, 0, &damage{"a sector of it has a damaged stamp", false}
	}
	body := frame[headerBytes:]
	if got := crc32.Checksum(body, castagnoli); got != h.payloadCRC {
		return nil, h, 0, &damage{fmt.Sprintf("payload crc %#x, want %#x", got, h.payloadCRC), false}
	}
	return body[:h.length], h, next, nil
}

// unwritten tells whether a frame was written at off at all: within a sector,
// zeros follow the last one; at a sector's beginning, the sector has not this
// segment's stamp.
func unwritten(data []byte, seq uint64, off int64) *damage {
	start := off / sectorBytes * sectorBytes
	if withStamp(off) == off {
		if allZero(data[off:min(start+sectorBytes, int64(len(data)))]) {
			return &damage{"the header was not written", true}
		}
		return nil
	}
	switch stateOf(sectorAt(data, start), seq, start) {
	case sectorOld:
		return &damage{"the sector was not written", true}
	case sectorDamaged:
		return &damage{"the sector has a damaged stamp", false}
	}
	return nil
}

// firstFrame is the content of a segment's first frame.
type firstFrame struct {
	seg  segmentRecord
	hs   HardState
	mark SnapshotMark
}

func parseFirst(payload []byte) (firstFrame, error) {
	var first firstFrame
	n := 0
	err := decodeRecords(payload, func(record any) error {
		ok := false
		switch n {
		case 0:
			first.seg, ok = record.(segmentRecord)
		case 1:
			first.hs, ok = record.(HardState)
		case 2:
			var m markRecord
			m, ok = record.(markRecord)
			first.mark = m.SnapshotMark
		}
		if n++; !ok {
			return fmt.Errorf("record %d is %T, want a segment record, a hard state and a mark", n, record)
		}
		return nil
	})
	if err == nil && n != 3 {
		err = errors.New("fewer than three records, want a segment record, a hard state and a mark")
	}
	return first, err
}
