package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"metastorebench/core/client"
	"metastorebench/core/rpcpb"
)

type serverStream = grpc.BidiStreamingServer[rpcpb.PipelineRequest, rpcpb.PipelineResponse]

// script is a server of streams whose handler is the test's own.
type script struct {
	rpcpb.UnimplementedMetaStoreServer
	handle func(stream serverStream) error
}

func (s *script) Pipeline(stream serverStream) error { return s.handle(stream) }

// onStreams runs a test of one stream, in a bubble, against a scripted server.
func onStreams(t *testing.T, handle func(serverStream) error, test func(t *testing.T, streams *client.Streams)) {
	synctest.Test(t, func(t *testing.T) {
		l := bufconn.Listen(1 << 16)
		s := grpc.NewServer(grpc.MaxRecvMsgSize(4 << 20))
		rpcpb.RegisterMetaStoreServer(s, &script{handle: handle})
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		pool, err := client.Dial(client.Options{Endpoint: "mem", DialOptions: []grpc.DialOption{
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }),
		}})
		require.NoError(t, err)
		streams := pool.Streams(1)
		test(t, streams)
		require.NoError(t, streams.Close())
		_, err = streams.Handle(0).Put(context.Background(), []byte("k"), nil)
		require.ErrorContains(t, err, "the streams have been closed")
		require.False(t, client.Unknown(err))
		require.NoError(t, pool.Close())
		s.Stop()
		require.NoError(t, <-served)
	})
}

// open sends a window of so many operations.
func open(stream serverStream, operations uint32) error {
	return stream.Send(&rpcpb.PipelineResponse{Window: &rpcpb.Window{Operations: operations, OperationBytes: 2 << 20}})
}

// take receives until it has n operations.
func take(stream serverStream, n int) (ops []*rpcpb.Operation, err error) {
	for len(ops) < n {
		req, err := stream.Recv()
		if err != nil {
			return nil, err
		}
		ops = append(ops, req.Operations...)
	}
	return ops, nil
}

// putting is a put under way.
type putting struct {
	err  error
	done chan struct{}
}

// put puts in the background, and returns when nothing moves any more.
func put(ctx context.Context, c client.KV, key string, bytes int) *putting {
	p := &putting{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_, p.err = c.Put(ctx, []byte(key), make([]byte, bytes))
	}()
	synctest.Wait()
	return p
}

// requireOutcome waits for the put's error and what it says of the outcome.
func (p *putting) requireOutcome(t *testing.T, unknown bool, text string) {
	t.Helper()
	<-p.done
	require.ErrorContains(t, p.err, text)
	require.Equal(t, codes.Unavailable, status.Code(p.err))
	require.Equal(t, unknown, client.Unknown(p.err), p.err)
}

// TestBrokenStream breaks a stream with operations in every state: those that the
// connection was given are unknown, the others did not happen; the next call
// opens a stream anew.
func TestBrokenStream(t *testing.T) {
	var breakNow chan struct{} // the bubble's own
	lives := 0
	handle := func(stream serverStream) error {
		if lives++; lives > 1 {
			if err := open(stream, 1); err != nil {
				return err
			}
			ops, err := take(stream, 1)
			if err != nil {
				return err
			}
			return errors.Join(stream.Send(&rpcpb.PipelineResponse{Outcomes: []*rpcpb.Outcome{{Id: ops[0].Id, Put: &rpcpb.PutResult{Revision: 9}}}}), ended(stream))
		}
		if err := open(stream, 5); err != nil {
			return err
		}
		if _, err := take(stream, 1); err != nil { // and nothing else: flow control holds up the client
			return err
		}
		<-breakNow
		return status.Error(codes.Internal, "disk on fire")
	}
	onStreams(t, handle, func(t *testing.T, streams *client.Streams) {
		breakNow = make(chan struct{})
		h := func() client.KV { return streams.Handle(0) }
		received := put(t.Context(), h(), "received", 10)
		underway := put(t.Context(), h(), "half of it is in the network", 1<<20)
		// gRPC holds this one back, since it has more than enough to send.
		held := put(t.Context(), h(), "held", 10)
		queued := []*putting{put(t.Context(), h(), "queued", 10), put(t.Context(), h(), "queued too", 10)}
		waiting := put(t.Context(), h(), "no room in the window", 10)

		giveUp, cancel := context.WithCancel(t.Context())
		impatient := put(giveUp, h(), "gives up", 10)
		cancel()
		<-impatient.done
		require.Equal(t, codes.Canceled, status.Code(impatient.err))
		require.False(t, client.Unknown(impatient.err), "it had no room in the window, so it was not sent")

		close(breakNow)
		received.requireOutcome(t, true, "the stream broke with the operation under way: disk on fire")
		underway.requireOutcome(t, true, "disk on fire")
		for _, p := range append(queued, waiting) {
			p.requireOutcome(t, false, "client: not sent: disk on fire")
		}
		<-held.done // refused by the connection or taken for sent: it is told either way
		require.ErrorContains(t, held.err, "disk on fire")
		revision, err := h().Put(t.Context(), []byte("k"), nil)
		require.NoError(t, err)
		require.EqualValues(t, 9, revision)
	})
}

