package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/core/kv"
	"metastorebench/core/rpcpb"
)

func puts(pairs ...string) *rpcpb.BatchPutRequest {
	r := &rpcpb.BatchPutRequest{}
	for i := 0; i < len(pairs); i += 2 {
		r.Puts = append(r.Puts, &rpcpb.Put{Key: []byte(pairs[i]), Value: []byte(pairs[i+1])})
	}
	return r
}

func gets(keys ...string) *rpcpb.BatchGetRequest {
	r := &rpcpb.BatchGetRequest{}
	for _, k := range keys {
		r.Gets = append(r.Gets, &rpcpb.Get{Key: []byte(k)})
	}
	return r
}

func deletes(keys ...string) *rpcpb.BatchDeleteRequest {
	r := &rpcpb.BatchDeleteRequest{}
	for _, k := range keys {
		r.Deletes = append(r.Deletes, &rpcpb.Delete{Key: []byte(k)})
	}
	return r
}

// requireError compares an operation's error with a status error, nil for none.
func requireError(t *testing.T, want error, got *rpcpb.Error) {
	t.Helper()
	if want == nil {
		require.Nil(t, got)
		return
	}
	require.Equal(t, status.Convert(want).Code(), codes.Code(got.GetCode()))
	require.Equal(t, status.Convert(want).Message(), got.GetMessage())
}

// TestBatches follows one key space through all batches.
func TestBatches(t *testing.T) {
	store := apitest.New()
	c, ctx := rpcpb.NewMetaStoreClient(dial(t, store, api.ServerOptions{})), t.Context()

	// The second put of a key overwrites the first, at a revision of its own.
	put, err := c.BatchPut(ctx, puts("\xff\x00", "1", "b", "2", "\xff\x00", "3", "d", ""))
	require.NoError(t, err)
	require.EqualValues(t, 5, put.Revision)
	require.Len(t, put.Results, 4)
	for i, r := range put.Results {
		require.Nil(t, r.Error)
		require.EqualValues(t, 2+i, r.Revision)
	}

	got, err := c.BatchGet(ctx, gets("\xff\x00", "absent", "d", "\xff\x00"))
	require.NoError(t, err)
	require.EqualValues(t, 5, got.Revision)
	require.Len(t, got.Results, 4)
	require.Equal(t, `key:"\xff\x00" create_revision:2 mod_revision:4 version:2 value:"3"`, text(got.Results[0].Pair))
	require.Nil(t, got.Results[1].Pair)
	require.Equal(t, `key:"d" create_revision:5 mod_revision:5 version:1`, text(got.Results[2].Pair))
	require.Equal(t, text(got.Results[0].Pair), text(got.Results[3].Pair))
	require.Equal(t, 1, store.Reads(false), "a batch is one read")

	del, err := c.BatchDelete(ctx, deletes("b", "b", "absent", "d"))
	require.NoError(t, err)
	require.EqualValues(t, 7, del.Revision)
	for i, want := range []struct{ deleted, revision int64 }{{1, 6}, {0, 6}, {0, 6}, {1, 7}} {
		require.Nil(t, del.Results[i].Error)
		require.Equal(t, []int64{want.deleted, want.revision}, []int64{del.Results[i].Deleted, del.Results[i].Revision})
	}
	require.Equal(t, []int{4, 4}, store.Batches(), "a batch that writes is one proposal")

	r := gets("b")
	r.Serializable = true
	got, err = c.BatchGet(ctx, r)
	require.NoError(t, err)
	require.Nil(t, got.Results[0].Pair)
	require.Equal(t, 1, store.Reads(true))
}

// text is a message in protobuf's text form, which varies its spaces on purpose.
func text(m fmt.Stringer) string { return strings.Join(strings.Fields(m.String()), " ") }

