package json

import (
	"testing"

	"metastorebench/core/codec/codectest"
)

func TestConformance(t *testing.T) { codectest.Run(t, Codec{}) }

func FuzzDecode(f *testing.F) { codectest.Fuzz(f, Codec{}) }

func BenchmarkCodec(b *testing.B) { codectest.Benchmark(b, Codec{}) }
