package main

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/variants"
)

// output runs the program and returns what it prints.
func output(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	err := run(t.Context(), args, &out, io.Discard)
	return out.String(), err
}

func TestBenchCodec(t *testing.T) {
	out, err := output(t, "bench-codec", "--json", "--value-bytes=50", "--repeats=2", "--time=1ms")
	require.NoError(t, err)
	var got []codecTiming
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Len(t, got, 2*len(variants.Codecs()))
	for _, c := range got {
		require.Len(t, c.NS, 2)
		require.Positive(t, c.NS[0])
		require.Greater(t, c.EntryBytes, 58, "%s holds the key and the value", c.Codec)
		require.GreaterOrEqual(t, c.Allocs, 0.0)
	}
	require.Equal(t, "encode", got[0].Operation)
	require.Equal(t, "decode", got[1].Operation)

	out, err = output(t, "bench-codec", "--repeats=1", "--time=1ms")
	require.NoError(t, err)
	require.Contains(t, out, "entry bytes")
	for args, says := range map[string]string{
		"--key-bytes=0":    "--key-bytes is 0; accepted: 1 to",
		"--value-bytes=-1": "--value-bytes is -1; accepted: 0 to",
		"--repeats=0":      "--repeats is 0; accepted: 1 or more",
		"--time=0s":        "--time is 0s; accepted: above 0",
	} {
		_, err := output(t, "bench-codec", args)
		require.ErrorContains(t, err, says)
	}
}
