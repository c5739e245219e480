package ceiling

import (
	"bufio"
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"metastorebench/harness/ready"
	"metastorebench/harness/record"
)

// start serves and returns a client and the function that stops and waits.
func start(tb testing.TB) (etcdserverpb.KVClient, func()) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	ctx, cancel := context.WithCancel(tb.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, "default", nil, in) }()
	text, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(tb, err)
	line, err := ready.Parse(text)
	require.NoError(tb, err)
	require.Equal(tb, record.TierNone, line.Durability)
	require.Equal(tb, map[string]string{"rpc": "default"}, line.Options)
	conn, err := grpc.NewClient(line.Client, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(tb, err)
	return etcdserverpb.NewKVClient(conn), func() {
		require.NoError(tb, conn.Close())
		cancel()
		require.NoError(tb, <-ended)
	}
}

func TestEveryPutHasARevisionOfItsOwn(t *testing.T) {
	defer goleak.VerifyNone(t)
	client, stop := start(t)
	defer stop()
	var mu sync.Mutex
	seen := map[int64]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				resp, err := client.Put(t.Context(), &etcdserverpb.PutRequest{Key: []byte("k")})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				seen[resp.Header.Revision] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Len(t, seen, 400)
	for rev := range seen {
		require.True(t, rev > 1 && rev <= 401)
	}
	_, err := client.Range(t.Context(), &etcdserverpb.RangeRequest{Key: []byte("k")})
	require.Equal(t, codes.Unimplemented, status.Code(err))
}

func TestServeFailsWhenNobodyCanHearIt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	out, in := io.Pipe()
	require.NoError(t, out.Close())
	require.ErrorIs(t, Serve(t.Context(), l, "default", nil, in), io.ErrClosedPipe)
}

func BenchmarkPut(b *testing.B) {
	client, stop := start(b)
	defer stop()
	req := &etcdserverpb.PutRequest{Key: make([]byte, 8), Value: make([]byte, 256)}
	b.ReportAllocs()
	b.SetParallelism(50)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := client.Put(context.Background(), req); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
