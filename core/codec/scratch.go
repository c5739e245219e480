package codec

import (
	"fmt"

	"metastorebench/core/kv"
)

// Passer is a Codec that takes requests into the log as they were received.
type Passer interface {
	Codec
	// AppendHead appends to dst what stands before w.Bytes in the encoding of w's
	// commands: the two pieces, one after another, are what AppendCommand would
	// make, and go to AppendPayload in this order.
	AppendHead(dst []byte, w kv.Wire) []byte
	// DecodeInto is DecodePayload with the caller's memory for the commands, which
	// are valid as s says. payload must never be changed again: commands may alias
	// it.
	DecodeInto(s *Scratch, dst []*kv.Command, payload []byte) ([]*kv.Command, error)
}

// Scratch is what a caller lends a Passer to decode into. The zero value lends
// nothing: commands are the caller's, and none keeps more than twice its own
// bytes of a payload alive. It belongs to one goroutine.
type Scratch struct {
	// Borrow lets every command alias the payload: the caller copies what it keeps.
	Borrow bool
	// Shared says that payloads are parts of larger buffers: no command aliases one,
	// unless Borrow lets it.
	Shared bool
	// Reuse lets Reset take all commands back.
	Reuse bool
	// CopiedBytes counts the bytes that decoding has copied.
	CopiedBytes int64

	chunks  [][]scratchCommand
	current int // the chunk that the next command comes from
	used    int // commands of it
}

// scratchCommand is a command of either kind in one piece.
type scratchCommand struct {
	command kv.Command
	put     kv.PutRequest
	del     kv.DeleteRangeRequest
}

// Chunks of commands grow from the first to the last size. One put to decode
// costs one small allocation, ten thousand cost forty.
const (
	firstChunk = 1
	lastChunk  = 256
)

// NewPut returns a command with an empty put.
func (s *Scratch) NewPut() *kv.Command {
	c := s.next()
	c.command.Put, c.command.DeleteRange = &c.put, nil
	return &c.command
}

// NewDelete returns a command with an empty delete.
func (s *Scratch) NewDelete() *kv.Command {
	c := s.next()
	c.command.Put, c.command.DeleteRange = nil, &c.del
	return &c.command
}

func (s *Scratch) next() *scratchCommand {
	for s.current < len(s.chunks) && s.used == len(s.chunks[s.current]) {
		s.current, s.used = s.current+1, 0
	}
	if s.current == len(s.chunks) {
		size := firstChunk
		if s.current > 0 {
			size = min(4*len(s.chunks[s.current-1]), lastChunk)
		}
		s.chunks = append(s.chunks, make([]scratchCommand, size))
	}
	c := &s.chunks[s.current][s.used]
	s.used++
	return c
}

// Own makes key and value, which lie in a payload of so many bytes, the command's
// own: it copies them both in one allocation, unless they may stay where they
// are.
func (s *Scratch) Own(payloadBytes int, key, value *[]byte) {
	k, v := len(*key), len(*value)
	if s.Borrow || !s.Shared && 2*(k+v) >= payloadBytes {
		return
	}
	own := make([]byte, k+v)
	copy(own, *key)
	copy(own[k:], *value)
	*key, *value = own[:k:k], own[k:]
	s.CopiedBytes += int64(k + v)
}

// Reset ends the use of the commands decoded so far. With Reuse they are given
// out again; what they pointed to is forgotten.
func (s *Scratch) Reset() {
	if !s.Reuse {
		s.chunks = nil
	}
	for i := range s.chunks[:min(s.current+1, len(s.chunks))] {
		for j := range s.chunks[i] {
			c := &s.chunks[i][j]
			c.put.Key, c.put.Value = nil, nil
			c.del.Key, c.del.RangeEnd = nil, nil
		}
	}
	s.current, s.used = 0, 0
}

// DecodeInto is Decode with the caller's memory; see Passer.
func (d *Decoder) DecodeInto(s *Scratch, dst []*kv.Command, data []byte) (ProposalID, []*kv.Command, error) {
	id, ok := Identify(data)
	if !ok {
		return id, dst, fmt.Errorf("%w: %d bytes, want at least %d", ErrCorrupt, len(data), HeaderBytes)
	}
	c, payload := d.byTag[data[0]], data[HeaderBytes:]
	if c == nil {
		return id, dst, fmt.Errorf("%w: %#x", ErrUnknownTag, data[0])
	}
	if p, ok := c.(Passer); ok {
		cmds, err := p.DecodeInto(s, dst, payload)
		return id, cmds, err
	}
	s.CopiedBytes += int64(len(payload))
	cmds, err := c.DecodePayload(dst, payload)
	return id, cmds, err
}
