//go:build metastore_plant

package plant

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPlantIsRead(t *testing.T) {
	defer func() { Delay, Allocations, Frames, Parts = 0, 0, 0, 1 }()
	for _, text := range []string{"", "delay=20us", "allocations=3", "frames=2", "parts=4"} {
		require.NoError(t, read(text), text)
	}
	require.Equal(t, 20*time.Microsecond, Delay)
	require.Equal(t, []int{3, 2, 4}, []int{Allocations, Frames, Parts})
	for _, text := range []string{"delay", "delay=", "delay=20", "delay=-1us", "parts=0", "speed=1", "frames=x"} {
		require.ErrorContains(t, read(text), "accepted: delay=DURATION", text)
		Delay, Parts = 0, 1
	}
}