// TestBadOperationsFailAlone checks that the neighbours of a bad operation are
// carried out, and that the observer hears of both.
func TestBadOperationsFailAlone(t *testing.T) {
	store, seen := apitest.New(), &recorder{}
	c := rpcpb.NewMetaStoreClient(dial(t, store, api.ServerOptions{Limits: api.Limits{MaxRequestBytes: 1000}, Observer: seen}))
	ctx, big := t.Context(), strings.Repeat("v", 1000)

	put, err := c.BatchPut(ctx, puts("a", "1", "", "2", "c", big, "d", "4"))
	require.NoError(t, err)
	require.EqualValues(t, 3, put.Revision)
	for i, want := range []error{nil, rpctypes.ErrGRPCEmptyKey, rpctypes.ErrGRPCRequestTooLarge, nil} {
		requireError(t, want, put.Results[i].Error)
	}
	require.Equal(t, []int64{2, 0, 0, 3}, []int64{put.Results[0].Revision, put.Results[1].Revision, put.Results[2].Revision, put.Results[3].Revision})

	r := gets("a", "", "d", "d", "d")
	r.Gets[2].Revision, r.Gets[3].Revision, r.Gets[4].Revision = 2, 3, 9
	got, err := c.BatchGet(ctx, r)
	require.NoError(t, err)
	for i, want := range []error{nil, rpctypes.ErrGRPCEmptyKey, rpctypes.ErrGRPCCompacted, nil, rpctypes.ErrGRPCFutureRev} {
		requireError(t, want, got.Results[i].Error)
		require.Equal(t, want == nil, got.Results[i].Pair != nil)
	}

	del, err := c.BatchDelete(ctx, deletes("", "a"))
	require.NoError(t, err)
	requireError(t, rpctypes.ErrGRPCEmptyKey, del.Results[0].Error)
	require.EqualValues(t, 1, del.Results[1].Deleted)

	del, err = c.BatchDelete(ctx, deletes("", ""))
	require.NoError(t, err, "a batch of bad operations is answered operation by operation")
	require.EqualValues(t, 4, del.Revision)
	require.Equal(t, []int{2, 1}, store.Batches())
	require.Equal(t, []string{
		"batch_put 2 map[InvalidArgument:2]", "batch_get 2 map[InvalidArgument:1 OutOfRange:2]",
		"batch_delete 1 map[InvalidArgument:1]", "batch_delete 0 map[InvalidArgument:2]",
	}, seen.seen())
}

// TestRefusedBatches checks that a batch which is wrong as a whole does nothing.
func TestRefusedBatches(t *testing.T) {
	store, seen := apitest.New(), &recorder{}
	conn := dial(t, store, api.ServerOptions{Limits: api.Limits{MaxRequestBytes: 1 << 20}, Observer: seen})
	c, ctx := rpcpb.NewMetaStoreClient(conn), t.Context()
	empty := status.Error(codes.InvalidArgument, "metastore: the batch is empty; accepted are 1 to 10000 operations")
	long := status.Error(codes.InvalidArgument, "metastore: the batch has 10001 operations; accepted are 1 to 10000")
	keys := func(n int) []string { return strings.Fields(strings.Repeat("k ", n)) }
	half := strings.Repeat("v", 1<<19)
	for _, tc := range []struct {
		name string
		call func() error
		want error
	}{
		{"no puts", func() error { _, err := c.BatchPut(ctx, puts()); return err }, empty},
		{"no gets", func() error { _, err := c.BatchGet(ctx, gets()); return err }, empty},
		{"no deletes", func() error { _, err := c.BatchDelete(ctx, deletes()); return err }, empty},
		{"too many puts", func() error { _, err := c.BatchPut(ctx, puts(keys(20_002)...)); return err }, long},
		{"too many gets", func() error { _, err := c.BatchGet(ctx, gets(keys(10_001)...)); return err }, long},
		{"too many deletes", func() error { _, err := c.BatchDelete(ctx, deletes(keys(10_001)...)); return err }, long},
		{"too large", func() error { _, err := c.BatchPut(ctx, puts("a", half, "b", half)); return err }, rpctypes.ErrGRPCRequestTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, status.Convert(tc.want).Proto().String(), status.Convert(tc.call()).Proto().String())
		})
	}
	require.Empty(t, store.Batches())
	require.EqualValues(t, 1, store.Status().Revision)
	require.Equal(t, []string{
		"batch_put 0 map[InvalidArgument:0]", "batch_get 0 map[InvalidArgument:0]", "batch_delete 0 map[InvalidArgument:0]",
		"batch_put 0 map[InvalidArgument:10001]", "batch_get 0 map[InvalidArgument:10001]", "batch_delete 0 map[InvalidArgument:10001]",
		"batch_put 0 map[InvalidArgument:2]",
	}, seen.seen())

	largest, err := c.BatchPut(ctx, puts(keys(20_000)...))
	require.NoError(t, err)
	require.Len(t, largest.Results, 10_000)
	require.EqualValues(t, 10_001, largest.Results[9999].Revision)
}

