package ceiling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/rpcpb"
	"metastorebench/harness/ready"
	"metastorebench/harness/record"
)

// counter numbers the writes of all services. The zero value is at revision 1,
// an empty store's.
type counter struct{ writes atomic.Int64 }

// next returns the next write's revision.
func (c *counter) next() int64 { return c.take(1) }

// take returns the first of n consecutive revisions, for as many writes.
func (c *counter) take(n int) int64 { return c.writes.Add(int64(n)) - int64(n) + 2 }

// kvServer answers etcd's puts.
type kvServer struct {
	etcdserverpb.UnimplementedKVServer
	*counter
}

func (s *kvServer) Put(context.Context, *etcdserverpb.PutRequest) (*etcdserverpb.PutResponse, error) {
	return &etcdserverpb.PutResponse{Header: &etcdserverpb.ResponseHeader{Revision: s.next()}}, nil
}

// metaServer answers the puts of the store's own service.
type metaServer struct {
	rpcpb.UnimplementedMetaStoreServer
	*counter
}

func (s *metaServer) BatchPut(_ context.Context, req *rpcpb.BatchPutRequest) (*rpcpb.BatchPutResponse, error) {
	if len(req.GetPuts()) == 0 {
		return nil, status.Error(codes.InvalidArgument, "the batch is empty")
	}
	results := make([]rpcpb.PutResult, len(req.GetPuts()))
	resp := &rpcpb.BatchPutResponse{Results: make([]*rpcpb.PutResult, len(results))}
	first := s.take(len(results))
	for i := range results {
		results[i].Revision = first + int64(i)
		resp.Results[i] = &results[i]
	}
	resp.Revision = results[len(results)-1].Revision
	return resp, nil
}

// pipelineWindow is what the server says that a stream may have in flight. It
// answers at once and does not count.
const pipelineWindow = 1 << 16

// Pipeline answers each message by one.
func (s *metaServer) Pipeline(stream grpc.BidiStreamingServer[rpcpb.PipelineRequest, rpcpb.PipelineResponse]) error {
	var out rpcpb.Builder
	out.SetWindow(&rpcpb.Window{Operations: pipelineWindow, OperationBytes: 1 << 30})
	var in rpcpb.Frame
	defer in.Free()
	var walk rpcpb.Operations
	answer := rpcpb.Outcome{}
	put, unknown := &rpcpb.PutResult{}, &rpcpb.Error{Code: int32(codes.Unimplemented), Message: "unknown kind of operation"}
	for {
		frame := out.Frame()
		if err := stream.SendMsg(&frame); err != nil {
			return err
		}
		if err := stream.RecvMsg(&in); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		err := walk.Each(in.Bytes(), func(op *rpcpb.Operation) error {
			answer.Id, answer.Put, answer.Error = op.Id, nil, unknown
			if op.Put != nil {
				put.Revision = s.next()
				answer.Put, answer.Error = put, nil
			}
			out.AddOutcome(&answer)
			return nil
		})
		if err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
	}
}

// Transport is a value of the axis --rpc.
type Transport struct {
	Name    string // in the ready line's options
	Options []grpc.ServerOption
	// Lean serves puts by core/api/lean, and the rest by grpc-go behind it.
	Lean bool
}

// Serve serves on l until ctx ends, then stops gracefully and returns nil. When it
// serves it writes the ready line to stdout. Serve closes l.
func Serve(ctx context.Context, l net.Listener, t Transport, stdout io.Writer) error {
	raw, err := newEcho()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer raw.close()
	s := grpc.NewServer(append([]grpc.ServerOption{grpc.ForceServerCodecV2(rpcpb.Codec())}, t.Options...)...)
	c := &counter{}
	etcdserverpb.RegisterKVServer(s, &kvServer{counter: c})
	rpcpb.RegisterMetaStoreServer(s, &metaServer{counter: c})
	line := ready.Line{
		Client: l.Addr().String(), Echo: raw.addr(), PID: os.Getpid(), Durability: record.TierNone,
		Options: map[string]string{"rpc": t.Name},
	}
	if err := line.Write(stdout); err != nil {
		return errors.Join(fmt.Errorf("write the ready line: %w", err), l.Close())
	}
	if t.Lean {
		return serveLean(ctx, l, s, c)
	}
	defer context.AfterFunc(ctx, s.GracefulStop)()
	if err := s.Serve(l); !errors.Is(err, grpc.ErrServerStopped) {
		return err // nil after GracefulStop
	}
	return nil // ctx ended before Serve began
}
