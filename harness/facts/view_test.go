package facts

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/plan"
)

// TestEveryKindOfViewIsAnswered: what a plan may ask, a viewer answers.
func TestEveryKindOfViewIsAnswered(t *testing.T) {
	require.Equal(t, plan.ViewKinds(), slices.Sorted(maps.Keys(viewers)))
}
