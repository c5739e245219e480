// Package protobuf is --codec=protobuf: log entries as protocol buffers, the
// plan's P1.2.
//
// A payload is the wire form of
//
//	message Payload { repeated metastore.kv.v1.Command commands = 1; }
//
// written through the generated code of vtprotobuf, which neither reflects nor
// allocates when it encodes into a buffer that is large enough.
package protobuf

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
)

const fieldCommands protowire.Number = 1

// Codec implements codec.Codec.
type Codec struct{}

var _ codec.Codec = Codec{}

// Name returns "protobuf".
func (Codec) Name() string { return "protobuf" }

// Tag returns the codec's tag in the log.
func (Codec) Tag() byte { return 'P' }

// AppendCommand appends cmd's wire form.
func (Codec) AppendCommand(dst []byte, cmd *kv.Command) ([]byte, error) {
	size := cmd.SizeVT()
	start := len(dst)
	dst = slices.Grow(dst, size)[:start+size]
	if _, err := cmd.MarshalToSizedBufferVT(dst[start:]); err != nil {
		return dst[:start], fmt.Errorf("encode command as protobuf: %w", err)
	}
	return dst, nil
}

// AppendPayload appends the commands as elements of the repeated field.
func (Codec) AppendPayload(dst []byte, encoded [][]byte) []byte {
	for _, e := range encoded {
		dst = protowire.AppendTag(dst, fieldCommands, protowire.BytesType)
		dst = protowire.AppendBytes(dst, e)
	}
	return dst
}

// DecodePayload parses the repeated field. Unlike a general protobuf parser it
// refuses unknown fields: in a log they can only be damage.
func (Codec) DecodePayload(dst []*kv.Command, payload []byte) ([]*kv.Command, error) {
	for at := 0; at < len(payload); {
		num, typ, n := protowire.ConsumeTag(payload[at:])
		if n < 0 || num != fieldCommands || typ != protowire.BytesType {
			return dst, fmt.Errorf("%w: protobuf payload: byte %d is not the tag of a command", codec.ErrCorrupt, at)
		}
		at += n
		raw, n := protowire.ConsumeBytes(payload[at:])
		if n < 0 {
			return dst, fmt.Errorf("%w: protobuf payload: byte %d: %w", codec.ErrCorrupt, at, protowire.ParseError(n))
		}
		cmd := new(kv.Command)
		if err := cmd.UnmarshalVT(raw); err != nil {
			return dst, fmt.Errorf("%w: protobuf payload: command at byte %d: %w", codec.ErrCorrupt, at, err)
		}
		at += n
		dst = append(dst, cmd)
	}
	return dst, nil
}
