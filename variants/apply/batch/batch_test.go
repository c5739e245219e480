package batch

import (
	"testing"

	"metastorebench/core/apply/applytest"
	"metastorebench/variants/codec/json"
	"metastorebench/variants/codec/protobuf"
)

func TestConformance(t *testing.T) {
	t.Run("json", func(t *testing.T) { applytest.RunPolicy(t, Policy{}, json.Codec{}) })
	t.Run("protobuf", func(t *testing.T) { applytest.RunPolicy(t, Policy{}, protobuf.Codec{}) })
}
