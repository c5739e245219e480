package report_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/report"
)

// The committed document must always be one that reports can be put into.
func TestCommittedDocumentHasItsSections(t *testing.T) {
	doc, err := os.ReadFile("../../EXPERIMENTS.md")
	require.NoError(t, err)
	for _, section := range []string{"phase1", "stages", "capacity", "scaling", "aa", "stall", "bench", "phase1-local"} {
		inner, err := report.Extract(string(doc), section)
		require.NoError(t, err)
		require.NotEmpty(t, inner, section)
	}
}
