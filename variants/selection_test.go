package variants_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/variants"
)

func TestSelectionTextRoundTrips(t *testing.T) {
	for _, v := range variants.Variants() {
		s, err := variants.Named(v.Name)
		require.NoError(t, err)
		again, err := variants.Parse(s.String())
		require.NoError(t, err)
		require.Equal(t, s, again)
		require.Equal(t, "synced", s.Durability())
	}
}

func TestSelectionNamesEveryViolation(t *testing.T) {
	s := with(t, variants.VariantBest, "propose", "x", "codec", "y", "colour", "red")
	delete(s, "wal")
	err := s.Validate()
	for _, want := range []string{
		`unknown --propose "x", want one of perop, batch`,
		`unknown --codec "y", want one of json, protobuf`,
		"axis wal has no value, want one of perentry, perready, group, async",
		`unknown axis "colour"`,
	} {
		require.ErrorContains(t, err, want)
	}
	err = with(t, variants.VariantBest, "engine-profile", "tuned").Validate()
	require.EqualError(t, err, "--engine-profile=tuned: --engine=memory has no library to tune; accepted with it: default")
	err = with(t, variants.VariantBest, "key-index", "ranked").Validate()
	require.EqualError(t, err, "--key-index=ranked: --engine=memory has all keys in memory, in the index of --index; accepted with it: none")
	require.NoError(t, with(t, variants.VariantBest, "key-index", "ranked", "engine", "pebble").Validate())
	_, err = variants.Parse("--propose=batch --propose=perop")
	require.ErrorContains(t, err, "given twice")
	_, err = variants.Parse("propose=batch")
	require.ErrorContains(t, err, "not of the form --axis=value")
	_, err = variants.Named("fastest")
	require.ErrorContains(t, err, "best, baseline")
}

// TestConsistency: what a selection promises depends on the cluster's size.
func TestConsistency(t *testing.T) {
	for read, want := range map[string][2]string{
		"readindex":    {"linearizable", "linearizable"},
		"lease":        {"linearizable", "linearizable"},
		"serializable": {"linearizable", "stale"},
	} {
		s := with(t, variants.VariantBest, "read", read)
		require.Equal(t, want, [2]string{s.Consistency(1), s.Consistency(3)}, read)
	}
}

// TestEveryAxisHasABestValueOfItsOwn guards the registry.
func TestEveryAxisHasABestValueOfItsOwn(t *testing.T) {
	for _, a := range variants.Axes() {
		require.NotEmpty(t, a.Seam)
		seen := make(map[string]bool)
		best := false
		for _, v := range a.Values {
			require.False(t, seen[v.Name], "%s has two values %s", a.Name, v.Name)
			seen[v.Name] = true
			require.NotEmpty(t, v.Doc, "%s=%s", a.Name, v.Name)
			best = best || v.Name == a.Best && !v.Unsafe
		}
		require.True(t, best, "%s: the best value %q is missing or unsafe", a.Name, a.Best)
	}
}
