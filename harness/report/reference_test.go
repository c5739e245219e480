package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadmeHasTheAnswer: the README opens with what EXPERIMENTS.md answers, so that no
// number in it is typed by hand.
func TestReadmeHasTheAnswer(t *testing.T) {
	part := func(file, from, to string) string {
		text, err := os.ReadFile(filepath.Join("../..", file))
		require.NoError(t, err)
		_, rest, found := strings.Cut(string(text), from)
		require.True(t, found, "%s lacks %q", file, from)
		body, _, found := strings.Cut(rest, to)
		require.True(t, found, "%s lacks %q", file, to)
		return strings.TrimSpace(body)
	}
	require.Equal(t, part("EXPERIMENTS.md", "## The answer\n", "\n## "), part("README.md", "<!-- answer -->\n", "<!-- /answer -->"),
		"copy the section \"The answer\" of EXPERIMENTS.md to README.md")
}
