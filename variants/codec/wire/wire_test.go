package wire

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/codec"
	"metastorebench/core/codec/codectest"
)

func TestConformance(t *testing.T) { codectest.Run(t, Codec{}) }

func FuzzDecode(f *testing.F) { codectest.Fuzz(f, Codec{}) }

func BenchmarkCodec(b *testing.B) { codectest.Benchmark(b, Codec{}) }

func TestBadPayloads(t *testing.T) {
	for what, payload := range map[string]string{
		"unknown form":                 "\x09\x00",
		"no form":                      "\x00\x00",
		"empty put":                    "\x01\x00",
		"key twice":                    "\x01\x06\x0a\x01k\x0a\x01k",
		"value first":                  "\x01\x06\x12\x01v\x0a\x01k",
		"unknown field":                "\x01\x05\x0a\x01k\x38\x01",
		"empty list":                   "\x03\x00",
		"list of something else":       "\x03\x02\x12\x00",
		"list with an empty delete":    "\x04\x02\x0a\x00",
		"put in the form of a command": "\x05\x05\x0a\x03\x0a\x01k",
		"longer than the payload":      "\x01\x7f\x0a\x01k",
	} {
		_, err := Codec{}.DecodePayload(nil, []byte(payload))
		require.ErrorIs(t, err, codec.ErrCorrupt, what)
	}
}
