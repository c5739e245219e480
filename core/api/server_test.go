package api_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/member"
)

// etcdClient returns etcd's own client.
func etcdClient(t *testing.T, store api.Store, o api.ServerOptions) *clientv3.Client {
	t.Helper()
	_, dialer := apitest.Serve(t, store, o)
	c, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"http://mem:2379"}, DialOptions: []grpc.DialOption{dialer}, Context: t.Context(),
		Logger: zap.NewNop(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestEtcdClient drives the service with clientv3 and keys that are not UTF-8.
func TestEtcdClient(t *testing.T) {
	c := etcdClient(t, apitest.New(), api.ServerOptions{})
	ctx := t.Context()
	prefix := "\xff\xfe\x00"
	for _, suffix := range []string{"a", "b", "\x80", "\xff"} {
		_, err := c.Put(ctx, prefix+suffix, "v\x00\xff"+suffix)
		require.NoError(t, err)
	}
	_, err := c.Put(ctx, "other", "x")
	require.NoError(t, err)

	got, err := c.Get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByKey, clientv3.SortDescend))
	require.NoError(t, err)
	require.EqualValues(t, 4, got.Count)
	require.Equal(t, prefix+"\xff", string(got.Kvs[0].Key))
	require.Equal(t, "v\x00\xff\xff", string(got.Kvs[0].Value))

	got, err = c.Get(ctx, prefix+"b", clientv3.WithFromKey(), clientv3.WithLimit(1), clientv3.WithKeysOnly())
	require.NoError(t, err)
	require.True(t, got.More)
	require.EqualValues(t, 3, got.Count)
	require.Empty(t, got.Kvs[0].Value)

	txn, err := c.Txn(ctx).
		If(clientv3.Compare(clientv3.Value(prefix+"a"), "=", "v\x00\xffa"), clientv3.Compare(clientv3.Version(prefix).WithPrefix(), ">", 0)).
		Then(clientv3.OpPut(prefix+"a", "new", clientv3.WithPrevKV()), clientv3.OpGet(prefix+"a"),
			clientv3.OpDelete(prefix+"\x80", clientv3.WithPrevKV())).
		Else(clientv3.OpPut("never", "")).
		Commit()
	require.NoError(t, err)
	require.True(t, txn.Succeeded)
	require.Equal(t, "v\x00\xffa", string(txn.Responses[0].GetResponsePut().PrevKv.Value))
	require.Equal(t, "new", string(txn.Responses[1].GetResponseRange().Kvs[0].Value))
	require.Equal(t, prefix+"\x80", string(txn.Responses[2].GetResponseDeleteRange().PrevKvs[0].Key))

	deleted, err := c.Delete(ctx, prefix, clientv3.WithPrefix())
	require.NoError(t, err)
	require.EqualValues(t, 3, deleted.Deleted)

	_, err = c.Get(ctx, "other", clientv3.WithRev(2))
	require.ErrorIs(t, err, rpctypes.ErrCompacted)
	_, err = c.Compact(ctx, 99)
	require.ErrorIs(t, err, rpctypes.ErrFutureRev)
	_, err = c.Put(ctx, "k", "v", clientv3.WithLease(7))
	require.ErrorIs(t, err, rpctypes.ErrLeaseNotFound)
}

