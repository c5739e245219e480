package wal

import (
	"errors"
	"fmt"
)

// damage says why no frame can be read at some offset.
type damage struct {
	reason string
	// torn says that a power cut during the last write explains it.
	torn bool
}

// nextFrame reads the frame at off of segment seq, whose content is data. The
// payload is a copy. It allocates no more than data holds.
func nextFrame(data []byte, seq, off uint64) ([]byte, header, *damage) {
	if off+headerBytes > uint64(len(data)) {
		return nil, header{}, &damage{"the file ends", true}
	}
	frame := data[off:]
	if allZero(frame[:headerBytes]) {
		// A sector is written as a whole: if the header was not, neither was
		// anything after it up to the sector's end.
		sector := frame[:min(sectorBytes-int(off%sectorBytes), len(frame))]
		return nil, header{}, &damage{"the header was not written", allZero(sector)}
	}
	h, err := parseHeader(frame, seq, off)
	if err != nil {
		return nil, header{}, &damage{err.Error(), false}
	}
	size := frameBytes(int(h.length))
	if size > len(frame) {
		return nil, h, &damage{fmt.Sprintf("%d bytes long, but the file ends after %d", size, len(frame)), true}
	}
	frame = frame[:size]
	payload, err := openPayload(frame, h, off)
	if err != nil {
		return nil, h, &damage{err.Error(), looksTorn(frame, off)}
	}
	return payload, h, nil
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
