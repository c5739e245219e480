package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryViolationAtOnce reads each plan in testdata/invalid and compares the
// whole message with the golden file beside it.
func TestEveryViolationAtOnce(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "invalid", "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			_, err = Parse(filepath.Base(file), text, catalog(t))
			require.ErrorIs(t, err, ErrInvalid)
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if os.Getenv("UPDATE_GOLDEN") != "" {
				require.NoError(t, os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644))
			}
			want, rerr := os.ReadFile(golden)
			require.NoError(t, rerr)
			require.Equal(t, string(want), err.Error()+"\n", "UPDATE_GOLDEN=1 go test ./harness/plan rewrites it")
		})
	}
}

func TestAliasesAreFollowed(t *testing.T) {
	p, err := Parse("p.yaml", []byte(`
name: aliases
title: one workload in two names
baseline: {propose: perop, engine: memory}
workloads:
  a: &w {type: put, clients: 1, key_bytes: 8, value_bytes: 256, keys: 100}
  b: *w
groups:
  - {name: g, designs: [fixed], workloads: [a, b]}
levels:
  default: {blocks: 1, warmup: 1ms, measure: 1ms}
`), nil)
	require.NoError(t, err)
	m, err := p.Expand("default")
	require.NoError(t, err)
	require.Equal(t, []string{"memory/a", "memory/b"}, ids(m, ""))
	require.Equal(t, m.Entries[0].Workload.Keys, m.Entries[1].Workload.Keys)
}

// FuzzParse looks for input that crashes the reader, or that it accepts without
// being able to expand it.
func FuzzParse(f *testing.F) {
	for _, name := range Names() {
		text, err := builtin.ReadFile("plans/" + name + ".yaml")
		require.NoError(f, err)
		f.Add(string(text))
	}
	c := catalog(f)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse("fuzz.yaml", []byte(text), c)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			return
		}
		for _, level := range p.LevelNames() {
			m, err := p.Expand(level)
			require.NoError(t, err)
			require.NotEmpty(t, m.Entries)
			require.Positive(t, m.Planned())
		}
	})
}
