package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"

	"google.golang.org/grpc"

	"metastorebench/core/api/lean"
)

// clientPort serves the client port: the seam of the axis --rpc. Its values are equal
// on the wire.
type clientPort interface {
	// serve serves l, and closes it, until shutdown; it returns nil after that.
	serve(l net.Listener) error
	// shutdown refuses new requests, lets those under way finish until ctx ends, and
	// then cuts them off and returns ctx's error.
	shutdown(ctx context.Context) error
}

// grpcPort is grpc-go's.
type grpcPort struct{ server *grpc.Server }

var _ clientPort = grpcPort{}

func (t grpcPort) serve(l net.Listener) error {
	if err := t.server.Serve(l); !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return nil
}

func (t grpcPort) shutdown(ctx context.Context) error {
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		t.server.GracefulStop()
	}()
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		t.server.Stop()
		<-drained
		return ctx.Err()
	}
}

// leanPort is package lean, with grpc-go's handler behind it.
type leanPort struct {
	server *lean.Server
	rest   *grpc.Server
}

var _ clientPort = leanPort{}

func newLeanPort(rest *grpc.Server, web http.Handler, o ServerOptions, meta *metaService) leanPort {
	services := make([]string, 0, len(accepted))
	for name := range rest.GetServiceInfo() {
		services = append(services, name)
	}
	for name := range accepted {
		services = append(services, name)
	}
	return leanPort{rest: rest, server: lean.New(lean.Options{
		Methods:              slices.Clone(unaryMethods[:]),
		NewSession:           func(c *lean.Conn) lean.Session { return newUnarySession(c, meta) },
		Services:             services,
		GRPC:                 rest,
		Web:                  web,
		TLS:                  o.TLS,
		MaxMessageBytes:      o.Limits.maxMessageBytes(),
		MaxConcurrentStreams: o.Limits.MaxConcurrentStreams,
		ReadHeaderTimeout:    readHeaderTimeout,
		IdleTimeout:          idleTimeout,
		MaxHeaderBytes:       maxHeaderBytes,
		ErrorLog:             o.ErrorLog,
	})}
}

func (t leanPort) serve(l net.Listener) error {
	if err := t.server.Serve(l); !errors.Is(err, lean.ErrServerClosed) {
		return err
	}
	return nil
}

// shutdown drains the connections first: grpc-go cannot drain what it is handed.
func (t leanPort) shutdown(ctx context.Context) error {
	err := t.server.Drain(ctx)
	t.server.Close()
	t.rest.Stop()
	return err
}
