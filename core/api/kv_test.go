package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/core/kv"
)

// dial returns a connection to a server over store.
func dial(tb testing.TB, store api.Store, o api.ServerOptions) *grpc.ClientConn {
	tb.Helper()
	_, dialer := apitest.Serve(tb, store, o)
	cc, err := grpc.NewClient("passthrough:///mem", dialer, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = cc.Close() })
	return cc
}

func put(key, value string) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestPut{
		RequestPut: &pb.PutRequest{Key: []byte(key), Value: []byte(value)}}}
}

func get(key, end string) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestRange{
		RequestRange: &pb.RangeRequest{Key: []byte(key), RangeEnd: []byte(end)}}}
}

func del(key, end string) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestDeleteRange{
		RequestDeleteRange: &pb.DeleteRangeRequest{Key: []byte(key), RangeEnd: []byte(end)}}}
}

func nested(then, otherwise []*pb.RequestOp) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestTxn{
		RequestTxn: &pb.TxnRequest{Success: then, Failure: otherwise}}}
}

func ops(list ...*pb.RequestOp) []*pb.RequestOp { return list }

func repeat(op *pb.RequestOp, n int) (list []*pb.RequestOp) {
	for range n {
		list = append(list, op)
	}
	return list
}

// TestValidation checks that refused requests get etcd's own errors, and that
// none reaches the store.
func TestValidation(t *testing.T) {
	store := apitest.New()
	client := pb.NewKVClient(dial(t, store, api.ServerOptions{Limits: api.Limits{MaxTxnOps: 4, MaxRequestBytes: 1000}}))
	k := []byte("k")
	big := bytes.Repeat(k, 1000)
	one := &pb.Compare{Key: k}
	txn := func(cmp []*pb.Compare, then, otherwise []*pb.RequestOp) *pb.TxnRequest {
		return &pb.TxnRequest{Compare: cmp, Success: then, Failure: otherwise}
	}
	bad := func(text string) error { return status.Error(codes.InvalidArgument, text) }
	for _, tc := range []struct {
		name string
		req  any
		want error
	}{
		{"range without key", &pb.RangeRequest{RangeEnd: k}, rpctypes.ErrGRPCEmptyKey},
		{"range with unknown order", &pb.RangeRequest{Key: k, SortOrder: 9}, rpctypes.ErrGRPCInvalidSortOption},
		{"range with unknown target", &pb.RangeRequest{Key: k, SortTarget: 9}, rpctypes.ErrGRPCInvalidSortOption},
		{"range of the future", &pb.RangeRequest{Key: k, Revision: 9}, rpctypes.ErrGRPCFutureRev},
		{"put without key", &pb.PutRequest{Value: k, IgnoreValue: true}, rpctypes.ErrGRPCEmptyKey},
		{"put with value ignored", &pb.PutRequest{Key: k, Value: k, IgnoreValue: true, Lease: 1, IgnoreLease: true}, rpctypes.ErrGRPCValueProvided},
		{"put with lease ignored", &pb.PutRequest{Key: k, Lease: 1, IgnoreLease: true}, rpctypes.ErrGRPCLeaseProvided},
		{"put with lease", &pb.PutRequest{Key: k, Lease: 1}, rpctypes.ErrGRPCLeaseNotFound},
		{"put of nothing to keep", &pb.PutRequest{Key: k, IgnoreValue: true}, rpctypes.ErrGRPCKeyNotFound},
		{"put too large", &pb.PutRequest{Key: k, Value: big}, rpctypes.ErrGRPCRequestTooLarge},
		{"delete without key", &pb.DeleteRangeRequest{}, rpctypes.ErrGRPCEmptyKey},
		{"delete too large", &pb.DeleteRangeRequest{Key: big}, rpctypes.ErrGRPCRequestTooLarge},
		{"compaction of the future", &pb.CompactionRequest{Revision: 9}, rpctypes.ErrGRPCFutureRev},
		{"compaction of nothing", &pb.CompactionRequest{}, rpctypes.ErrGRPCCompacted},
		{"txn too large", txn(nil, ops(put("k", string(big))), nil), rpctypes.ErrGRPCRequestTooLarge},
		{"too many compares", txn([]*pb.Compare{one, one, one, one, one}, nil, nil), rpctypes.ErrGRPCTooManyOps},
		{"too many operations", txn(nil, repeat(get("k", ""), 5), nil), rpctypes.ErrGRPCTooManyOps},
		{"too many in the other branch", txn(nil, nil, repeat(get("k", ""), 5)), rpctypes.ErrGRPCTooManyOps},
		{"too many nested", txn(nil, ops(nested(repeat(get("k", ""), 4), nil)), nil), rpctypes.ErrGRPCTooManyOps},
		{"compare without key", txn([]*pb.Compare{{}}, nil, nil), rpctypes.ErrGRPCEmptyKey},
		{"unknown result", txn([]*pb.Compare{{Key: k, Result: 7}}, nil, nil),
			bad("etcdserver: unknown compare result 7, want EQUAL, GREATER, LESS or NOT_EQUAL")},
		{"unknown target", txn([]*pb.Compare{{Key: k, Target: 7}}, nil, nil),
			bad("etcdserver: unknown compare target 7, want VERSION, CREATE, MOD, VALUE or LEASE")},
		{"operation without request", txn(nil, ops(&pb.RequestOp{}), nil), rpctypes.ErrGRPCKeyNotFound},
		{"operation without key", txn(nil, nil, ops(put("", ""))), rpctypes.ErrGRPCEmptyKey},
		{"nested without key", txn(nil, ops(nested(nil, ops(del("", "")))), nil), rpctypes.ErrGRPCEmptyKey},
		{"key put twice", txn(nil, ops(put("k", "1"), put("k", "2")), nil), rpctypes.ErrGRPCDuplicateKey},
		{"read-only of the future", txn(nil, ops(&pb.RequestOp{Request: &pb.RequestOp_RequestRange{
			RequestRange: &pb.RangeRequest{Key: k, Revision: 9}}}), nil), rpctypes.ErrGRPCFutureRev},
		{"put with lease in txn", txn(nil, ops(&pb.RequestOp{Request: &pb.RequestOp_RequestPut{
			RequestPut: &pb.PutRequest{Key: k, Lease: 1}}}), nil), rpctypes.ErrGRPCLeaseNotFound},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := call(t.Context(), client, tc.req)
			require.Equal(t, status.Convert(tc.want).Proto().String(), status.Convert(err).Proto().String())
		})
	}
	require.EqualValues(t, 1, store.Status().Revision, "refused requests change nothing")
}

