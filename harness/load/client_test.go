package load

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/etcdserverpb/gw"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// server answers with what it was asked, so that both clients can be shown to
// pass everything on. The key "fail" fails.
type server struct {
	etcdserverpb.UnimplementedKVServer
}

var errRefused = status.Error(codes.ResourceExhausted, "too many requests")

func (server) Put(_ context.Context, r *etcdserverpb.PutRequest) (*etcdserverpb.PutResponse, error) {
	if string(r.Key) == "fail" {
		return nil, errRefused
	}
	return &etcdserverpb.PutResponse{Header: &etcdserverpb.ResponseHeader{Revision: int64(len(r.Value))}}, nil
}

func (server) Range(_ context.Context, r *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	resp := &etcdserverpb.RangeResponse{Header: &etcdserverpb.ResponseHeader{Revision: 1 << 60}, Count: r.Limit, More: r.Limit > 0}
	if len(r.Key) > 0 {
		resp.Kvs = []*mvccpb.KeyValue{{Key: r.Key, Value: r.RangeEnd, ModRevision: 9}}
	}
	return resp, nil
}

func (server) DeleteRange(_ context.Context, r *etcdserverpb.DeleteRangeRequest) (*etcdserverpb.DeleteRangeResponse, error) {
	return &etcdserverpb.DeleteRangeResponse{Header: &etcdserverpb.ResponseHeader{Revision: 5}, Deleted: int64(len(r.Key) + len(r.RangeEnd))}, nil
}

// conformance is what every Client must do; keys and values are not UTF-8.
func conformance(t *testing.T, c Client) {
	ctx, key, value := t.Context(), []byte{0, 0xff, 0xfe}, []byte{0x80, 0, 1, 2}
	revision, err := c.Put(ctx, key, value)
	require.NoError(t, err)
	require.Equal(t, int64(4), revision)
	_, err = c.Put(ctx, []byte("fail"), value)
	require.Equal(t, codes.ResourceExhausted, status.Code(err), err)
	page, err := c.Range(ctx, key, value, 7)
	require.NoError(t, err)
	require.Equal(t, []any{int64(7), true, int64(1 << 60)}, []any{page.Count, page.More, page.Revision})
	require.Equal(t, [][]byte{key, value}, [][]byte{page.Pairs[0].Key, page.Pairs[0].Value})
	pair, revision, err := c.Get(ctx, key) // must not keep the range's end or limit
	require.NoError(t, err)
	require.Equal(t, int64(1<<60), revision)
	require.Equal(t, int64(9), pair.ModRevision)
	require.Empty(t, pair.Value)
	pair, _, err = c.Get(ctx, nil)
	require.NoError(t, err)
	require.Nil(t, pair)
	deleted, revision, err := c.Delete(ctx, key, value)
	require.NoError(t, err)
	require.Equal(t, []int64{7, 5}, []int64{deleted, revision})
	deleted, _, err = c.Delete(ctx, key, nil)
	require.NoError(t, err)
	require.Equal(t, int64(3), deleted)
	dead, cancel := context.WithCancel(ctx)
	cancel()
	_, err = c.Put(dead, key, value)
	require.Equal(t, codes.Canceled, status.Code(err), err)
}

func TestGRPC(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := grpc.NewServer()
	etcdserverpb.RegisterKVServer(s, server{})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	pool, err := Dial(l.Addr().String(), 2)
	require.NoError(t, err)
	for i := range 3 {
		conformance(t, pool.Client(i))
	}
	s.Stop()
	require.NoError(t, <-ended)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err = pool.Client(0).Put(ctx, []byte("k"), nil)
	require.Equal(t, codes.Unavailable, status.Code(err), err)
	require.NoError(t, pool.Close())
}

func TestHTTP(t *testing.T) {
	web := httptest.NewServer(gateway(t))
	h := NewHTTP(web.Listener.Addr().String(), 2)
	conformance(t, h.Client(0))
	conformance(t, h.Client(1))
	require.NoError(t, h.Close())
	web.Close()
	_, err := h.Client(0).Put(t.Context(), []byte("k"), nil)
	require.Equal(t, codes.Unavailable, status.Code(err), err)
}

// gateway serves server with the gateway that etcd generates.
func gateway(t *testing.T) http.Handler {
	mux := runtime.NewServeMux()
	require.NoError(t, gw.RegisterKVHandlerServer(t.Context(), mux, server{}))
	return mux
}

func TestGatewayErrors(t *testing.T) {
	for body, want := range map[string]error{
		`{"code":8,"message":"full"}`:    status.Error(codes.ResourceExhausted, "full"),
		`{"code":0,"message":"strange"}`: status.Error(codes.Unknown, `HTTP status 502: {"code":0,"message":"strange"}`),
		"<html>bad gateway</html>":       status.Error(codes.Unknown, "HTTP status 502: <html>bad gateway</html>"),
	} {
		require.Equal(t, want.Error(), gatewayError(http.StatusBadGateway, []byte(body)).Error())
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("not JSON"))
	}))
	defer web.Close()
	h := NewHTTP(web.Listener.Addr().String(), 1)
	_, err := h.Client(0).Put(t.Context(), []byte("k"), nil)
	require.Equal(t, codes.Internal, status.Code(err))
	require.NoError(t, h.Close())
}
