package api

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	grpchealth "google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"metastorebench/core/api/lean"
	"metastorebench/core/rpcpb"
	"metastorebench/core/trace"
)

// ServerOptions are the parts of a Server that are not the Store. The zero value
// serves plain text with the default limits.
type ServerOptions struct {
	Limits Limits
	// RPC is the --rpc profile's server side, of grpc-go.
	RPC []grpc.ServerOption
	// Lean has package lean serve the client port, with grpc-go behind it for all but
	// the unary calls of keys and batches.
	Lean bool
	// TLS serves both ports; nil means plain text. See TLSFiles.
	TLS *tls.Config
	// Cluster serves the membership; nil serves none.
	Cluster Cluster
	// Observer is told of each request to the KV service and of each batch; may
	// be nil.
	Observer Observer
	// Metrics serves /metrics; nil means that there is none.
	Metrics http.Handler
	// Pool has messages and replies used again (--pool=on).
	Pool bool
	// Tracer starts and finishes the spans of writes; nil traces none. The Store
	// must use the same.
	Tracer *trace.Tracer
	// ErrorLog gets net/http's complaints about connections (failed TLS
	// handshakes and the like); nil discards them.
	ErrorLog *log.Logger
}

// Server serves a Store over gRPC and HTTP. Its methods may be called from any
// goroutine. It opens no ports: the caller listens.
type Server struct {
	clients   clientPort
	http      *http.Server
	health    *grpchealth.Server
	pipelines *pipelines
}

// NewServer returns a server that is ready to serve, or an error that wraps
// ErrLimits.
func NewServer(store Store, o ServerOptions) (*Server, error) {
	o.Limits = o.Limits.EnsureDefaults()
	if err := o.Limits.Validate(); err != nil {
		return nil, err
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.ErrorLog == nil {
		o.ErrorLog = log.New(io.Discard, "", 0)
	}
	store = planted(store)
	svc := &kvService{store: store, limits: o.Limits, observer: o.Observer, replies: newReplyTrace(o.Tracer)}
	if wire, ok := store.(WireStore); ok && wire.TakesWire() {
		svc.wire = wire
	}
	svc.puts.On, svc.puts.Clear = o.Pool, clearPutCall
	meta := &metaService{kv: svc, pipelines: pipelines{max: int(o.Limits.MaxPipelines)}}
	handler, err := newHandler(svc, meta, o.Metrics, o.Tracer)
	if err != nil {
		return nil, err
	}
	s := &Server{
		health:    grpchealth.NewServer(),
		pipelines: &meta.pipelines,
		http: &http.Server{
			Handler:           handler,
			TLSConfig:         o.TLS.Clone(),
			ErrorLog:          o.ErrorLog,
			ReadHeaderTimeout: readHeaderTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
		},
	}
	server := grpc.NewServer(grpcOptions(o, svc)...)
	register(server, store, o, svc, meta)
	grpc_health_v1.RegisterHealthServer(server, s.health)
	s.clients = grpcPort{server}
	if o.Lean {
		s.clients = newLeanPort(server, handler, o, meta)
	}
	return s, nil
}

// register adds the services to grpc-go's server.
func register(server *grpc.Server, store Store, o ServerOptions, svc *kvService, meta *metaService) {
	server.RegisterService(svc.describe(), svc)
	server.RegisterService(meta.describe(), meta)
	methods := []string{"Status", "Alarm"}
	if o.Cluster != nil {
		methods = append(methods, "MoveLeader")
		server.RegisterService(only(pb.Cluster_ServiceDesc, clusterMethods...), &clusterService{store: store, cluster: o.Cluster})
	}
	server.RegisterService(only(pb.Maintenance_ServiceDesc, methods...), &maintenance{store: store, cluster: o.Cluster})
}

// grpcOptions puts the limits behind the profile's options, so that they hold
// whatever the profile says.
func grpcOptions(o ServerOptions, svc *kvService) []grpc.ServerOption {
	codec := rpcpb.Codec()
	if svc.replies != nil {
		codec = svc.replies
	}
	opts := append(slices.Clone(o.RPC), svc.replies.options()...)
	opts = append(opts,
		grpc.ForceServerCodecV2(putCodec{codec, &svc.puts}),
		grpc.MaxRecvMsgSize(o.Limits.maxMessageBytes()),
		grpc.MaxHeaderListSize(lean.MaxHeaderListBytes),
		grpc.UnknownServiceHandler(unsupported),
	)
	if o.Limits.MaxConcurrentStreams > 0 {
		opts = append(opts, grpc.MaxConcurrentStreams(o.Limits.MaxConcurrentStreams))
	}
	if o.TLS != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(o.TLS)))
	}
	return opts
}

// nobody is the Observer of a server that has none.
type nobody struct{}

var _ Observer = nobody{}

// OpDone does nothing.
func (nobody) OpDone(string, error, time.Duration) {}

// BatchDone does nothing.
func (nobody) BatchDone(string, int, map[codes.Code]int, time.Duration) {}

// ServeGRPC serves gRPC on l until Shutdown, and closes l; with Lean, plain HTTP too.
// It returns nil after a Shutdown.
func (s *Server) ServeGRPC(l net.Listener) error { return s.clients.serve(l) }

// ServeWeb serves the JSON gateway, /health and /metrics on l until Shutdown,
// and closes l. It returns nil after a Shutdown.
func (s *Server) ServeWeb(l net.Listener) error {
	serve := s.http.Serve
	if s.http.TLSConfig != nil {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Handler returns what ServeWeb serves.
func (s *Server) Handler() http.Handler { return s.http.Handler }

// Shutdown stops both sides: new requests are refused, and those under way may
// finish until ctx ends, when they are cut off and ctx's error is returned. The
// Store must still work while it runs. Streams of operations take no more in.
func (s *Server) Shutdown(ctx context.Context) error {
	s.health.Shutdown()
	s.pipelines.stop()
	drained := make(chan error, 1)
	go func() { drained <- s.clients.shutdown(ctx) }()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	return cmp.Or(err, <-drained)
}