// TestEtcdTools makes the calls of "etcdctl endpoint status", "endpoint health"
// and "member list".
func TestEtcdTools(t *testing.T) {
	store := apitest.New()
	c := etcdClient(t, store, api.ServerOptions{Cluster: apitest.NewCluster(member.Member{
		ID: apitest.MemberID, Name: "m1", PeerURLs: []string{"http://p:2380"}, ClientURLs: []string{"http://c:2379"},
	})})
	ctx := t.Context()
	st, err := c.Status(ctx, "http://mem:2379")
	require.NoError(t, err)
	require.Equal(t, "3.7.0", st.Version)
	require.EqualValues(t, 4096, st.DbSize)
	require.EqualValues(t, apitest.MemberID, st.Leader)
	require.EqualValues(t, 12, st.RaftIndex)
	require.EqualValues(t, 11, st.RaftAppliedIndex)
	require.EqualValues(t, apitest.RaftTerm, st.RaftTerm)
	require.EqualValues(t, 1, st.Header.Revision)
	require.Empty(t, st.Errors)
	store.SetLeader(0)
	st, err = c.Status(ctx, "http://mem:2379")
	require.NoError(t, err)
	require.Equal(t, []string{"etcdserver: no leader"}, st.Errors)

	alarms, err := c.AlarmList(ctx)
	require.NoError(t, err)
	require.Empty(t, alarms.Alarms)

	members, err := c.MemberList(ctx)
	require.NoError(t, err)
	require.Len(t, members.Members, 1)
	require.Equal(t, &pb.Member{ID: apitest.MemberID, Name: "m1",
		PeerURLs: []string{"http://p:2380"}, ClientURLs: []string{"http://c:2379"}}, members.Members[0])
	require.Equal(t, 1, store.Reads(false), "etcd's client asks for a linearizable list")
}

func TestMemberListWithoutLeader(t *testing.T) {
	store := apitest.New()
	client := pb.NewClusterClient(dial(t, store, api.ServerOptions{Cluster: apitest.NewCluster()}))
	store.Fail(kv.ErrDropped)
	_, err := client.MemberList(t.Context(), &pb.MemberListRequest{Linearizable: true})
	require.Equal(t, rpctypes.ErrNoLeader, rpctypes.Error(err))
}

// TestUnsupported checks that what is not served says so, and says what is.
func TestUnsupported(t *testing.T) {
	cc := dial(t, apitest.New(), api.ServerOptions{})
	ctx := t.Context()
	watch, err := pb.NewWatchClient(cc).Watch(ctx)
	require.NoError(t, err)
	_, err = watch.Recv()
	requireUnimplemented(t, err, "/etcdserverpb.Watch/Watch is not implemented: metastore has no watches")

	_, err = pb.NewLeaseClient(cc).LeaseGrant(ctx, &pb.LeaseGrantRequest{TTL: 5})
	requireUnimplemented(t, err, "/etcdserverpb.Lease/LeaseGrant is not implemented: metastore has no leases: accepted are puts without a lease id")
	keepAlive, err := pb.NewLeaseClient(cc).LeaseKeepAlive(ctx)
	require.NoError(t, err)
	_, err = keepAlive.Recv()
	requireUnimplemented(t, err, "metastore has no leases")

	_, err = pb.NewAuthClient(cc).UserList(ctx, &pb.AuthUserListRequest{})
	requireUnimplemented(t, err, "metastore has no users: accepted are TLS client certificates")
	_, err = pb.NewClusterClient(cc).MemberAdd(ctx, &pb.MemberAddRequest{})
	requireUnimplemented(t, err, "metastore accepts MemberList, MemberAdd")
	_, err = pb.NewMaintenanceClient(cc).Defragment(ctx, &pb.DefragmentRequest{})
	requireUnimplemented(t, err, "metastore accepts Status, MoveLeader, and Alarm")
	_, err = pb.NewMaintenanceClient(cc).Alarm(ctx, &pb.AlarmRequest{Action: pb.AlarmRequest_ACTIVATE})
	requireUnimplemented(t, err, "accepted is the action GET")
	err = cc.Invoke(ctx, "/v3lockpb.Lock/Lock", &pb.StatusRequest{}, &pb.StatusResponse{})
	requireUnimplemented(t, err, "/v3lockpb.Lock/Lock is not implemented: metastore serves etcdserverpb.KV")
}

func requireUnimplemented(t *testing.T, err error, text string) {
	t.Helper()
	require.Equal(t, codes.Unimplemented, status.Code(err))
	require.ErrorContains(t, err, text)
}

