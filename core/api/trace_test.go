package api_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/core/trace"
)

// unobserved throws traces away.
type unobserved struct{}

func (unobserved) Traced(trace.Times, time.Duration) {}
func (unobserved) Incomplete()                       {}

// BenchmarkTrace measures what the trace adds to a put over gRPC in memory, on
// client and server together, with the store itself left out.
func BenchmarkTrace(b *testing.B) {
	for _, every := range []int{0, 256, 16, 1} {
		b.Run(fmt.Sprintf("every=%d", every), func(b *testing.B) {
			o := api.ServerOptions{}
			if every > 0 {
				var err error
				o.Tracer, err = trace.New(every, unobserved{})
				require.NoError(b, err)
			}
			_, dial := apitest.Serve(b, apitest.New(), o)
			conn, err := grpc.NewClient("passthrough:///memory", dial, grpc.WithTransportCredentials(insecure.NewCredentials()))
			require.NoError(b, err)
			b.Cleanup(func() { _ = conn.Close() })
			kv, put := pb.NewKVClient(conn), &pb.PutRequest{Key: []byte("12345678"), Value: make([]byte, 256)}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := kv.Put(context.Background(), put); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