func call(ctx context.Context, client pb.KVClient, req any) (err error) {
	switch r := req.(type) {
	case *pb.RangeRequest:
		_, err = client.Range(ctx, r)
	case *pb.PutRequest:
		_, err = client.Put(ctx, r)
	case *pb.DeleteRangeRequest:
		_, err = client.DeleteRange(ctx, r)
	case *pb.TxnRequest:
		_, err = client.Txn(ctx, r)
	case *pb.CompactionRequest:
		_, err = client.Compact(ctx, r)
	}
	return err
}

// TestStoreErrors checks the table in the package comment.
func TestStoreErrors(t *testing.T) {
	store := apitest.New()
	client := pb.NewKVClient(dial(t, store, api.ServerOptions{}))
	for _, tc := range []struct{ cause, want error }{
		{kv.ErrTooManyRequests, rpctypes.ErrGRPCRequestTooManyRequests},
		{kv.ErrTooLarge, rpctypes.ErrGRPCRequestTooLarge},
		{kv.ErrDropped, rpctypes.ErrGRPCNoLeader},
		{kv.ErrStopped, rpctypes.ErrGRPCStopped},
		{kv.ErrLeaderLost, rpctypes.ErrGRPCLeaderChanged},
		{kv.ErrOvertaken, status.Error(codes.Unavailable, "metastore: "+kv.ErrOvertaken.Error())},
		{kv.ErrTimeout, rpctypes.ErrGRPCTimeout},
		{context.Canceled, status.Error(codes.Canceled, "context canceled")},
		{context.DeadlineExceeded, status.Error(codes.DeadlineExceeded, "context deadline exceeded")},
		{errors.New("disk on fire"), status.Error(codes.Unknown, "disk on fire")},
		{status.Error(codes.DataLoss, "kept"), status.Error(codes.DataLoss, "kept")},
	} {
		store.Fail(tc.cause)
		for _, req := range []any{
			&pb.PutRequest{Key: []byte("k")}, &pb.RangeRequest{Key: []byte("k")},
			&pb.DeleteRangeRequest{Key: []byte("k")}, &pb.CompactionRequest{Revision: 1},
			&pb.TxnRequest{Success: ops(put("k", ""))}, &pb.TxnRequest{Success: ops(get("k", ""))},
		} {
			err := call(t.Context(), client, req)
			require.Equal(t, status.Convert(tc.want).Proto().String(), status.Convert(err).Proto().String(), "%T", req)
		}
	}
}