// TestMessageTooLarge checks both sides of the line above which gRPC does not
// read a message at all.
func TestMessageTooLarge(t *testing.T) {
	client := pb.NewKVClient(dial(t, apitest.New(), api.ServerOptions{}))
	for _, tc := range []struct {
		size int
		want codes.Code
		text string
	}{
		{api.DefaultMaxRequestBytes - 100, codes.OK, ""},
		{api.DefaultMaxRequestBytes + 100, codes.InvalidArgument, "etcdserver: request is too large"},
		{api.DefaultMaxRequestBytes + 513<<10, codes.ResourceExhausted, "received message larger than max"},
	} {
		_, err := client.Put(t.Context(), &pb.PutRequest{Key: []byte("k"), Value: make([]byte, tc.size)})
		require.Equal(t, tc.want, status.Code(err))
		require.Contains(t, status.Convert(err).Message(), tc.text)
	}
}

// TestLimitsOverrideProfile checks that --max-concurrent-streams wins over the
// profile's value: with one stream, a second call waits for the first.
func TestLimitsOverrideProfile(t *testing.T) {
	store := &blocking{Store: apitest.New(), entered: make(chan struct{}, 2), leave: make(chan struct{})}
	client := pb.NewKVClient(dial(t, store, api.ServerOptions{
		Limits: api.Limits{MaxConcurrentStreams: 1},
		RPC:    []grpc.ServerOption{grpc.MaxConcurrentStreams(100)},
	}))
	answers := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := client.Range(t.Context(), &pb.RangeRequest{Key: []byte("k")})
			answers <- err
		}()
	}
	<-store.entered
	require.Empty(t, store.entered, "the second call must wait for the first")
	store.leave <- struct{}{}
	<-store.entered
	store.leave <- struct{}{}
	require.NoError(t, <-answers)
	require.NoError(t, <-answers)
}

// blocking holds up reads between entered and leave.
type blocking struct {
	*apitest.Store
	entered, leave chan struct{}
}

func (b *blocking) Read(ctx context.Context, serializable bool, fn func(engine.Reader) error) error {
	b.entered <- struct{}{}
	select {
	case <-b.leave:
		return b.Store.Read(ctx, serializable, fn)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestHealthService(t *testing.T) {
	cc := dial(t, apitest.New(), api.ServerOptions{})
	resp, err := grpc_health_v1.NewHealthClient(cc).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	require.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, resp.Status)
}

// shutdownCase is a server with one request under way.
type shutdownCase struct {
	srv    *api.Server
	store  *blocking
	web    net.Listener
	answer chan error
	served chan error
}

func startRequest(t *testing.T) shutdownCase {
	t.Helper()
	c := shutdownCase{
		store:  &blocking{Store: apitest.New(), entered: make(chan struct{}, 1), leave: make(chan struct{})},
		web:    listen(t),
		answer: make(chan error, 1),
		served: make(chan error, 2),
	}
	var err error
	c.srv, err = api.NewServer(c.store, api.ServerOptions{Lean: apitest.Lean})
	require.NoError(t, err)
	l := listen(t)
	go func() { c.served <- c.srv.ServeGRPC(l) }()
	go func() { c.served <- c.srv.ServeWeb(c.web) }()
	cc, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = cc.Close() })
	go func() {
		_, err := pb.NewKVClient(cc).Range(t.Context(), &pb.RangeRequest{Key: []byte("k")})
		c.answer <- err
	}()
	<-c.store.entered
	return c
}

// requireDown checks that both sides have ended without an error.
func (c shutdownCase) requireDown(t *testing.T) {
	t.Helper()
	require.NoError(t, <-c.served)
	require.NoError(t, <-c.served)
	_, err := http.Get("http://" + c.web.Addr().String() + "/health")
	require.Error(t, err, "the port is closed")
}

func TestShutdownLetsRequestsFinish(t *testing.T) {
	c := startRequest(t)
	done := make(chan error, 1)
	go func() { done <- c.srv.Shutdown(t.Context()) }()
	c.store.leave <- struct{}{}
	require.NoError(t, <-c.answer)
	require.NoError(t, <-done)
	c.requireDown(t)
}

func TestShutdownCutsOff(t *testing.T) {
	c := startRequest(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.srv.Shutdown(ctx), context.Canceled)
	require.Equal(t, codes.Unavailable, status.Code(<-c.answer))
	c.requireDown(t)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}
