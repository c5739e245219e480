package rpc_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/variants/rpc"
)

// connect serves a store under one profile and dials it under another.
func connect(tb testing.TB, server, client rpc.Profile) pb.KVClient {
	_, dialer := apitest.Serve(tb, apitest.New(), api.ServerOptions{RPC: server.Server, Lean: server.Lean})
	opts := append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials()), dialer}, client.Client...)
	cc, err := grpc.NewClient("passthrough:///bufconn", opts...)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, cc.Close()) })
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
						key, value := []byte{byte(i)}, bytes.Repeat([]byte{byte(i)}, 1+(i%4)*400_000)
						_, err := kv.Put(t.Context(), &pb.PutRequest{Key: key, Value: value})
						if err != nil {
							t.Errorf("put of %d bytes: %v", len(value), err)
							return
						}
						resp, err := kv.Range(t.Context(), &pb.RangeRequest{Key: key})
						if err != nil || len(resp.Kvs) != 1 || !bytes.Equal(resp.Kvs[0].Value, value) {
							t.Errorf("get of %d bytes: %v", len(value), err)
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
	require.EqualError(t, err, `rpc: unknown profile "fast", accepted: default, tuned, lean`)
}

// BenchmarkUnary measures 64 concurrent small requests over one connection.
func BenchmarkUnary(b *testing.B) {
	for _, p := range rpc.Profiles() {
		b.Run(p.Name, func(b *testing.B) {
			kv := connect(b, p, p)
			req := &pb.PutRequest{Key: make([]byte, 8), Value: make([]byte, 256)}
			b.ReportAllocs()
			b.SetParallelism(64)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := kv.Put(b.Context(), req); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