// TestHeaders checks the header of each reply, and the revisions in the headers
// of a transaction's operations: the old one until something is written.
func TestHeaders(t *testing.T) {
	client := pb.NewKVClient(dial(t, apitest.New(), api.ServerOptions{}))
	ctx := t.Context()
	header := func(rev int64) string {
		return (&pb.ResponseHeader{
			ClusterId: apitest.ClusterID, MemberId: apitest.MemberID, RaftTerm: apitest.RaftTerm, Revision: rev,
		}).String()
	}
	p, err := client.Put(ctx, &pb.PutRequest{Key: []byte("a")})
	require.NoError(t, err)
	require.Equal(t, header(2), p.Header.String())
	r, err := client.Range(ctx, &pb.RangeRequest{Key: []byte("a")})
	require.NoError(t, err)
	require.Equal(t, header(2), r.Header.String())
	d, err := client.DeleteRange(ctx, &pb.DeleteRangeRequest{Key: []byte("a")})
	require.NoError(t, err)
	require.Equal(t, header(3), d.Header.String())
	c, err := client.Compact(ctx, &pb.CompactionRequest{Revision: 2})
	require.NoError(t, err)
	require.Equal(t, header(3), c.Header.String())

	x, err := client.Txn(ctx, &pb.TxnRequest{Success: ops(
		get("a", ""), del("a", ""), put("b", "1"), get("b", ""), nested(ops(del("zzz", ""), get("b", "")), nil))})
	require.NoError(t, err)
	require.Equal(t, header(4), x.Header.String())
	require.EqualValues(t, 3, x.Responses[0].GetResponseRange().Header.Revision)
	require.EqualValues(t, 3, x.Responses[1].GetResponseDeleteRange().Header.Revision)
	require.EqualValues(t, 4, x.Responses[2].GetResponsePut().Header.Revision)
	require.EqualValues(t, 4, x.Responses[3].GetResponseRange().Header.Revision)
	inner := x.Responses[4].GetResponseTxn()
	require.Zero(t, inner.Header.Revision)
	require.EqualValues(t, 4, inner.Responses[0].GetResponseDeleteRange().Header.Revision)

	x, err = client.Txn(ctx, &pb.TxnRequest{Success: ops(get("b", ""), del("zzz", ""))})
	require.NoError(t, err)
	require.Equal(t, header(4), x.Header.String())
	require.EqualValues(t, 4, x.Responses[0].GetResponseRange().Header.Revision)

	x, err = client.Txn(ctx, &pb.TxnRequest{Success: ops(get("b", ""), nested(ops(del("b", "")), nil))})
	require.NoError(t, err)
	require.Equal(t, header(5), x.Header.String())
	require.EqualValues(t, 4, x.Responses[0].GetResponseRange().Header.Revision)
}

// TestReadConsistency checks which reads may be answered from local state.
func TestReadConsistency(t *testing.T) {
	local := &pb.RequestOp{Request: &pb.RequestOp_RequestRange{
		RequestRange: &pb.RangeRequest{Key: []byte("k"), Serializable: true}}}
	for _, tc := range []struct {
		name         string
		req          any
		serializable bool
	}{
		{"range", &pb.RangeRequest{Key: []byte("k")}, false},
		{"serializable range", &pb.RangeRequest{Key: []byte("k"), Serializable: true}, true},
		{"txn", &pb.TxnRequest{Success: ops(local, get("k", ""))}, false},
		{"serializable txn", &pb.TxnRequest{Success: ops(local), Failure: ops(local, local)}, true},
		{"serializable nested txn", &pb.TxnRequest{Success: ops(nested(ops(local), nil))}, true},
		{"nested txn", &pb.TxnRequest{Success: ops(local, nested(ops(get("k", "")), nil))}, false},
		{"compares alone", &pb.TxnRequest{Compare: []*pb.Compare{{Key: []byte("k")}}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			store := apitest.New()
			client := pb.NewKVClient(dial(t, store, api.ServerOptions{}))
			require.NoError(t, call(t.Context(), client, tc.req))
			require.Equal(t, 1, store.Reads(tc.serializable))
			require.Equal(t, 0, store.Reads(!tc.serializable))
		})
	}
}

