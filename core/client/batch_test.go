package client_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/api/apitest"
	"metastorebench/core/client"
	"metastorebench/core/kv"
)

func batchOf(t *testing.T, store *apitest.Store) *client.Batch {
	t.Helper()
	return transports(t, store)["grpc"].(*client.Pool).Batch(1)
}

func pairs(keyValues ...string) (ps []client.Pair) {
	for i := 0; i < len(keyValues); i += 2 {
		ps = append(ps, client.Pair{Key: []byte(keyValues[i]), Value: []byte(keyValues[i+1])})
	}
	return ps
}

func keys(ks ...string) (list [][]byte) {
	for _, k := range ks {
		list = append(list, []byte(k))
	}
	return list
}

// TestBatch drives batches of changing lengths over one Batch: what it reuses
// must not show.
func TestBatch(t *testing.T) {
	b, ctx := batchOf(t, apitest.New()), t.Context()
	out, rev, err := b.Put(ctx, pairs("\xff\x00", "1", "", "bad", "b", "2", "\xff\x00", "3"))
	require.NoError(t, err)
	require.EqualValues(t, 4, rev)
	require.Equal(t, []int64{2, 0, 3, 4}, []int64{out[0].Revision, out[1].Revision, out[2].Revision, out[3].Revision})
	require.Equal(t, rpctypes.ErrEmptyKey, rpctypes.Error(out[1].Err))
	require.False(t, client.Unknown(out[1].Err))
	require.NoError(t, errors.Join(out[0].Err, out[2].Err, out[3].Err))

	out, rev, err = b.Get(ctx, keys("\xff\x00", "absent"))
	require.NoError(t, err)
	require.Len(t, out, 2)
	require.EqualValues(t, 4, rev)
	equal(t, &mvccpb.KeyValue{Key: []byte("\xff\x00"), Value: []byte("3"), CreateRevision: 2, ModRevision: 4, Version: 2}, out[0].Pair)
	require.Equal(t, client.Outcome{}, out[1])

	out, rev, err = b.Put(ctx, pairs("c", ""))
	require.NoError(t, err)
	require.Equal(t, []client.Outcome{{Revision: 5}}, out)
	require.EqualValues(t, 5, rev)

	out, rev, err = b.Delete(ctx, keys("b", "b", "c"))
	require.NoError(t, err)
	require.Equal(t, []client.Outcome{{Revision: 6, Deleted: 1}, {Revision: 6}, {Revision: 7, Deleted: 1}}, out)
	require.EqualValues(t, 7, rev)
}

// TestBatchErrors checks that errors mean the whole batch, with all other
// results zero, and what is known of it then.
func TestBatchErrors(t *testing.T) {
	store := apitest.New()
	b := batchOf(t, store)
	each := func(ctx context.Context, check func(error)) {
		out, rev, err := b.Put(ctx, pairs("k", "v"))
		require.Zero(t, rev)
		require.Nil(t, out)
		check(err)
		out, rev, err = b.Delete(ctx, keys("k"))
		require.Zero(t, rev)
		require.Nil(t, out)
		check(err)
		out, rev, err = b.Get(ctx, keys("k"))
		require.Zero(t, rev)
		require.Nil(t, out)
		check(err)
	}
	for _, cause := range []error{kv.ErrTooManyRequests, kv.ErrDropped, kv.ErrLeaderLost, kv.ErrNotProposed, context.Canceled, errors.New("disk")} {
		store.Fail(cause)
		each(t.Context(), func(err error) {
			require.Error(t, err)
			require.Equal(t, kv.Unknown(cause), client.Unknown(err), "%v became %v", cause, err)
		})
	}
	store.Fail(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	each(ctx, func(err error) {
		require.Equal(t, codes.Canceled, status.Code(err))
		require.False(t, client.Unknown(err), "nothing was sent")
	})
	require.Empty(t, store.Batches())
}

// TestBatchAgainstEtcd checks that a store without the service is told apart
// from a bad answer.
func TestBatchAgainstEtcd(t *testing.T) {
	addr, stop := serveEcho(t)
	defer stop()
	pool, err := client.Dial(client.Options{Endpoint: addr})
	require.NoError(t, err)
	defer pool.Close()
	_, _, err = pool.Batch(0).Put(t.Context(), pairs("k", "v"))
	require.Equal(t, codes.Unimplemented, status.Code(err), err)
	require.False(t, client.Unknown(err))
}
