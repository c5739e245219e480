package ceiling

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/api/lean"
)

// leanDrain bounds the end of a server that clients have not left.
const leanDrain = 5 * time.Second

// serveLean serves puts by core/api/lean, and the rest by s behind it.
func serveLean(ctx context.Context, l net.Listener, s *grpc.Server, c *counter) error {
	server := lean.New(lean.Options{
		Methods: []string{etcdserverpb.KV_Put_FullMethodName},
		NewSession: func(conn *lean.Conn) lean.Session {
			return &leanPuts{conn: conn, counter: c, bad: make([]bool, conn.Slots())}
		},
		Services: []string{etcdserverpb.KV_ServiceDesc.ServiceName},
		GRPC:     s, Web: http.NotFoundHandler(), MaxMessageBytes: 4 << 20,
	})
	stopped := make(chan struct{})
	defer context.AfterFunc(ctx, func() {
		defer close(stopped)
		stop, cancel := context.WithTimeout(context.Background(), leanDrain)
		defer cancel()
		_ = server.Drain(stop) // its error is that clients were cut off
		server.Close()
		s.Stop()
	})()
	if err := server.Serve(l); !errors.Is(err, lean.ErrServerClosed) {
		return err
	}
	<-stopped
	return nil
}

// leanPuts answers the puts of a connection. Each is decoded, as grpc-go does it.
type leanPuts struct {
	*counter
	conn    *lean.Conn
	request etcdserverpb.PutRequest
	bad     []bool // by slot: no put
}

var _ lean.Session = (*leanPuts)(nil)

// Begin implements lean.Session.
func (p *leanPuts) Begin(call *lean.Call, message []byte) {
	p.bad[call.Slot] = proto.Unmarshal(message, &p.request) != nil
	p.conn.Answer(call)
}

// Flush implements lean.Session.
func (p *leanPuts) Flush() {}

// AppendReply implements lean.Session.
func (p *leanPuts) AppendReply(dst []byte, call *lean.Call) ([]byte, error) {
	if p.bad[call.Slot] {
		return dst, status.Error(codes.Internal, "the request is no put")
	}
	revision := uint64(p.next())
	dst = append(dst, 1<<3|byte(protowire.BytesType), byte(1+protowire.SizeVarint(revision)), 3<<3|byte(protowire.VarintType))
	return protowire.AppendVarint(dst, revision), nil
}

// Drop implements lean.Session.
func (p *leanPuts) Drop(*lean.Call, error) {}