// TestRangeStream checks that the pieces of a stream merge into Range's reply.
func TestRangeStream(t *testing.T) {
	client := pb.NewKVClient(dial(t, apitest.New(), api.ServerOptions{}))
	value := strings.Repeat("v", 400_000)
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		_, err := client.Put(t.Context(), &pb.PutRequest{Key: []byte(key), Value: []byte(value)})
		require.NoError(t, err)
	}
	for _, req := range []*pb.RangeRequest{
		{Key: []byte("a"), RangeEnd: []byte{0}},
		{Key: []byte("b"), RangeEnd: []byte("e"), Limit: 2, SortOrder: pb.RangeRequest_DESCEND},
		{Key: []byte("zzz")},
	} {
		want, err := client.Range(t.Context(), req)
		require.NoError(t, err)
		stream, err := client.RangeStream(t.Context(), req)
		require.NoError(t, err)
		var got *pb.RangeResponse
		var kvs int
		for {
			piece, err := stream.Recv()
			if err != nil {
				require.ErrorContains(t, err, "EOF")
				break
			}
			kvs += len(piece.RangeResponse.Kvs)
			got = piece.RangeResponse
		}
		require.Len(t, want.Kvs, kvs)
		require.Equal(t, want.Header.String(), got.Header.String())
		require.Equal(t, want.Count, got.Count)
		require.Equal(t, want.More, got.More)
	}
	stream, err := client.RangeStream(t.Context(), &pb.RangeRequest{})
	require.NoError(t, err)
	_, err = stream.Recv()
	require.Equal(t, rpctypes.ErrEmptyKey, rpctypes.Error(err))
}

// recorder is an Observer that remembers.
type recorder struct {
	mu  sync.Mutex
	ops []string
}

func (r *recorder) BatchDone(op string, ok int, failed map[codes.Code]int, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, fmt.Sprintf("%s %d %v", op, ok, failed))
}

func (r *recorder) OpDone(op string, err error, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d < 0 {
		op += " in negative time"
	}
	r.ops = append(r.ops, op+" "+status.Code(err).String())
}

func (r *recorder) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.ops...)
}

func TestObserver(t *testing.T) {
	seen := &recorder{}
	client := pb.NewKVClient(dial(t, apitest.New(), api.ServerOptions{Observer: seen}))
	key := []byte("k")
	for _, req := range []any{
		&pb.PutRequest{Key: key}, &pb.PutRequest{}, &pb.RangeRequest{Key: key},
		&pb.RangeRequest{Key: key, RangeEnd: []byte{0}}, &pb.RangeRequest{Key: key, Revision: 9},
		&pb.DeleteRangeRequest{Key: key}, &pb.TxnRequest{}, &pb.CompactionRequest{Revision: 1},
	} {
		_ = call(t.Context(), client, req)
	}
	require.Equal(t, []string{
		"put OK", "put InvalidArgument", "get OK", "range OK", "get OutOfRange", "delete OK", "txn OK", "compact OK",
	}, seen.seen())
}

func TestLimits(t *testing.T) {
	require.Equal(t, api.Limits{MaxTxnOps: 128, MaxRequestBytes: 1_572_864, MaxPipelines: 1024}, api.Limits{}.EnsureDefaults())
	require.NoError(t, api.Limits{}.EnsureDefaults().Validate())
	err := api.Limits{MaxTxnOps: 1 << 40, MaxRequestBytes: 1<<30 + 1, MaxPipelines: 1 << 31}.Validate()
	require.ErrorIs(t, err, api.ErrLimits)
	require.ErrorContains(t, err, "max-txn-ops 1099511627776, want 1 to 2147483647")
	require.ErrorContains(t, err, "max-request-bytes 1073741825, want 1 to 1073741824")
	require.ErrorContains(t, err, "max-pipelines 2147483648, want 1 to 2147483647")
	_, err = api.NewServer(apitest.New(), api.ServerOptions{Limits: api.Limits{MaxRequestBytes: 1 << 31}})
	require.ErrorIs(t, err, api.ErrLimits)
}

func BenchmarkPut(b *testing.B) {
	cc := dial(b, apitest.New(), api.ServerOptions{})
	client := pb.NewKVClient(cc)
	req := &pb.PutRequest{Key: []byte("12345678"), Value: make([]byte, 256)}
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := client.Put(b.Context(), req); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
