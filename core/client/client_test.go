package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/core/client"
	"metastorebench/core/kv"
)

// transports returns one KV of each kind onto store.
func transports(t *testing.T, store api.Store) map[string]client.KV {
	t.Helper()
	srv, dialer := apitest.Serve(t, store, api.ServerOptions{})
	pool, err := client.Dial(t.Context(), client.Options{
		Endpoints: []string{"mem"}, Conns: 3, DialOptions: []grpc.DialOption{dialer},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	web := httptest.NewServer(srv.Handler())
	t.Cleanup(web.Close)
	gateway, err := client.NewHTTP(web.URL, 4, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, gateway.Close()) })
	return map[string]client.KV{"pool": pool, "handle": pool.Handle(), "http": gateway}
}

// notText is a key that no text encoding survives.
var notText = []byte{0xff, 0x00, 0xfe, 'k'}

func TestOperations(t *testing.T) {
	for _, name := range []string{"pool", "handle", "http"} {
		t.Run(name, func(t *testing.T) {
			c := transports(t, apitest.New())[name]
			ctx := t.Context()

			pair, err := c.Get(ctx, notText)
			require.NoError(t, err)
			require.Nil(t, pair)

			rev, err := c.Put(ctx, notText, []byte{0x80, 0})
			require.NoError(t, err)
			require.EqualValues(t, 2, rev)
			rev, err = c.Put(ctx, notText, []byte{0x81, 0})
			require.NoError(t, err)
			require.EqualValues(t, 3, rev)

			pair, err = c.Get(ctx, notText)
			require.NoError(t, err)
			require.Equal(t, &kv.KeyValue{
				Key: notText, Value: []byte{0x81, 0}, CreateRevision: 2, ModRevision: 3, Version: 2,
			}, pair)

			_, err = c.Put(ctx, []byte("a"), nil)
			require.NoError(t, err)
			res, err := c.Range(ctx, &kv.RangeRequest{Key: []byte{0}, RangeEnd: []byte{0}, Limit: 1})
			require.NoError(t, err)
			require.Equal(t, &kv.RangeResult{
				KVs: []*kv.KeyValue{{Key: []byte("a"), CreateRevision: 4, ModRevision: 4, Version: 1}}, More: true, Count: 2,
			}, res)

			n, err := c.Delete(ctx, []byte{0}, []byte{0})
			require.NoError(t, err)
			require.EqualValues(t, 2, n)
		})
	}
}

func TestTxn(t *testing.T) {
	key, other := []byte("k"), []byte("other")
	get := &kv.RequestOp{Range: &kv.RangeRequest{Key: key, KeysOnly: true}}
	put := &kv.RequestOp{Put: &kv.PutRequest{Key: key, Value: []byte("new"), PrevKv: true}}
	del := &kv.RequestOp{DeleteRange: &kv.DeleteRangeRequest{Key: other, PrevKv: true}}
	req := &kv.TxnRequest{
		Compare: []*kv.Compare{
			{Key: key, Target: kv.Compare_VERSION, Number: 1},
			{Key: key, Target: kv.Compare_CREATE, Number: 2},
			{Key: key, Target: kv.Compare_MOD, Result: kv.Compare_GREATER, Number: 1},
			{Key: key, Target: kv.Compare_VALUE, Value: []byte("old")},
			{Key: key, RangeEnd: []byte{0}, Target: kv.Compare_LEASE, Result: kv.Compare_LESS, Number: 1},
		},
		Success: []*kv.RequestOp{put, {Txn: &kv.TxnRequest{Success: []*kv.RequestOp{get, del}}}},
	}
	old := &kv.KeyValue{Key: key, Value: []byte("old"), CreateRevision: 2, ModRevision: 2, Version: 1}
	for _, name := range []string{"pool", "handle", "http"} {
		t.Run(name, func(t *testing.T) {
			c := transports(t, apitest.New())[name]
			for _, k := range [][]byte{key, other} {
				_, err := c.Put(t.Context(), k, []byte("old"))
				require.NoError(t, err)
			}
			res, err := c.Txn(t.Context(), req)
			require.NoError(t, err)
			require.EqualValues(t, 4, res.Revision)
			require.True(t, res.Txn.Succeeded)
			require.Equal(t, old, res.Txn.Responses[0].PrevKV)
			inner := res.Txn.Responses[1].Txn.Responses
			require.Equal(t, []*kv.KeyValue{{Key: key, CreateRevision: 2, ModRevision: 4, Version: 2}}, inner[0].Range.KVs)
			require.EqualValues(t, 1, inner[1].Delete.Deleted)
			require.Equal(t, other, inner[1].Delete.PrevKVs[0].Key)
		})
	}
}

// TestErrors checks that errors come through as gRPC statuses on both
// transports.
func TestErrors(t *testing.T) {
	store := apitest.New()
	for name, c := range transports(t, store) {
		t.Run(name, func(t *testing.T) {
			_, err := c.Put(t.Context(), nil, nil)
			require.Equal(t, rpctypes.ErrEmptyKey, rpctypes.Error(err))
			_, err = c.Get(t.Context(), nil)
			require.Equal(t, rpctypes.ErrEmptyKey, rpctypes.Error(err))
			_, err = c.Delete(t.Context(), nil, nil)
			require.Equal(t, rpctypes.ErrEmptyKey, rpctypes.Error(err))
			_, err = c.Range(t.Context(), &kv.RangeRequest{Key: []byte("k"), Revision: 9})
			require.Equal(t, rpctypes.ErrFutureRev, rpctypes.Error(err))
			_, err = c.Txn(t.Context(), &kv.TxnRequest{Success: []*kv.RequestOp{{}}})
			require.Equal(t, rpctypes.ErrKeyNotFound, rpctypes.Error(err))

			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = c.Put(ctx, []byte("k"), nil)
			require.Equal(t, codes.Canceled, status.Code(err))
			require.True(t, client.Unknown(err))
		})
	}
}

