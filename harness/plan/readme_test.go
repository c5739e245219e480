package plan

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadmePlan reads the plan of the README: 25 lines with a claim of its own.
func TestReadmePlan(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)<!-- plan -->\n```yaml\n(.*?)```").FindSubmatch(readme)
	require.NotNil(t, block)
	p, err := Parse("linger.yaml", block[1], catalog(t))
	require.NoError(t, err)
	require.Len(t, p.Asked().Claims, 1)
	m, err := p.Expand("default")
	require.NoError(t, err)
	require.Len(t, m.Entries, 2)
}