// largeReply lets a client read more than gRPC's default of 4 MiB.
var largeReply = grpc.MaxCallRecvMsgSize(1 << 30)

// TestBatchReplyIsBounded asks for more than an answer may hold.
func TestBatchReplyIsBounded(t *testing.T) {
	cc := dial(t, apitest.New(), api.ServerOptions{})
	value := make([]byte, 1<<20)
	_, err := pb.NewKVClient(cc).Put(t.Context(), &pb.PutRequest{Key: []byte("k"), Value: value})
	require.NoError(t, err)
	got, err := rpcpb.NewMetaStoreClient(cc).BatchGet(t.Context(), gets(strings.Fields(strings.Repeat("k ", 70))...), largeReply)
	require.NoError(t, err)
	full := status.Errorf(codes.ResourceExhausted, "metastore: the batch's answer is full, 67108864 bytes: ask for this key in another one")
	for i, r := range got.Results {
		if i < 63 {
			require.True(t, bytes.Equal(value, r.Pair.GetValue()))
		} else {
			requireError(t, full, r.Error)
			require.Nil(t, r.Pair)
		}
	}
}

// TestBatchErrors checks that a store's failure is the whole call's error.
func TestBatchErrors(t *testing.T) {
	store := apitest.New()
	c := rpcpb.NewMetaStoreClient(dial(t, store, api.ServerOptions{}))
	for _, tc := range []struct{ cause, want error }{
		{kv.ErrTooManyRequests, rpctypes.ErrGRPCRequestTooManyRequests},
		{kv.ErrDropped, rpctypes.ErrGRPCNoLeader},
		{kv.ErrLeaderLost, rpctypes.ErrGRPCLeaderChanged},
		{kv.ErrNotProposed, status.Error(codes.Canceled, "metastore: cancelled before it was proposed")},
	} {
		store.Fail(tc.cause)
		_, err := c.BatchPut(t.Context(), puts("k", "v"))
		require.Equal(t, status.Convert(tc.want).Message(), status.Convert(err).Message())
		_, err = c.BatchDelete(t.Context(), deletes("k"))
		require.Equal(t, status.Code(tc.want), status.Code(err))
		_, err = c.BatchGet(t.Context(), gets("k"))
		require.Equal(t, status.Code(tc.want), status.Code(err))
	}
}

// TestBatchGateway checks the JSON form, and what of it is refused.
func TestBatchGateway(t *testing.T) {
	s := web(t, apitest.New(), api.ServerOptions{Limits: api.Limits{MaxRequestBytes: 1000}})
	for _, tc := range []struct {
		path, body string
		code       int
		want       string
	}{
		{"put", `{"puts":[{"key":"/wA=","value":"gA=="},{"value":"gA=="},{"key":"Yg=="}]}`, http.StatusOK,
			`{"revision":"3","results":[{"revision":"2"},{"error":{"code":3,"message":"etcdserver: key is not provided"}},{"revision":"3"}]}`},
		{"get", `{"gets":[{"key":"/wA="},{"key":"eA=="}]}`, http.StatusOK,
			`{"revision":"3","results":[{"pair":{"key":"/wA=","value":"gA==","create_revision":"2","mod_revision":"2","version":"1"}},{}]}`},
		{"delete", `{"deletes":[{"key":"Yg=="}],"unknown":1}`, http.StatusOK, `{"revision":"4","results":[{"revision":"4","deleted":"1"}]}`},
		{"put", `{}`, http.StatusBadRequest, `{"code":3,"message":"metastore: the batch is empty; accepted are 1 to 10000 operations"}`},
		{"put", `{"puts":[{"key":"` + strings.Repeat("A", 1<<20) + `"}]}`, http.StatusBadRequest, `{"code":3,"message":"etcdserver: request is too large"}`},
	} {
		code, got := post(t, s.URL+"/v3/batch/"+tc.path, strings.NewReader(tc.body))
		require.Equal(t, tc.code, code, got)
		requireJSON(t, tc.want, got)
	}
	code, got := post(t, s.URL+"/v3/batch/put", strings.NewReader(`{"puts":7}`))
	require.Equal(t, http.StatusBadRequest, code)
	require.Contains(t, got, "request body")
	code, _ = post(t, s.URL+"/v3/batch/patch", strings.NewReader(`{}`))
	require.Equal(t, http.StatusNotFound, code)
}
