package engine_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

func TestValueRoundTrip(t *testing.T) {
	for _, pair := range []*kv.KeyValue{
		{Key: []byte{}, Value: []byte{}},
		{Key: []byte("\xff\x00"), Value: []byte("\xc3\x28"), CreateRevision: 1, ModRevision: 2, Version: 3, Lease: 4},
		{Key: []byte("k"), Value: bytes.Repeat([]byte{0}, 10_000), CreateRevision: math.MaxInt64, Lease: math.MinInt64},
	} {
		got, err := engine.DecodeValue(pair.Key, engine.AppendValue(nil, pair))
		require.NoError(t, err)
		require.Equal(t, pair, got)
	}
}

// TestValueKeepsNoBuffer checks the promise that lets callers reuse buffers,
// and that appending to the key cannot reach the value.
func TestValueKeepsNoBuffer(t *testing.T) {
	key := []byte("key")
	data := engine.AppendValue(nil, &kv.KeyValue{Value: []byte("value")})
	got, err := engine.DecodeValue(key, data)
	require.NoError(t, err)
	clear(key)
	clear(data)
	_ = append(got.Key, 'X')
	require.Equal(t, "key", string(got.Key))
	require.Equal(t, "value", string(got.Value))
}

func TestValueTooShort(t *testing.T) {
	data := engine.AppendValue(nil, &kv.KeyValue{CreateRevision: 300, Lease: 1})
	for n := range data {
		_, err := engine.DecodeValue([]byte("\xffkey"), data[:n])
		require.ErrorIs(t, err, engine.ErrCorrupt)
		require.ErrorContains(t, err, `"\xffkey"`)
	}
}

func FuzzDecodeValue(f *testing.F) {
	f.Add([]byte("key"), engine.AppendValue(nil, &kv.KeyValue{Value: []byte("value"), Lease: -1}))
	f.Fuzz(func(t *testing.T, key, data []byte) {
		pair, err := engine.DecodeValue(key, data)
		if err != nil {
			require.ErrorIs(t, err, engine.ErrCorrupt)
			return
		}
		require.True(t, bytes.Equal(key, pair.Key))
		again, err := engine.DecodeValue(key, engine.AppendValue(nil, pair))
		require.NoError(t, err)
		require.Equal(t, pair, again)
	})
}
