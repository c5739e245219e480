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

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"metastorebench/core/kv"
)

// Errors of Dial and NewHTTP.
var (
	// ErrOptions says that the options cannot be used.
	ErrOptions = errors.New("client: invalid options")
	// ErrConnect says that an endpoint could not be reached in time.
	ErrConnect = errors.New("client: cannot connect")
)

// Options say what to dial.
type Options struct {
	// Endpoints are host:port addresses; at least one. Connections are spread
	// over them in turn.
	Endpoints []string
	// Conns is the number of connections in all; 0 means one.
	Conns int
	// TLS is used for every connection; nil means plain text.
	TLS *tls.Config
	// DialOptions come last, so that they win: the --rpc profile's client side,
	// or a test's dialer.
	DialOptions []grpc.DialOption
}

// Client is a pool of gRPC connections. As a KV it gives each call the next
// connection; a caller that makes many calls should take a Handle.
type Client struct {
	conns []*grpc.ClientConn
	next  atomic.Uint64
}

// Handle is a KV on one connection of the pool. It may be used from any number
// of goroutines, and costs nothing to make.
type Handle struct{ conn *grpc.ClientConn }

var (
	_ KV = (*Client)(nil)
	_ KV = Handle{}
)

// Dial opens all connections and waits until each is ready, or until ctx ends
// (ErrConnect, which names the endpoint).
func Dial(ctx context.Context, o Options) (*Client, error) {
	if len(o.Endpoints) == 0 {
		return nil, fmt.Errorf("%w: no endpoints", ErrOptions)
	}
	if o.Conns < 0 {
		return nil, fmt.Errorf("%w: %d connections, want 0 (for one) or more", ErrOptions, o.Conns)
	}
	opts := dialOptions(o)
	c := &Client{}
	for i := range max(o.Conns, 1) {
		endpoint := o.Endpoints[i%len(o.Endpoints)]
		// passthrough: the address is dialled as it is, without a resolver.
		conn, err := grpc.NewClient("passthrough:///"+endpoint, opts...)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%w: endpoint %q: %w", ErrOptions, endpoint, err), c.Close())
		}
		c.conns = append(c.conns, conn)
		conn.Connect()
	}
	for i, conn := range c.conns {
		if err := ready(ctx, conn); err != nil {
			endpoint := o.Endpoints[i%len(o.Endpoints)]
			return nil, errors.Join(fmt.Errorf("%w to %s: %w", ErrConnect, endpoint, err), c.Close())
		}
	}
	return c, nil
}

// reconnect is quick, for gRPC's 1 s at first: Dial is also the wait for a
// store that is just starting.
var reconnect = backoff.Config{
	BaseDelay:  20 * time.Millisecond,
	Multiplier: 1.6,
	Jitter:     0.2,
	MaxDelay:   time.Second,
}

func dialOptions(o Options) []grpc.DialOption {
	creds := insecure.NewCredentials()
	if o.TLS != nil {
		creds = credentials.NewTLS(o.TLS)
	}
	opts := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		// As etcd's client: a range without a limit may be long.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)),
		grpc.WithNoProxy(),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: 5 * time.Second}),
		// A retry would hide a failure, and could carry out a write twice.
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
	}
	return append(opts, o.DialOptions...)
}

// ready waits for conn, whatever transient failures come before.
func ready(ctx context.Context, conn *grpc.ClientConn) error {
	for {
		state := conn.GetState()
		if state == connectivity.Ready {
			return nil
		}
		if state == connectivity.Idle {
			conn.Connect()
		}
		if !conn.WaitForStateChange(ctx, state) {
			return fmt.Errorf("connection is %v: %w", state, ctx.Err())
		}
	}
}

