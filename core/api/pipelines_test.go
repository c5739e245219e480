package api_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/rpcpb"
)

// serveTCP serves store on a port, where connections can be told apart, and
// returns a function that connects.
func serveTCP(t *testing.T, store api.Store, o api.ServerOptions) (srv *api.Server, connect func() *grpc.ClientConn) {
	t.Helper()
	srv, addr := apitest.ServeTCP(t, store, o)
	return srv, func() *grpc.ClientConn {
		cc, err := grpc.NewClient(addr.String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		require.NoError(t, err)
		t.Cleanup(func() { _ = cc.Close() })
		return cc
	}
}

// TestTooManyStreams opens far more streams than are accepted: those beyond a
// connection's share are refused, each by itself, and another connection is served
// as if nothing had happened.
func TestTooManyStreams(t *testing.T) {
	const share = api.DefaultMaxPipelines / 4
	const streams = 2 * api.DefaultMaxPipelines
	_, connect := serveTCP(t, apitest.New(), api.ServerOptions{})
	greedy := rpcpb.NewMetaStoreClient(connect())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	accepted := 0
	for range streams {
		stream, err := greedy.Pipeline(ctx)
		require.NoError(t, err)
		if _, err = stream.Recv(); err == nil {
			accepted++
			continue
		}
		require.Equal(t, codes.ResourceExhausted, status.Code(err))
		require.ErrorContains(t, err, "metastore: 256 streams of operations are open on this connection; accepted: 256")
	}
	require.Equal(t, share, accepted)
	other := openStream(t, connect())
	other.send(opPut(1, "k", "v"), opGet(2, "k"))
	for _, o := range other.receive(2) {
		require.Nil(t, o.Error)
	}
	other.requireEnd()
}

// TestStreamsOfAllConnections checks the bound on all streams together.
func TestStreamsOfAllConnections(t *testing.T) {
	_, connect := serveTCP(t, apitest.New(), api.ServerOptions{Limits: api.Limits{MaxPipelines: 4}})
	for range 4 {
		openStream(t, connect())
	}
	stream, err := rpcpb.NewMetaStoreClient(connect()).Pipeline(t.Context())
	require.NoError(t, err)
	_, err = stream.Recv()
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	require.ErrorContains(t, err, "metastore: 4 streams of operations are open; accepted: 4")
}

// counting counts the reads of keys from a store.
type counting struct {
	*apitest.Store
	mu   sync.Mutex
	gets int
}

type countingReader struct {
	engine.Reader
	store *counting
}

func (c *counting) Read(ctx context.Context, serializable bool, fn func(engine.Reader) error) error {
	return c.Store.Read(ctx, serializable, func(r engine.Reader) error { return fn(countingReader{r, c}) })
}

// Get implements engine.Reader.
func (r countingReader) Get(key []byte) (*kv.KeyValue, error) {
	r.store.mu.Lock()
	r.store.gets++
	r.store.mu.Unlock()
	return r.Reader.Get(key)
}

// TestClientThatDoesNotRead sends without end and reads nothing: the server stops
// to read from it when a bounded number of answers waits, serves another client
// meanwhile, and answers all of it when it reads at last.
func TestClientThatDoesNotRead(t *testing.T) {
	const n, valueBytes = 600, 100 << 10 // 60 MB of answers
	synctest.Test(t, func(t *testing.T) {
		store := &counting{Store: apitest.New()}
		cc := dial(t, store, api.ServerOptions{})
		s, other := openStream(t, cc), openStream(t, cc)
		s.send(opPut(1, "k", strings.Repeat("v", valueBytes)))
		s.receive(1)
		var sent sync.WaitGroup
		sent.Go(func() {
			for id := uint64(2); id < n+2; id++ {
				if err := s.Send(&rpcpb.PipelineRequest{Operations: []*rpcpb.Operation{opGet(id, "k")}}); err != nil {
					t.Error(err)
					return
				}
			}
		})
		synctest.Wait()
		store.mu.Lock()
		read := store.gets
		store.mu.Unlock()
		require.Less(t, read, n/2, "gets carried out for a client that takes no answers")
		other.send(opPut(1, "other", "v"), opGet(2, "other"))
		for _, o := range other.receive(2) {
			require.Nil(t, o.Error)
		}
		for range n {
			require.NotNil(t, s.receive(1)[0].Get.GetPair())
		}
		sent.Wait()
		s.requireEnd()
		other.requireEnd()
	})
}

// rawCodec sends bytes as they are.
type rawCodec struct{ encoding.CodecV2 }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

// TestPipelineMalformed checks that what is no message ends its stream, after what
// came before it has been answered, and no other.
func TestPipelineMalformed(t *testing.T) {
	cc := dial(t, apitest.New(), api.ServerOptions{})
	other := openStream(t, cc)
	codec := grpc.ForceCodecV2(rawCodec{encoding.GetCodecV2(proto.Name)})
	for text, message := range map[string]string{
		"field 1":     "\x0a\xff",
		"operation 7": "\x0a\x07\x08\x07\x12\x03\x0a\xff\x01",
	} {
		stream, err := rpcpb.NewMetaStoreClient(cc).Pipeline(t.Context(), codec)
		require.NoError(t, err)
		_, err = stream.Recv()
		require.NoError(t, err)
		require.NoError(t, stream.SendMsg([]byte("\x0a\x07\x08\x01\x12\x03\x0a\x01k"))) // puts k under id 1
		require.NoError(t, stream.SendMsg([]byte(message)))
		resp, err := stream.Recv()
		require.NoError(t, err)
		require.Positive(t, resp.Outcomes[0].Put.GetRevision())
		_, err = stream.Recv()
		require.Equal(t, codes.InvalidArgument, status.Code(err))
		require.ErrorContains(t, err, "malformed pipeline message: "+text)
	}
	large, err := rpcpb.NewMetaStoreClient(cc).Pipeline(t.Context())
	require.NoError(t, err)
	err = large.Send(&rpcpb.PipelineRequest{Operations: []*rpcpb.Operation{opPut(1, "k", strings.Repeat("v", 3<<20))}})
	for err == nil {
		_, err = large.Recv()
	}
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	require.ErrorContains(t, err, "received message larger than max")
	other.send(opPut(1, "k", "v"))
	require.Nil(t, other.receive(1)[0].Error)
	other.requireEnd()
}

// TestShutdownEndsStreams checks that what is in flight is answered, and nothing
// more taken in.
func TestShutdownEndsStreams(t *testing.T) {
	store := hold()
	srv, connect := serveTCP(t, store, api.ServerOptions{})
	cc := connect()
	s := openStream(t, cc)
	s.send(opPut(1, "k", "v"))
	store.waitFor(1)
	down := make(chan error, 1)
	go func() { down <- srv.Shutdown(context.Background()) }()
	for { // until the server refuses: another request tells
		_, err := pb.NewKVClient(cc).Range(t.Context(), &pb.RangeRequest{Key: []byte("k")})
		if err != nil {
			break
		}
	}
	store.release(1)
	require.EqualValues(t, 2, s.receive(1)[0].Put.GetRevision())
	_, err := s.Recv()
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.ErrorContains(t, err, "metastore: the server stops")
	require.NoError(t, <-down)
}
