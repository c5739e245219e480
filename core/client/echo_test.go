package client_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/etcdserverpb/gw"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"metastorebench/core/client"
)

// echo answers with what it was asked, so that a client can be shown to pass
// everything on. The key "fail" fails.
type echo struct {
	etcdserverpb.UnimplementedKVServer
}

// farRevision is more than a JSON number can carry.
const farRevision = 1<<60 + 1

func (echo) Put(_ context.Context, r *etcdserverpb.PutRequest) (*etcdserverpb.PutResponse, error) {
	if string(r.Key) == "fail" {
		return nil, status.Error(codes.ResourceExhausted, "too many requests")
	}
	return &etcdserverpb.PutResponse{Header: &etcdserverpb.ResponseHeader{Revision: int64(len(r.Value))}}, nil
}

func (echo) Range(_ context.Context, r *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	resp := &etcdserverpb.RangeResponse{Header: &etcdserverpb.ResponseHeader{Revision: farRevision}, Count: r.Limit, More: r.Limit > 0}
	if len(r.Key) > 0 {
		resp.Kvs = []*mvccpb.KeyValue{{Key: r.Key, Value: r.RangeEnd, ModRevision: 9}}
	}
	return resp, nil
}

func (echo) DeleteRange(_ context.Context, r *etcdserverpb.DeleteRangeRequest) (*etcdserverpb.DeleteRangeResponse, error) {
	return &etcdserverpb.DeleteRangeResponse{Header: &etcdserverpb.ResponseHeader{Revision: 5}, Deleted: int64(len(r.Key) + len(r.RangeEnd))}, nil
}

// conformance is what every KV must do; keys and values are not UTF-8.
func conformance(t *testing.T, c client.KV) {
	ctx, key, value := t.Context(), []byte{0, 0xff, 0xfe}, []byte{0x80, 0, 1, 2}
	revision, err := c.Put(ctx, key, value)
	require.NoError(t, err)
	require.EqualValues(t, 4, revision)
	_, err = c.Put(ctx, []byte("fail"), value)
	require.Equal(t, codes.ResourceExhausted, status.Code(err), err)
	require.Equal(t, "too many requests", status.Convert(err).Message())

	page, err := c.Range(ctx, key, value, 7)
	require.NoError(t, err)
	require.Equal(t, []any{int64(7), true, int64(farRevision)}, []any{page.Count, page.More, page.Revision})
	require.Equal(t, [][]byte{key, value}, [][]byte{page.Pairs[0].Key, page.Pairs[0].Value})
	pair, revision, err := c.Get(ctx, key) // must not keep the range's end or limit
	require.NoError(t, err)
	require.EqualValues(t, farRevision, revision)
	require.EqualValues(t, 9, pair.ModRevision)
	require.Empty(t, pair.Value)
	pair, _, err = c.Get(ctx, nil)
	require.NoError(t, err)
	require.Nil(t, pair)

	deleted, revision, err := c.Delete(ctx, key, value)
	require.NoError(t, err)
	require.Equal(t, []int64{7, 5}, []int64{deleted, revision})
	deleted, _, err = c.Delete(ctx, key, nil) // must not keep the end
	require.NoError(t, err)
	require.EqualValues(t, 3, deleted)
}

// serveEcho serves echo over gRPC, and returns its address and what ends it.
func serveEcho(t *testing.T, o ...grpc.ServerOption) (addr string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := grpc.NewServer(o...)
	etcdserverpb.RegisterKVServer(s, echo{})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	return l.Addr().String(), func() {
		s.Stop()
		require.NoError(t, <-ended)
	}
}

// etcdGateway serves echo with the gateway that etcd generates.
func etcdGateway(t *testing.T) http.Handler {
	t.Helper()
	mux := runtime.NewServeMux()
	require.NoError(t, gw.RegisterKVHandlerServer(t.Context(), mux, echo{}))
	return mux
}

func TestPool(t *testing.T) {
	addr, stop := serveEcho(t)
	pool, err := client.Dial(client.Options{Endpoint: addr, Conns: 2})
	require.NoError(t, err)
	for i := range 3 {
		conformance(t, pool.Handle(i))
	}
	stop()
	_, err = pool.Handle(0).Put(t.Context(), []byte("k"), nil)
	require.Equal(t, codes.Unavailable, status.Code(err), err)
	require.NoError(t, pool.Close())
}

func TestHTTP(t *testing.T) {
	web := httptest.NewServer(etcdGateway(t))
	h, err := client.NewHTTP(web.URL, 2, nil)
	require.NoError(t, err)
	conformance(t, h.Handle(0))
	conformance(t, h.Handle(1))
	require.NoError(t, h.Close())
	web.Close()
	_, err = h.Put(t.Context(), []byte("k"), nil)
	require.Equal(t, codes.Unavailable, status.Code(err), err)
}

// TestTLS checks that both transports use the configuration that they are given,
// and that neither talks to a server that it does not trust.
func TestTLS(t *testing.T) {
	web := httptest.NewTLSServer(etcdGateway(t))
	defer web.Close()
	trust := web.Client().Transport.(*http.Transport).TLSClientConfig
	addr, stop := serveEcho(t, grpc.Creds(credentials.NewServerTLSFromCert(&web.TLS.Certificates[0])))
	defer stop()

	h, err := client.NewHTTP(web.URL, 1, trust.Clone())
	require.NoError(t, err)
	defer h.Close()
	conformance(t, h)
	pool, err := client.Dial(client.Options{Endpoint: addr, TLS: trust.Clone()})
	require.NoError(t, err)
	defer pool.Close()
	conformance(t, pool.Handle(0))

	plain, err := client.Dial(client.Options{Endpoint: addr})
	require.NoError(t, err)
	defer plain.Close()
	stranger, err := client.NewHTTP(web.URL, 1, nil)
	require.NoError(t, err)
	defer stranger.Close()
	for _, c := range []client.KV{plain.Handle(0), stranger} {
		_, err = c.Put(t.Context(), []byte("k"), nil)
		require.Equal(t, codes.Unavailable, status.Code(err), err)
	}
}
