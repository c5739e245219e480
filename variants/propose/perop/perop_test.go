package perop

import (
	"testing"

	"metastorebench/core/propose/proposetest"
	"metastorebench/variants/codec/protobuf"
)

func TestConformance(t *testing.T) { proposetest.Run(t, Policy{}, protobuf.Codec{}) }