func TestUnknownFollowsTheStore(t *testing.T) {
	store := apitest.New()
	for name, c := range transports(t, store) {
		for _, cause := range []error{
			kv.ErrCompacted, kv.ErrFutureRevision, kv.ErrKeyNotFound, kv.ErrLeaseNotFound, kv.ErrTooManyRequests,
			kv.ErrTooLarge, kv.ErrDropped, kv.ErrStopped, kv.ErrLeaderLost, context.DeadlineExceeded, errors.New("disk"),
		} {
			store.Fail(cause)
			_, err := c.Put(t.Context(), []byte("k"), nil)
			require.Error(t, err)
			require.Equal(t, kv.Unknown(cause), client.Unknown(err), "%s: %v became %v", name, cause, err)
		}
	}
}

func TestUnknown(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("not a status"), true},
		{status.Error(codes.Unavailable, "connection reset"), true},
		{status.Error(codes.ResourceExhausted, "etcdserver: mvcc: database space exceeded"), false},
		{status.Error(codes.ResourceExhausted, "trying to send message larger than max (9 vs. 8)"), false},
		{status.Error(codes.ResourceExhausted, "grpc: received message larger than max (9 vs. 8)"), true},
		{status.Error(codes.Unimplemented, ""), false},
		{status.Error(codes.Internal, ""), true},
	} {
		require.Equal(t, tc.want, client.Unknown(tc.err), "%v", tc.err)
	}
}

// TestHandlesAreSpread checks that handles take the connections in turn, over
// all endpoints.
func TestHandlesAreSpread(t *testing.T) {
	store := apitest.New()
	_, dialer := apitest.Serve(t, store, api.ServerOptions{})
	pool, err := client.Dial(t.Context(), client.Options{
		Endpoints: []string{"one", "two"}, Conns: 4, DialOptions: []grpc.DialOption{dialer},
	})
	require.NoError(t, err)
	defer pool.Close()
	uses := map[client.Handle]int{}
	for range 12 {
		uses[pool.Handle()]++
	}
	require.Len(t, uses, 4)
	for h, n := range uses {
		require.Equal(t, 3, n)
		_, err := h.Put(t.Context(), []byte("k"), nil)
		require.NoError(t, err)
	}
}

// TestPooledMessagesDoNotMix lets many callers share one connection: no caller
// may see another's key.
func TestPooledMessagesDoNotMix(t *testing.T) {
	for name, c := range transports(t, apitest.New()) {
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				for n := range 25 {
					key, value := fmt.Appendf(nil, "%s/%d", name, i), fmt.Appendf(nil, "%d-%d", i, n)
					if _, err := c.Put(t.Context(), key, value); err != nil {
						t.Errorf("put: %v", err)
						return
					}
					pair, err := c.Get(t.Context(), key)
					if err != nil || pair == nil || string(pair.Value) != string(value) {
						t.Errorf("%s: got %v, %v, want %s", key, pair, err, value)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestDialErrors(t *testing.T) {
	_, err := client.Dial(t.Context(), client.Options{})
	require.ErrorIs(t, err, client.ErrOptions)
	_, err = client.Dial(t.Context(), client.Options{Endpoints: []string{"x"}, Conns: -1})
	require.ErrorIs(t, err, client.ErrOptions)

	ctx, cancel := context.WithCancel(t.Context())
	refuse := func(context.Context, string) (net.Conn, error) {
		cancel()
		return nil, errors.New("refused")
	}
	_, err = client.Dial(ctx, client.Options{
		Endpoints: []string{"nobody:1"}, DialOptions: []grpc.DialOption{grpc.WithContextDialer(refuse)},
	})
	require.ErrorIs(t, err, client.ErrConnect)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "nobody:1")
}

func TestNewHTTPErrors(t *testing.T) {
	for _, base := range []string{"", "127.0.0.1:9121", "ftp://x", "http://x/v3", "http://%zz"} {
		_, err := client.NewHTTP(base, 0, nil)
		require.ErrorIs(t, err, client.ErrOptions, "%q", base)
	}
}

// TestHTTPForeignAnswers checks answers that no gateway gives.
func TestHTTPForeignAnswers(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"not JSON":        func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") },
		"a proxy's error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad gateway", http.StatusBadGateway) },
		"an empty error":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "{}", http.StatusTeapot) },
		"cut short":       func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "9") },
	} {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewServer(answer)
			defer web.Close()
			c, err := client.NewHTTP(web.URL, 1, nil)
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Put(t.Context(), []byte("k"), nil)
			require.Error(t, err)
			require.True(t, client.Unknown(err), "%v", err)
		})
	}
}

func BenchmarkPut(b *testing.B) {
	_, dialer := apitest.Serve(b, apitest.New(), api.ServerOptions{})
	pool, err := client.Dial(b.Context(), client.Options{Endpoints: []string{"mem"}, DialOptions: []grpc.DialOption{dialer}})
	require.NoError(b, err)
	defer pool.Close()
	key, value := []byte("12345678"), make([]byte, 256)
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		h := pool.Handle()
		for pb.Next() {
			if _, err := h.Put(b.Context(), key, value); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
