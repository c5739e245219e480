package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A frame's payload is a run of records, each a type byte and a body. Numbers
// are unsigned varints unless a width is given; bytes are a varint length and
// the bytes.
//
//	entry     1 | index | term | type (1 byte) | data bytes
//	hard      2 | term | vote | commit
//	mark      3 | index | term | resets (1 byte, 0 or 1) | confstate bytes
//	segment   4 | cluster id | node id | end of previous segment | last index | last term
//	close     5
//
// "resets" says that the mark discarded all entries, because the log did not
// hold the entry that it names. A segment record is the first record of a
// segment's first frame and nowhere else. A close record says that the log was
// closed in order.
const (
	recEntry   = 1
	recHard    = 2
	recMark    = 3
	recSegment = 4
	recClose   = 5
)

// markRecord is a mark with the decision that replay has to repeat.
type markRecord struct {
	SnapshotMark
	resets bool
}

// segmentRecord carries what makes a segment readable on its own.
type segmentRecord struct {
	identity Identity
	// prevEnd is the offset at which the previous segment's frames end, 0 in
	// the first segment of all. It shows when a sealed segment lost its tail.
	prevEnd uint64
	// lastIndex and lastTerm describe the last entry before this segment.
	lastIndex, lastTerm uint64
}

// closeRecord is the orderly end of a log.
type closeRecord struct{}

func appendEntry(b []byte, e *Entry) []byte {
	b = append(b, recEntry)
	b = binary.AppendUvarint(b, e.Index)
	b = binary.AppendUvarint(b, e.Term)
	b = append(b, e.Type)
	return appendBytes(b, e.Data)
}

func appendHard(b []byte, hs HardState) []byte {
	b = append(b, recHard)
	b = binary.AppendUvarint(b, hs.Term)
	b = binary.AppendUvarint(b, hs.Vote)
	return binary.AppendUvarint(b, hs.Commit)
}

func appendMark(b []byte, m markRecord) []byte {
	b = append(b, recMark)
	b = binary.AppendUvarint(b, m.Index)
	b = binary.AppendUvarint(b, m.Term)
	resets := byte(0)
	if m.resets {
		resets = 1
	}
	return appendBytes(append(b, resets), m.ConfState)
}

func appendSegment(b []byte, s segmentRecord) []byte {
	b = append(b, recSegment)
	for _, v := range [...]uint64{s.identity.ClusterID, s.identity.NodeID, s.prevEnd, s.lastIndex, s.lastTerm} {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

func appendBytes(b, data []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(data)))
	return append(b, data...)
}

// hardBound is the most that a hard state takes as a record.
const hardBound = 1 + 3*binary.MaxVarintLen64

// entryBound is the most that e takes as a record.
func entryBound(e *Entry) int {
	return 2 + 3*binary.MaxVarintLen64 + len(e.Data)
}

// decodeRecords calls visit with each record of payload: an Entry, HardState,
// markRecord, segmentRecord or closeRecord. Byte slices alias payload.
func decodeRecords(payload []byte, visit func(record any) error) error {
	d := decoder{rest: payload}
	for len(d.rest) > 0 {
		at := len(payload) - len(d.rest)
		rec := d.record()
		if d.err != nil {
			return fmt.Errorf("record at payload byte %d: %w", at, d.err)
		}
		if err := visit(rec); err != nil {
			return fmt.Errorf("record at payload byte %d: %w", at, err)
		}
	}
	return nil
}

// decoder reads values off the front of rest; the first error sticks and later
// reads return zero values.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) record() any {
	switch typ := d.byte(); typ {
	case recEntry:
		return Entry{Index: d.uvarint(), Term: d.uvarint(), Type: d.byte(), Data: d.bytes()}
	case recHard:
		return HardState{Term: d.uvarint(), Vote: d.uvarint(), Commit: d.uvarint()}
	case recMark:
		m := markRecord{SnapshotMark: SnapshotMark{Index: d.uvarint(), Term: d.uvarint()}}
		resets := d.byte()
		if resets > 1 {
			d.fail(fmt.Errorf("resets flag is %d, want 0 or 1", resets))
		}
		m.resets = resets == 1
		m.ConfState = d.bytes()
		return m
	case recSegment:
		return segmentRecord{
			identity:  Identity{ClusterID: d.uvarint(), NodeID: d.uvarint()},
			prevEnd:   d.uvarint(),
			lastIndex: d.uvarint(),
			lastTerm:  d.uvarint(),
		}
	case recClose:
		return closeRecord{}
	default:
		d.fail(fmt.Errorf("record type %d, want 1 to 5", typ))
		return nil
	}
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail(errors.New("payload ends within a record"))
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail(errors.New("varint is cut short or exceeds 64 bits"))
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// bytes returns a slice that cannot be appended to in place, so that a caller
// who appends to an entry's data cannot reach its neighbour. Empty is nil.
func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail(fmt.Errorf("length %d exceeds the %d bytes left", n, len(d.rest)))
		return nil
	}
	if n == 0 {
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.rest = nil
}
