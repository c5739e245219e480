package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Options say what to dial.
type Options struct {
	// Endpoint is the host:port of one etcd v3 server.
	Endpoint string
	// Conns is the number of connections; 0 means one.
	Conns int
	// TLS is used for every connection; nil means plain text.
	TLS *tls.Config
	// DialOptions come last, so that they win: the --rpc profile's client side,
	// or a test's dialer.
	DialOptions []grpc.DialOption
}

// How a connection that failed is opened again: at once, then after a delay that
// grows from reconnectFirst by half with each failure, up to reconnectMost, give
// or take a fifth.
const (
	reconnectFirst = 50 * time.Millisecond
	reconnectMost  = 3 * time.Second
	connectTimeout = 5 * time.Second
)

// Pool is a fixed set of gRPC connections to one endpoint. It may be used from
// any number of goroutines.
//
// Each call, and each stream when it is opened, takes the connection that has the
// fewest under way; among equals they take turns. A connection in failure is not
// taken while another one is not: it broke, or could not be opened, and has not
// been opened since. The pool opens it again by itself. Calls fail at once when
// all are in failure. A connection that was never used is opened by its first
// call, which waits for it.
type Pool struct {
	conns  []*poolConn
	turn   atomic.Uint32
	cancel context.CancelFunc
	watch  sync.WaitGroup
}

// poolConn is a connection with what the choice goes by.
type poolConn struct {
	*grpc.ClientConn
	load    atomic.Int64 // calls and streams under way
	failing atomic.Bool
}

var _ grpc.ClientConnInterface = (*Pool)(nil)

// Dial makes a pool. Connections are opened when first used, so an endpoint that
// nobody serves is an error (Unavailable) of the first call.
func Dial(o Options) (*Pool, error) {
	if o.Endpoint == "" {
		return nil, fmt.Errorf("%w: no endpoint, want host:port", ErrOptions)
	}
	if o.Conns < 0 {
		return nil, fmt.Errorf("%w: %d connections, want 0 (for one) or more", ErrOptions, o.Conns)
	}
	opts := dialOptions(o)
	ctx, cancel := context.WithCancel(context.Background())
	p := &Pool{cancel: cancel}
	for range max(o.Conns, 1) {
		// passthrough: the address is dialled as it is, without a resolver.
		cc, err := grpc.NewClient("passthrough:///"+o.Endpoint, opts...)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%w: endpoint %q: %w", ErrOptions, o.Endpoint, err), p.Close())
		}
		c := &poolConn{ClientConn: cc}
		p.conns = append(p.conns, c)
		p.watch.Go(func() { c.watch(ctx) })
	}
	return p, nil
}

func dialOptions(o Options) []grpc.DialOption {
	creds := insecure.NewCredentials()
	if o.TLS != nil {
		creds = credentials.NewTLS(o.TLS)
	}
	opts := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		// A retry would hide a failure, and could carry out a write twice.
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		// As etcd's client: a page may be larger than gRPC's default of 4 MiB.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: reconnectFirst, Multiplier: 1.5, Jitter: 0.2, MaxDelay: reconnectMost},
			MinConnectTimeout: connectTimeout,
		}),
		grpc.WithIdleTimeout(0), // a connection at rest stays open
	}
	return append(opts, o.DialOptions...)
}

// watch follows the connection's state until ctx ends, and opens it again when it
// has been lost.
func (c *poolConn) watch(ctx context.Context) {
	used := false
	for {
		state := c.GetState()
		c.failing.Store(state == connectivity.TransientFailure || state == connectivity.Shutdown)
		if state == connectivity.Idle && used {
			c.Connect()
		}
		used = used || state != connectivity.Idle
		if !c.WaitForStateChange(ctx, state) {
			return
		}
	}
}

// pick chooses the connection of the next call.
func (p *Pool) pick() *poolConn {
	n := len(p.conns)
	if n == 1 {
		return p.conns[0]
	}
	first := int(p.turn.Add(1) % uint32(n))
	best, bestLoad, bestFailing := (*poolConn)(nil), int64(0), true
	for i := range n {
		c := p.conns[(first+i)%n]
		load, failing := c.load.Load(), c.failing.Load()
		if best == nil || bestFailing && !failing || bestFailing == failing && load < bestLoad {
			best, bestLoad, bestFailing = c, load, failing
		}
	}
	return best
}

// Invoke implements grpc.ClientConnInterface on the connection that is chosen for
// the call.
func (p *Pool) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	c := p.pick()
	c.load.Add(1)
	defer c.load.Add(-1)
	return c.ClientConn.Invoke(ctx, method, args, reply, opts...)
}

// NewStream implements grpc.ClientConnInterface on the connection that is chosen
// for the stream.
func (p *Pool) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	c := p.pick()
	c.load.Add(1)
	ended := grpc.OnFinish(func(error) { c.load.Add(-1) }) // also if it is never opened
	return c.ClientConn.NewStream(ctx, desc, method, append(opts[:len(opts):len(opts)], ended)...)
}

// Handle returns a KV over the pool. Each goroutine takes its own, once; i (0 or
// more) has no meaning here, but see Streams.
func (p *Pool) Handle(int) KV { return &handle{kv: etcdserverpb.NewKVClient(p)} }

// Close closes all connections; calls under way fail.
func (p *Pool) Close() error {
	p.cancel()
	var errs []error
	for _, c := range p.conns {
		errs = append(errs, c.Close())
	}
	p.watch.Wait()
	return errors.Join(errs...)
}
