package engine

import (
	"encoding/binary"
	"fmt"
)

// stateVersion is the first byte of an encoded State.
const stateVersion = 1

// AppendState appends the encoding of s to dst.
//
//	version     1 byte, stateVersion
//	uvarint     AppliedIndex, AppliedTerm, AppliedOps,
//	            Revision, CompactRevision (two's complement)
//	uvarint n   length of ConfState
//	n bytes     ConfState
func AppendState(dst []byte, s State) []byte {
	dst = append(dst, stateVersion)
	for _, v := range [...]uint64{
		s.AppliedIndex, s.AppliedTerm, uint64(s.AppliedOps),
		uint64(s.Revision), uint64(s.CompactRevision), uint64(len(s.ConfState)),
	} {
		dst = binary.AppendUvarint(dst, v)
	}
	return append(dst, s.ConfState...)
}

// DecodeState decodes what AppendState made, and copies what it keeps. An
// unknown version gives ErrFormat, anything else that is wrong ErrCorrupt.
func DecodeState(data []byte) (State, error) {
	if len(data) == 0 {
		return State{}, fmt.Errorf("state record: %w: empty", ErrCorrupt)
	}
	if data[0] != stateVersion {
		return State{}, fmt.Errorf("state record: %w: found %d, accepted %d", ErrFormat, data[0], stateVersion)
	}
	var fields [6]uint64
	rest := data[1:]
	for i := range fields {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			return State{}, fmt.Errorf("state record: %w: field %d of %d unreadable in %d bytes", ErrCorrupt, i+1, len(fields), len(data))
		}
		fields[i], rest = v, rest[n:]
	}
	if fields[2] > 1<<32-1 {
		return State{}, fmt.Errorf("state record: %w: applied operations %d exceed 32 bits", ErrCorrupt, fields[2])
	}
	if fields[5] != uint64(len(rest)) {
		return State{}, fmt.Errorf("state record: %w: ConfState of %d bytes announced, %d found", ErrCorrupt, fields[5], len(rest))
	}
	s := State{
		AppliedIndex:    fields[0],
		AppliedTerm:     fields[1],
		AppliedOps:      uint32(fields[2]),
		Revision:        int64(fields[3]),
		CompactRevision: int64(fields[4]),
	}
	if len(rest) > 0 {
		s.ConfState = append([]byte(nil), rest...)
	}
	return s, nil
}