// Close closes all connections; calls under way fail.
func (c *Client) Close() error {
	var errs []error
	for _, conn := range c.conns {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}

// Handle returns a KV on the next connection in turn, so that callers that take
// one handle each are spread evenly.
func (c *Client) Handle() Handle {
	n := c.next.Add(1) - 1
	return Handle{c.conns[n%uint64(len(c.conns))]}
}

// Put stores value under key; see KV.
func (c *Client) Put(ctx context.Context, key, value []byte) (int64, error) {
	return c.Handle().Put(ctx, key, value)
}

// Get returns the pair for key; see KV.
func (c *Client) Get(ctx context.Context, key []byte) (*kv.KeyValue, error) {
	return c.Handle().Get(ctx, key)
}

// Range returns the pairs that req selects; see KV.
func (c *Client) Range(ctx context.Context, req *kv.RangeRequest) (*kv.RangeResult, error) {
	return c.Handle().Range(ctx, req)
}

// Delete removes keys; see KV.
func (c *Client) Delete(ctx context.Context, key, rangeEnd []byte) (int64, error) {
	return c.Handle().Delete(ctx, key, rangeEnd)
}

// Txn carries out req; see KV.
func (c *Client) Txn(ctx context.Context, req *kv.TxnRequest) (kv.Result, error) {
	return c.Handle().Txn(ctx, req)
}

// putCall is the messages of one put, pooled: gRPC has encoded the request and
// decoded the reply before Invoke returns, and keeps neither.
type putCall struct {
	req  pb.PutRequest
	resp pb.PutResponse
}

var putCalls = sync.Pool{New: func() any { return new(putCall) }}

// Put stores value under key; see KV.
func (h Handle) Put(ctx context.Context, key, value []byte) (int64, error) {
	call := putCalls.Get().(*putCall)
	defer putCalls.Put(call)
	call.req.Key, call.req.Value = key, value
	err := h.conn.Invoke(ctx, pb.KV_Put_FullMethodName, &call.req, &call.resp)
	call.req.Key, call.req.Value = nil, nil
	if err != nil {
		return 0, err
	}
	return call.resp.Header.GetRevision(), nil
}

// getRequests pools the requests of gets. Replies are not reused: the pair in
// one becomes the caller's.
var getRequests = sync.Pool{New: func() any { return new(pb.RangeRequest) }}

// Get returns the pair for key; see KV.
func (h Handle) Get(ctx context.Context, key []byte) (*kv.KeyValue, error) {
	req := getRequests.Get().(*pb.RangeRequest)
	defer getRequests.Put(req)
	req.Key = key
	resp := &pb.RangeResponse{}
	err := h.conn.Invoke(ctx, pb.KV_Range_FullMethodName, req, resp)
	req.Key = nil
	if err != nil || len(resp.Kvs) == 0 {
		return nil, err
	}
	return toPair(resp.Kvs[0]), nil
}

// Range returns the pairs that req selects; see KV.
func (h Handle) Range(ctx context.Context, req *kv.RangeRequest) (*kv.RangeResult, error) {
	resp := &pb.RangeResponse{}
	if err := h.conn.Invoke(ctx, pb.KV_Range_FullMethodName, fromRange(req), resp); err != nil {
		return nil, err
	}
	return toRange(resp), nil
}

// Delete removes keys; see KV.
func (h Handle) Delete(ctx context.Context, key, rangeEnd []byte) (int64, error) {
	req := &pb.DeleteRangeRequest{Key: key, RangeEnd: rangeEnd}
	resp := &pb.DeleteRangeResponse{}
	if err := h.conn.Invoke(ctx, pb.KV_DeleteRange_FullMethodName, req, resp); err != nil {
		return 0, err
	}
	return resp.Deleted, nil
}

// Txn carries out req; see KV.
func (h Handle) Txn(ctx context.Context, req *kv.TxnRequest) (kv.Result, error) {
	resp := &pb.TxnResponse{}
	if err := h.conn.Invoke(ctx, pb.KV_Txn_FullMethodName, fromTxn(req), resp); err != nil {
		return kv.Result{}, err
	}
	return kv.Result{Revision: resp.Header.GetRevision(), Txn: toTxn(resp)}, nil
}
