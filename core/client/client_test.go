package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/core/client"
	"metastorebench/core/kv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connections are what Pool and HTTP have in common.
type connections interface {
	Handle(i int) client.KV
	Close() error
}

// transports returns one way of each kind to store.
func transports(t *testing.T, store api.Store) map[string]connections {
	t.Helper()
	srv, dialer := apitest.Serve(t, store, api.ServerOptions{})
	pool, err := client.Dial(client.Options{Endpoint: "mem", Conns: 3, DialOptions: []grpc.DialOption{dialer}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	web := httptest.NewServer(srv.Handler())
	t.Cleanup(web.Close)
	gateway, err := client.NewHTTP(web.URL, 4, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, gateway.Close()) })
	streams := pool.Streams(2)
	t.Cleanup(func() { require.NoError(t, streams.Close()) })
	return map[string]connections{
		"grpc": pool, "http": gateway, "stream": streams,
		"lean": dialLean(t, listenTCP(t, store, false)), "lean to lean": dialLean(t, listenTCP(t, store, true)),
	}
}

// listenTCP serves store on a port, by grpc-go or by package lean.
func listenTCP(t testing.TB, store api.Store, lean bool) (endpoint string) {
	t.Helper()
	_, addr := apitest.ServeTCP(t, store, api.ServerOptions{Lean: lean})
	return addr.String()
}

