package format

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDistance(t *testing.T) {
	for words, want := range map[[2]string]int{
		{"", ""}: 0, {"level", "level"}: 0, {"levle", "level"}: 1, {"varient", "variant"}: 1, {"", "abc"}: 3, {"abc", ""}: 3, {"kitten", "sitting"}: 3,
	} {
		require.Equal(t, want, distance(words[0], words[1]), words)
	}
}

func TestDidYouMean(t *testing.T) {
	keys := []string{"engine", "engine-profile", "disk"}
	require.Equal(t, "did you mean engine?", DidYouMean("enigne", keys, ""))
	require.Equal(t, "did you mean --disk?", DidYouMean("dsk", keys, "--"))
	require.Empty(t, DidYouMean("workload", keys, ""))
}
