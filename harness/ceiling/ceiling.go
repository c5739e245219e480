// Package ceiling is what this machine can do at best: a gRPC server with etcd's
// KV service that stores nothing. What the same client reaches against it, in
// the same interleaved run, is the ceiling for any store behind the same gRPC.
//
// The server answers a Put at once with the next number of a counter as its
// revision, so that the harness's checks of revisions hold. It has no other
// operation.
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

	"metastorebench/harness/ready"
	"metastorebench/harness/record"
)

// server answers puts. The zero value is at revision 1, an empty store's.
type server struct {
	etcdserverpb.UnimplementedKVServer
	puts atomic.Int64
}

func (s *server) Put(context.Context, *etcdserverpb.PutRequest) (*etcdserverpb.PutResponse, error) {
	return &etcdserverpb.PutResponse{Header: &etcdserverpb.ResponseHeader{Revision: s.puts.Add(1) + 1}}, nil
}

// Serve serves on l with the given settings until ctx ends, then stops
// gracefully and returns nil. When it serves it writes the ready line to stdout.
// rpc names the settings in the ready line's options. Serve closes l.
func Serve(ctx context.Context, l net.Listener, rpc string, opts []grpc.ServerOption, stdout io.Writer) error {
	s := grpc.NewServer(opts...)
	etcdserverpb.RegisterKVServer(s, &server{})
	line := ready.Line{
		Client: l.Addr().String(), PID: os.Getpid(), Durability: record.TierNone,
		Options: map[string]string{"rpc": rpc},
	}
	if err := line.Write(stdout); err != nil {
		return errors.Join(fmt.Errorf("write the ready line: %w", err), l.Close())
	}
	defer context.AfterFunc(ctx, s.GracefulStop)()
	if err := s.Serve(l); !errors.Is(err, grpc.ErrServerStopped) {
		return err // nil after GracefulStop
	}
	return nil // ctx ended before Serve began
}
