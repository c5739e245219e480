package rpc_test

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"metastorebench/variants/rpc"
)

// echo answers a put with the pair that it got.
type echo struct{ pb.UnimplementedKVServer }

func (echo) Range(_ context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	return &pb.RangeResponse{Count: int64(len(r.Key))}, nil
}

// connect serves echo under one profile and dials it under another.
func connect(tb testing.TB, server, client rpc.Profile) pb.KVClient {
	l := bufconn.Listen(1 << 20)
	srv := grpc.NewServer(server.Server...)
	pb.RegisterKVServer(srv, echo{})
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	opts := append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }),
	}, client.Client...)
	cc, err := grpc.NewClient("passthrough:///bufconn", opts...)
	require.NoError(tb, err)
	tb.Cleanup(func() {
		require.NoError(tb, cc.Close())
		srv.Stop()
		require.NoError(tb, <-served)
	})
	return pb.NewKVClient(cc)
}

// TestConformance checks that every client profile works with every server
// profile: small and large messages, one and many at a time.
func TestConformance(t *testing.T) {
	for _, server := range rpc.Profiles() {
		for _, client := range rpc.Profiles() {
			t.Run(server.Name+" server "+client.Name+" client", func(t *testing.T) {
				kv := connect(t, server, client)
				var wg sync.WaitGroup
				for i := range 64 {
					wg.Go(func() {
						// Up to 1.2 MiB: more than a stream's window.
						key := bytes.Repeat([]byte{byte(i)}, 1+(i%4)*400_000)
						resp, err := kv.Range(t.Context(), &pb.RangeRequest{Key: key})
						if err != nil || resp.Count != int64(len(key)) {
							t.Errorf("key of %d bytes: %v, %v", len(key), resp, err)
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

func TestProfiles(t *testing.T) {
	all := rpc.Profiles()
	require.Equal(t, rpc.Default, all[0].Name, "the baseline comes first")
	require.Empty(t, all[0].Server, "the baseline is gRPC untouched")
	require.Empty(t, all[0].Client, "the baseline is gRPC untouched")
	for _, want := range all {
		got, err := rpc.Lookup(want.Name)
		require.NoError(t, err)
		require.Equal(t, want.Name, got.Name)
		require.NotEmpty(t, got.Summary)
	}
}

func TestLookupUnknown(t *testing.T) {
	_, err := rpc.Lookup("fast")
	require.ErrorIs(t, err, rpc.ErrUnknown)
	require.EqualError(t, err, `rpc: unknown profile "fast", accepted: default, tuned`)
}

// BenchmarkUnary measures 64 concurrent small requests over one connection.
func BenchmarkUnary(b *testing.B) {
	for _, p := range rpc.Profiles() {
		b.Run(p.Name, func(b *testing.B) {
			kv := connect(b, p, p)
			req := &pb.RangeRequest{Key: make([]byte, 264)}
			b.ReportAllocs()
			b.SetParallelism(64)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := kv.Range(b.Context(), req); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