// ended waits for the client to end the stream.
func ended(stream serverStream) error {
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// TestRefusedStream checks that nothing was sent when there is no window.
func TestRefusedStream(t *testing.T) {
	for want, handle := range map[string]func(serverStream) error{
		"client: not sent: too many": func(serverStream) error { return status.Error(codes.Unavailable, "too many") },
		"client: not sent: the server's first message has no window": func(s serverStream) error {
			return errors.Join(s.Send(&rpcpb.PipelineResponse{}), ended(s))
		},
		"client: not sent: the server answered an operation that is not in flight": func(s serverStream) error {
			return errors.Join(s.Send(&rpcpb.PipelineResponse{Outcomes: []*rpcpb.Outcome{{Id: 1}}}), ended(s))
		},
	} {
		onStreams(t, handle, func(t *testing.T, streams *client.Streams) {
			put(t.Context(), streams.Handle(0), "k", 1).requireOutcome(t, false, want)
		})
	}
}

// TestForeignOutcome checks that an outcome for an operation that is not in flight
// ends the stream, and answers nobody.
func TestForeignOutcome(t *testing.T) {
	for _, shift := range []uint64{1, 1 << 16, 1 << 40} {
		handle := func(stream serverStream) error {
			if err := open(stream, 4); err != nil {
				return err
			}
			ops, err := take(stream, 1)
			if err != nil {
				return err
			}
			out := &rpcpb.Outcome{Id: ops[0].Id + shift, Put: &rpcpb.PutResult{Revision: 2}}
			return errors.Join(stream.Send(&rpcpb.PipelineResponse{Outcomes: []*rpcpb.Outcome{out}}), ended(stream))
		}
		onStreams(t, handle, func(t *testing.T, streams *client.Streams) {
			put(t.Context(), streams.Handle(0), "k", 1).requireOutcome(t, true, "the server answered an operation that is not in flight")
		})
	}
}

// TestAbandonedCall gives up a call that was sent: its outcome is unknown, and its
// answer, which comes later, is nobody else's.
func TestAbandonedCall(t *testing.T) {
	var answer chan struct{} // the bubble's own
	handle := func(stream serverStream) error {
		if err := open(stream, 2); err != nil {
			return err
		}
		ops, err := take(stream, 2)
		if err != nil {
			return err
		}
		<-answer
		out := []*rpcpb.Outcome{{Id: ops[1].Id, Put: &rpcpb.PutResult{Revision: 7}}, {Id: ops[0].Id, Error: &rpcpb.Error{Code: 3, Message: "late"}}}
		return errors.Join(stream.Send(&rpcpb.PipelineResponse{Outcomes: out}), ended(stream))
	}
	onStreams(t, handle, func(t *testing.T, streams *client.Streams) {
		answer = make(chan struct{})
		h := streams.Handle(0)
		ctx, cancel := context.WithCancel(t.Context())
		first := put(ctx, h, "k", 1)
		cancel()
		<-first.done
		require.Equal(t, codes.Canceled, status.Code(first.err))
		require.True(t, client.Unknown(first.err))
		second := put(t.Context(), h, "k", 1)
		close(answer)
		<-second.done
		require.NoError(t, second.err)
	})
}

// TestManyShareAStream has many goroutines on one stream with a small window, and
// operations of every size.
func TestManyShareAStream(t *testing.T) {
	most := 0
	handle := func(stream serverStream) error {
		if err := open(stream, 8); err != nil {
			return err
		}
		var last uint64
		for {
			req, err := stream.Recv()
			if errors.Is(err, io.EOF) || status.Code(err) == codes.Canceled {
				return nil
			}
			if err != nil {
				return err
			}
			most = max(most, len(req.Operations))
			resp := &rpcpb.PipelineResponse{}
			for _, op := range req.Operations {
				if op.Id <= last {
					return status.Error(codes.InvalidArgument, "ids do not grow")
				}
				last = op.Id
				resp.Outcomes = append(resp.Outcomes, &rpcpb.Outcome{Id: op.Id, Put: &rpcpb.PutResult{Revision: int64(len(op.Put.Value))}})
			}
			if err := stream.Send(resp); err != nil {
				return err
			}
		}
	}
	onStreams(t, handle, func(t *testing.T, streams *client.Streams) {
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				h := streams.Handle(i)
				for n := range 40 {
					size := (i*n*n*37)%(100<<10) + 1
					revision, err := h.Put(t.Context(), []byte("k"), make([]byte, size))
					if err != nil || revision != int64(size) {
						t.Errorf("put of %d bytes: %d, %v", size, revision, err)
						return
					}
				}
			})
		}
		all.Wait()
		_, err := streams.Handle(0).Put(t.Context(), []byte(strings.Repeat("k", 2<<20)), []byte("v"))
		require.Equal(t, rpctypes.ErrGRPCRequestTooLarge, err, "refused by the client: it would break the stream")
	})
	require.Greater(t, most, 1, "operations share messages")
	require.LessOrEqual(t, most, 8)
}
