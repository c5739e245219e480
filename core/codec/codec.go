// Package codec defines how commands become log entries: the header that every
// entry carries and the seam behind --codec.
//
// # Layout of an entry's data
//
//	 0      1              9              17
//	+------+--------------+--------------+------------------------
//	| tag  | origin       | sequence     | payload, by codec
//	+------+--------------+--------------+------------------------
//	 1 byte  8 bytes LE     8 bytes LE
//
// The tag names the codec, so that a log written with one --codec is read by a
// node that runs another. Origin is drawn at random by each start of each node
// and sequence counts the entries that it proposed: together they identify the
// proposal, and a command is identified by its proposal and its position in
// it. A waiter can therefore never be answered by another's entry.
package codec

import (
	"encoding/binary"
	"errors"
	"fmt"

	"metastorebench/core/kv"
)

// HeaderBytes is the length of an entry's header.
const HeaderBytes = 1 + 8 + 8

// Codec encodes commands. Implementations are stateless and safe for
// concurrent use.
type Codec interface {
	// Name is the value's name on the axis.
	Name() string
	// Tag identifies the codec in the log, for ever.
	Tag() byte
	// AppendCommand appends the encoding of cmd to dst.
	AppendCommand(dst []byte, cmd *kv.Command) ([]byte, error)
	// AppendPayload appends to dst the payload that holds the encoded commands,
	// which AppendCommand made, in order.
	AppendPayload(dst []byte, encoded [][]byte) []byte
	// DecodePayload appends the payload's commands to dst. The commands own
	// their slices: nothing in them aliases payload, unless the codec is a Passer,
	// which has rules of its own. An error wraps ErrCorrupt.
	DecodePayload(dst []*kv.Command, payload []byte) ([]*kv.Command, error)
}

var (
	// ErrCorrupt says that an entry's data cannot be decoded.
	ErrCorrupt = errors.New("codec: log entry is corrupt")
	// ErrUnknownTag says that no codec of this program wrote the entry.
	ErrUnknownTag = errors.New("codec: log entry has an unknown codec tag")
)

// ProposalID identifies one proposed entry across nodes and restarts.
type ProposalID struct {
	Origin   uint64
	Sequence uint64
}

// AppendEntry appends a whole entry: header and payload.
func AppendEntry(dst []byte, c Codec, id ProposalID, encoded [][]byte) []byte {
	dst = append(dst, c.Tag())
	dst = binary.LittleEndian.AppendUint64(dst, id.Origin)
	dst = binary.LittleEndian.AppendUint64(dst, id.Sequence)
	return c.AppendPayload(dst, encoded)
}

// Decoder decodes entries of any of its codecs. It is safe for concurrent use.
type Decoder struct {
	byTag map[byte]Codec
}

// NewDecoder returns a Decoder for the given codecs. It panics if two share a
// tag.
func NewDecoder(codecs ...Codec) *Decoder {
	d := &Decoder{byTag: make(map[byte]Codec, len(codecs))}
	for _, c := range codecs {
		if other, dup := d.byTag[c.Tag()]; dup {
			panic(fmt.Sprintf("codec: %s and %s share tag %#x", other.Name(), c.Name(), c.Tag()))
		}
		d.byTag[c.Tag()] = c
	}
	return d
}

// Identify returns the id in an entry's header, and false if data is too short
// to have one: Raft's own entries are empty.
func Identify(data []byte) (ProposalID, bool) {
	if len(data) < HeaderBytes {
		return ProposalID{}, false
	}
	return ProposalID{
		Origin:   binary.LittleEndian.Uint64(data[1:]),
		Sequence: binary.LittleEndian.Uint64(data[9:]),
	}, true
}

// Decode splits an entry's data and appends its commands to dst.
func (d *Decoder) Decode(dst []*kv.Command, data []byte) (ProposalID, []*kv.Command, error) {
	id, ok := Identify(data)
	if !ok {
		return id, dst, fmt.Errorf("%w: %d bytes, want at least %d", ErrCorrupt, len(data), HeaderBytes)
	}
	c := d.byTag[data[0]]
	if c == nil {
		return id, dst, fmt.Errorf("%w: %#x", ErrUnknownTag, data[0])
	}
	cmds, err := c.DecodePayload(dst, data[HeaderBytes:])
	return id, cmds, err
}