func dialLean(t testing.TB, endpoint string) *client.Lean {
	t.Helper()
	c, err := client.DialLean(client.Options{Endpoint: endpoint, Conns: 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// notText is a key that no text encoding survives.
var notText = []byte{0xff, 0x00, 0xfe, 'k'}

func TestOperations(t *testing.T) {
	for _, name := range []string{"grpc", "http", "stream", "lean", "lean to lean"} {
		t.Run(name, func(t *testing.T) {
			c := transports(t, apitest.New())[name].Handle(0)
			ctx := t.Context()

			pair, rev, err := c.Get(ctx, notText)
			require.NoError(t, err)
			require.Nil(t, pair)
			require.EqualValues(t, 1, rev)

			for i := range byte(2) {
				rev, err = c.Put(ctx, notText, []byte{0x80 + i, 0})
				require.NoError(t, err)
				require.EqualValues(t, 2+i, rev)
			}
			pair, rev, err = c.Get(ctx, notText)
			require.NoError(t, err)
			require.EqualValues(t, 3, rev)
			equal(t, &mvccpb.KeyValue{Key: notText, Value: []byte{0x81, 0}, CreateRevision: 2, ModRevision: 3, Version: 2}, pair)

			_, err = c.Put(ctx, []byte("a"), nil)
			require.NoError(t, err)
			page, err := c.Range(ctx, []byte{0}, []byte{0}, 1)
			require.NoError(t, err)
			require.Len(t, page.Pairs, 1)
			equal(t, &mvccpb.KeyValue{Key: []byte("a"), CreateRevision: 4, ModRevision: 4, Version: 1}, page.Pairs[0])
			require.Equal(t, []any{true, int64(2), int64(4)}, []any{page.More, page.Count, page.Revision})

			n, rev, err := c.Delete(ctx, []byte{0}, []byte{0})
			require.NoError(t, err)
			require.Equal(t, []int64{2, 5}, []int64{n, rev})
			n, rev, err = c.Delete(ctx, notText, nil)
			require.NoError(t, err)
			require.Equal(t, []int64{0, 5}, []int64{n, rev}, "nothing was left to delete")
		})
	}
}

func equal(t *testing.T, want, got *mvccpb.KeyValue) {
	t.Helper()
	require.True(t, proto.Equal(want, got), "got %v, want %v", got, want)
}

// TestLargePage checks that an answer may be larger than gRPC's default of 4 MiB,
// but on a stream.
func TestLargePage(t *testing.T) {
	for name, conns := range transports(t, apitest.New()) {
		t.Run(name, func(t *testing.T) {
			c, value := conns.Handle(0), make([]byte, 1<<20)
			for i := range byte(5) {
				_, err := c.Put(t.Context(), []byte{'k', i}, value)
				require.NoError(t, err)
			}
			want := 5
			page, err := c.Range(t.Context(), []byte("k"), []byte("l"), 0)
			if name == "stream" {
				require.Equal(t, codes.ResourceExhausted, status.Code(err))
				want = 2
				page, err = c.Range(t.Context(), []byte("k"), []byte("l"), 2)
			}
			require.NoError(t, err)
			require.Len(t, page.Pairs, want)
			for _, pair := range page.Pairs {
				require.Len(t, pair.Value, len(value))
			}
		})
	}
}

// TestErrors checks that errors come through as gRPC statuses on both
// transports, with all other results zero.
func TestErrors(t *testing.T) {
	for name, conns := range transports(t, apitest.New()) {
		t.Run(name, func(t *testing.T) {
			c := conns.Handle(0)
			rev, err := c.Put(t.Context(), nil, nil)
			require.Equal(t, rpctypes.ErrEmptyKey, rpctypes.Error(err))
			require.Zero(t, rev)
			pair, rev, err := c.Get(t.Context(), nil)
			require.Equal(t, rpctypes.ErrEmptyKey, rpctypes.Error(err))
			require.Nil(t, pair)
			require.Zero(t, rev)
			n, rev, err := c.Delete(t.Context(), nil, nil)
			require.Equal(t, rpctypes.ErrEmptyKey, rpctypes.Error(err))
			require.Zero(t, n+rev)
			page, err := c.Range(t.Context(), nil, []byte("k"), 1)
			require.Equal(t, rpctypes.ErrEmptyKey, rpctypes.Error(err))
			require.Zero(t, page)

			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = c.Put(ctx, []byte("k"), nil)
			require.Equal(t, codes.Canceled, status.Code(err))
			require.Equal(t, name != "stream", client.Unknown(err), "a stream knows that it sent nothing")
		})
	}
}

func TestUnknownFollowsTheStore(t *testing.T) {
	store := apitest.New()
	for name, conns := range transports(t, store) {
		c := conns.Handle(0)
		for _, cause := range []error{
			kv.ErrCompacted, kv.ErrFutureRevision, kv.ErrKeyNotFound, kv.ErrLeaseNotFound, kv.ErrTooManyRequests,
			kv.ErrTooLarge, kv.ErrDropped, kv.ErrNotProposed, kv.ErrStopped, kv.ErrLeaderLost, kv.ErrOvertaken,
			kv.ErrTimeout, context.DeadlineExceeded, errors.New("disk"),
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

// TestWorkersDoNotMix lets many workers share connections: none may see
// another's key.
func TestWorkersDoNotMix(t *testing.T) {
	for name, conns := range transports(t, apitest.New()) {
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				c, key := conns.Handle(i), fmt.Appendf(nil, "%s/%d", name, i)
				for n := range 25 {
					value := fmt.Appendf(nil, "%d-%d", i, n)
					if _, err := c.Put(t.Context(), key, value); err != nil {
						t.Errorf("put: %v", err)
						return
					}
					pair, _, err := c.Get(t.Context(), key)
					if err != nil || string(pair.GetValue()) != string(value) {
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
	for want, o := range map[string]client.Options{
		"no endpoint, want host:port":                 {Conns: 1},
		"-1 connections, want 0 (for one) or more":    {Endpoint: "x", Conns: -1},
		`endpoint "nobody:1": grpc: no transport sec`: {Endpoint: "nobody:1", DialOptions: []grpc.DialOption{grpc.WithTransportCredentials(nil)}},
	} {
		_, err := client.Dial(o)
		require.ErrorIs(t, err, client.ErrOptions)
		require.ErrorContains(t, err, want)
	}
}

// TestUnreachable checks that the first call says that nobody is there.
func TestUnreachable(t *testing.T) {
	refuse := func(context.Context, string) (net.Conn, error) { return nil, errors.New("nobody is there") }
	pool, err := client.Dial(client.Options{
		Endpoint: "nobody:1", DialOptions: []grpc.DialOption{grpc.WithContextDialer(refuse)},
	})
	require.NoError(t, err)
	defer pool.Close()
	_, _, err = pool.Handle(0).Get(t.Context(), []byte("k"))
	require.Equal(t, codes.Unavailable, status.Code(err), err)
	require.ErrorContains(t, err, "nobody is there")
}

func TestNewHTTPErrors(t *testing.T) {
	for _, base := range []string{"", "127.0.0.1:9121", "ftp://x", "http://x/v3", "http://%zz"} {
		_, err := client.NewHTTP(base, 0, nil)
		require.ErrorIs(t, err, client.ErrOptions, "%q", base)
	}
	_, err := client.NewHTTP("http://x", -1, nil)
	require.ErrorIs(t, err, client.ErrOptions)
}

// TestHTTPForeignAnswers checks answers that no gateway gives.
func TestHTTPForeignAnswers(t *testing.T) {
	answer := func(httpStatus int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(httpStatus)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		code   codes.Code
		text   string
	}{
		"not JSON":        {answer(200, "hello"), codes.Internal, "malformed answer to put"},
		"a proxy's error": {answer(502, "<html>bad gateway</html>"), codes.Unknown, "HTTP status 502: <html>bad gateway</html>"},
		"an empty error":  {answer(418, "{}"), codes.Unknown, "HTTP status 418: {}"},
		"an error of OK":  {answer(502, `{"code":0,"message":"strange"}`), codes.Unknown, `HTTP status 502: {"code":0,"message":"strange"}`},
		"cut short": {
			func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "9") },
			codes.Unavailable, "EOF",
		},
	} {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewServer(tc.answer)
			defer web.Close()
			c, err := client.NewHTTP(web.URL, 1, nil)
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Put(t.Context(), []byte("k"), nil)
			require.Equal(t, tc.code, status.Code(err), err)
			require.ErrorContains(t, err, tc.text)
			require.True(t, client.Unknown(err), "%v", err)
		})
	}
}

func BenchmarkPut(b *testing.B) {
	_, dialer := apitest.Serve(b, apitest.New(), api.ServerOptions{})
	pool, err := client.Dial(client.Options{Endpoint: "mem", DialOptions: []grpc.DialOption{dialer}})
	require.NoError(b, err)
	defer pool.Close()
	key, value := []byte("12345678"), make([]byte, 256)
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		h := pool.Handle(0)
		for pb.Next() {
			if _, err := h.Put(b.Context(), key, value); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
