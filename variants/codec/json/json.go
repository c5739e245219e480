// Package json is --codec=json: log entries as JSON, the plan's baseline.
//
// A payload is an array of commands as encoding/json writes them; keys and
// values are base64, as encoding/json does for bytes, so every byte sequence
// survives.
package json

import (
	"encoding/json"
	"fmt"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
)

// Codec implements codec.Codec.
type Codec struct{}

var _ codec.Codec = Codec{}

// Name returns "json".
func (Codec) Name() string { return "json" }

// Tag returns the codec's tag in the log.
func (Codec) Tag() byte { return 'J' }

// AppendCommand appends cmd as a JSON object.
func (Codec) AppendCommand(dst []byte, cmd *kv.Command) ([]byte, error) {
	b, err := json.Marshal(cmd)
	if err != nil {
		return dst, fmt.Errorf("encode command as JSON: %w", err)
	}
	return append(dst, b...), nil
}

// AppendPayload appends the JSON array of the encoded commands.
func (Codec) AppendPayload(dst []byte, encoded [][]byte) []byte {
	dst = append(dst, '[')
	for i, e := range encoded {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, e...)
	}
	return append(dst, ']')
}

// DecodePayload parses the array.
func (Codec) DecodePayload(dst []*kv.Command, payload []byte) ([]*kv.Command, error) {
	var cmds []*kv.Command
	if err := json.Unmarshal(payload, &cmds); err != nil {
		return dst, fmt.Errorf("%w: JSON payload: %w", codec.ErrCorrupt, err)
	}
	for i, c := range cmds {
		if c == nil {
			return dst, fmt.Errorf("%w: JSON payload: command %d is null", codec.ErrCorrupt, i)
		}
	}
	return append(dst, cmds...), nil
}
