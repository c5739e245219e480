package ready

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRoundTrip(t *testing.T) {
	l := Line{Client: "127.0.0.1:1", HTTP: "[::1]:2", PID: 3, Durability: "synced", Options: map[string]string{"propose": "batch"}}
	var b bytes.Buffer
	require.NoError(t, l.Write(&b))
	require.Equal(t, 1, bytes.Count(b.Bytes(), []byte("\n")))
	got, err := Parse(b.Bytes())
	require.NoError(t, err)
	require.Equal(t, l, got)
}

func TestParseRefuses(t *testing.T) {
	for _, line := range []string{"", "listening on 2379", "ready", "ready {", `ready {"client":""}`, `ready {"client":"nowhere"}`} {
		_, err := Parse([]byte(line))
		require.ErrorIs(t, err, ErrFormat, line)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`ready {"client":"127.0.0.1:1","options":{"a":"b"}}`))
	f.Add([]byte("ready {}"))
	f.Fuzz(func(t *testing.T, line []byte) {
		l, err := Parse(line)
		if err != nil {
			require.ErrorIs(t, err, ErrFormat)
			return
		}
		var b bytes.Buffer
		require.NoError(t, l.Write(&b))
		again, err := Parse(b.Bytes())
		require.NoError(t, err)
		require.Equal(t, l, again)
	})
}
