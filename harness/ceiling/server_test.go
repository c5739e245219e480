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
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/client"
	"metastorebench/core/rpcpb"
	"metastorebench/harness/ready"
	"metastorebench/harness/record"
)

// server is a no-op server in this process, with connections to it.
type server struct {
	line ready.Line
	pool *client.Pool
}

func (s server) kv() etcdserverpb.KVClient   { return etcdserverpb.NewKVClient(s.pool) }
func (s server) meta() rpcpb.MetaStoreClient { return rpcpb.NewMetaStoreClient(s.pool) }

// start serves, and returns the function that stops and waits.
func start(tb testing.TB) (server, func()) {
	tb.Helper()
	return startOn(tb, Transport{Name: "default"})
}

func startOn(tb testing.TB, t Transport) (server, func()) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	ctx, cancel := context.WithCancel(tb.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, t, in) }()
	text, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(tb, err)
	line, err := ready.Parse(text)
	require.NoError(tb, err)
	require.Equal(tb, record.TierNone, line.Durability)
	require.Equal(tb, map[string]string{"rpc": t.Name}, line.Options)
	pool, err := client.Dial(client.Options{Endpoint: line.Client})
	require.NoError(tb, err)
	return server{line, pool}, func() {
		require.NoError(tb, pool.Close())
		cancel()
		require.NoError(tb, <-ended)
	}
}

func TestEveryPutHasARevisionOfItsOwn(t *testing.T) {
	for _, transport := range []Transport{{Name: "default"}, {Name: "lean", Lean: true}} {
		t.Run(transport.Name, func(t *testing.T) { requireRevisions(t, transport) })
	}
}

func requireRevisions(t *testing.T, transport Transport) {
	defer goleak.VerifyNone(t)
	s, stop := startOn(t, transport)
	defer stop()
	client := s.kv()
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
	require.ErrorIs(t, Serve(t.Context(), l, Transport{Name: "default"}, in), io.ErrClosedPipe)
}

func BenchmarkPut(b *testing.B) {
	s, stop := start(b)
	defer stop()
	client := s.kv()
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

func TestBatchAnswersEveryPut(t *testing.T) {
	s, stop := start(t)
	defer stop()
	put := &rpcpb.Put{Key: []byte{0xff}}
	resp, err := s.meta().BatchPut(t.Context(), &rpcpb.BatchPutRequest{Puts: []*rpcpb.Put{put, put, put}})
	require.NoError(t, err)
	require.Equal(t, int64(4), resp.Revision)
	for i, r := range resp.Results {
		require.Equal(t, int64(i+2), r.Revision, "a revision of its own")
		require.Nil(t, r.Error)
	}
	_, err = s.meta().BatchPut(t.Context(), &rpcpb.BatchPutRequest{})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
}

func TestPipelineAnswersByID(t *testing.T) {
	s, stop := start(t)
	defer stop()
	stream, err := s.meta().Pipeline(t.Context())
	require.NoError(t, err)
	first, err := stream.Recv()
	require.NoError(t, err)
	require.Positive(t, first.GetWindow().GetOperations())
	require.Empty(t, first.GetOutcomes())
	require.NoError(t, stream.Send(&rpcpb.PipelineRequest{Operations: []*rpcpb.Operation{{Id: 7, Put: &rpcpb.Put{}}, {Id: 9}}}))
	resp, err := stream.Recv()
	require.NoError(t, err)
	require.Len(t, resp.Outcomes, 2)
	require.Equal(t, uint64(7), resp.Outcomes[0].Id)
	require.Equal(t, int64(2), resp.Outcomes[0].Put.GetRevision())
	require.Equal(t, uint64(9), resp.Outcomes[1].Id)
	require.Nil(t, resp.Outcomes[1].Put)
	require.Equal(t, int32(codes.Unimplemented), resp.Outcomes[1].Error.GetCode(), "a kind of operation that the server does not know")
	require.NoError(t, stream.CloseSend())
	_, err = stream.Recv()
	require.ErrorIs(t, err, io.EOF)
}

// A pipeline of every shape carries out each operation once.
func TestPipelineWindows(t *testing.T) {
	defer goleak.VerifyNone(t)
	s, stop := start(t)
	defer stop()
	const n = 1000
	for i, w := range []window{{1, 1}, {3, 2}, {256, 1}, {1024, 64}, {n, n}} {
		require.NoError(t, pipeline(t.Context(), s.meta(), &rpcpb.Put{Key: []byte("k")}, n, w))
		resp, err := s.kv().Put(t.Context(), &etcdserverpb.PutRequest{})
		require.NoError(t, err)
		require.Equal(t, int64((i+1)*(n+1)+1), resp.Header.Revision)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, pipeline(ctx, s.meta(), &rpcpb.Put{}, n, window{1, 1}))
}

// Answers that do not fit the operations end a pipeline with an error.
func TestPipelineChecksAnswers(t *testing.T) {
	done := &rpcpb.Outcome{Put: &rpcpb.PutResult{Revision: 2}}
	for name, outcomes := range map[string][]*rpcpb.Outcome{
		"too few":  {done},
		"too many": {done, done, done},
		"none":     {},
		"failed":   {done, {Id: 1, Error: &rpcpb.Error{Message: "no"}}},
	} {
		msgs := []*rpcpb.PipelineResponse{{Outcomes: outcomes}}
		in := func() (*rpcpb.PipelineResponse, error) {
			if len(msgs) == 0 {
				return nil, io.EOF
			}
			defer func() { msgs = msgs[1:] }()
			return msgs[0], nil
		}
		require.ErrorIs(t, receive(in, 2, make(chan int, 2)), errAnswer, name)
	}
}

// The raw port answers what fits, ends a connection that asks for too much, and
// ends all when the server stops.
func TestEcho(t *testing.T) {
	defer goleak.VerifyNone(t)
	s, stop := start(t)
	stopOnce := sync.OnceFunc(stop)
	defer stopOnce()
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", s.line.Echo)
		require.NoError(t, err)
		return conn
	}
	conn := dial()
	_, err := exchange(conn, 3*echoBufferBytes, 5)(t.Context(), 3)
	require.NoError(t, err)
	_, err = exchange(conn, 0, 0)(t.Context(), 1)
	require.NoError(t, err)

	greedy := dial()
	_, err = exchange(greedy, 1, echoMaxBytes+1)(t.Context(), 1)
	require.ErrorIs(t, err, errEcho)
	require.NoError(t, greedy.Close())

	stopOnce()
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
	require.NoError(t, conn.Close())
}
