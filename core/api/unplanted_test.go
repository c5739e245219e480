//go:build !metastore_plant

package api

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// unwrapped is a Store that does nothing.
type unwrapped struct{ Store }

// TestNothingIsPlanted: the services call the store itself, so that the hook costs
// nothing.
func TestNothingIsPlanted(t *testing.T) {
	s := &unwrapped{}
	require.Same(t, s, planted(s).(*unwrapped))
	require.Zero(t, testing.AllocsPerRun(100, func() { planted(s) }))
}
