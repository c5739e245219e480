package engine_test

import (
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
)

func TestStateRoundTrip(t *testing.T) {
	for _, s := range []engine.State{
		{},
		engine.NewState(),
		{
			AppliedIndex: math.MaxUint64, AppliedTerm: math.MaxUint64, AppliedOps: math.MaxUint32,
			Revision: math.MaxInt64, CompactRevision: math.MinInt64, ConfState: []byte("\x00\xff conf"),
		},
	} {
		got, err := engine.DecodeState(engine.AppendState(nil, s))
		require.NoError(t, err)
		require.Equal(t, s, got)
	}
}

func TestStateKeepsNoBuffer(t *testing.T) {
	data := engine.AppendState(nil, engine.State{ConfState: []byte("conf")})
	got, err := engine.DecodeState(data)
	require.NoError(t, err)
	clear(data)
	require.Equal(t, "conf", string(got.ConfState))
}

func TestStateErrors(t *testing.T) {
	good := engine.AppendState(nil, engine.State{AppliedIndex: 300, ConfState: []byte("conf")})
	for n := range good {
		_, err := engine.DecodeState(good[:n])
		require.ErrorIs(t, err, engine.ErrCorrupt, "%d bytes of %d", n, len(good))
	}
	_, err := engine.DecodeState(append(good, 0))
	require.ErrorIs(t, err, engine.ErrCorrupt, "a byte too many")
	_, err = engine.DecodeState([]byte{1, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0, 0})
	require.ErrorContains(t, err, "applied operations 4294967296")
	_, err = engine.DecodeState(append([]byte{2}, good[1:]...))
	require.ErrorIs(t, err, engine.ErrFormat)
	require.ErrorContains(t, err, "found 2, accepted 1")
}

// FuzzDecodeState checks that what decodes also round-trips, and that the rest
// is refused with a sentinel.
func FuzzDecodeState(f *testing.F) {
	f.Add(engine.AppendState(nil, engine.NewState()))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := engine.DecodeState(data)
		if err != nil {
			requireSentinel(t, err, engine.ErrCorrupt, engine.ErrFormat)
			return
		}
		again, err := engine.DecodeState(engine.AppendState(nil, s))
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}

// requireSentinel checks that err is one of the accepted errors.
func requireSentinel(t *testing.T, err error, accepted ...error) {
	t.Helper()
	for _, a := range accepted {
		if errors.Is(err, a) {
			return
		}
	}
	require.Failf(t, "not a sentinel", "%v", err)
}
