package wal

import (
	"testing"

	"github.com/stretchr/testify/require"

	corewal "metastorebench/core/wal"
	"metastorebench/core/wal/waltest"
)

// The one difference between the values: syncs for a Save of n entries.
var syncs = map[string]func(n int) int{
	"perentry": func(n int) int { return n },
	"perready": func(int) int { return 1 },
	"group":    func(int) int { return 1 },
	"async":    func(int) int { return 1 },
}

func TestConformance(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			require.NotEmpty(t, v.Summary)
			background, ok := v.New().(corewal.Background)
			require.Equal(t, v.Safe, !ok || !background.AcknowledgesFirst())
			// That async acknowledges before its Save is outside of this suite.
			waltest.Safe(t, v.New, syncs[v.Name])
		})
	}
}

func TestLookup(t *testing.T) {
	for _, v := range Variants {
		got, err := Lookup(v.Name)
		require.NoError(t, err)
		require.Equal(t, v.Summary, got.Summary)
	}
	_, err := Lookup("never")
	require.EqualError(t, err, `unknown --wal "never", want one of perentry, perready, group, async`)
}
