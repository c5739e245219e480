package client_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/api/apitest"
	"metastorebench/core/client"
)

func TestSwap(t *testing.T) {
	pool := transports(t, apitest.New())["grpc"].(*client.Pool)
	s, kv := pool.Swapper(), pool.Handle(0)
	made, err := s.Swap(t.Context(), notText, []byte("1"), 0)
	require.NoError(t, err)
	require.Equal(t, client.Swapped{OK: true, Revision: 2}, made)

	lost, err := s.Swap(t.Context(), notText, []byte("2"), 0)
	require.NoError(t, err)
	require.False(t, lost.OK, "it is there")
	require.EqualValues(t, 2, lost.Revision)
	require.Equal(t, "1", string(lost.Pair.GetValue()))
	require.EqualValues(t, 2, lost.Pair.GetModRevision())

	won, err := s.Swap(t.Context(), notText, []byte("3"), 2)
	require.NoError(t, err)
	require.Equal(t, client.Swapped{OK: true, Revision: 3}, won)

	_, _, err = kv.Delete(t.Context(), notText, nil)
	require.NoError(t, err)
	lost, err = s.Swap(t.Context(), notText, []byte("4"), 3)
	require.NoError(t, err)
	require.Equal(t, client.Swapped{Revision: 4}, lost, "it is absent")
}
