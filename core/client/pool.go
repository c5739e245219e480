package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc"
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

// Pool is a fixed set of gRPC connections to one endpoint. It may be used from
// any number of goroutines.
type Pool struct{ conns []*grpc.ClientConn }

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
	p := &Pool{}
	for range max(o.Conns, 1) {
		// passthrough: the address is dialled as it is, without a resolver.
		conn, err := grpc.NewClient("passthrough:///"+o.Endpoint, opts...)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%w: endpoint %q: %w", ErrOptions, o.Endpoint, err), p.Close())
		}
		p.conns = append(p.conns, conn)
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
	}
	return append(opts, o.DialOptions...)
}

// Handle returns the KV of worker i (0 or more), on connection i modulo the
// pool's size. Each goroutine takes its own, once.
func (p *Pool) Handle(i int) KV {
	return &handle{kv: etcdserverpb.NewKVClient(p.Conn(i))}
}

// Conn returns the connection that Handle gives worker i, for services beside
// etcd's. It belongs to the pool.
func (p *Pool) Conn(i int) grpc.ClientConnInterface { return p.conns[i%len(p.conns)] }

// Close closes all connections; calls under way fail.
func (p *Pool) Close() error {
	var errs []error
	for _, conn := range p.conns {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}

var _ KV = (*handle)(nil)

// handle reuses its requests: gRPC has encoded a unary request when the call
// returns. Replies are not reused, because their pairs are the caller's.
type handle struct {
	kv     etcdserverpb.KVClient
	put    etcdserverpb.PutRequest
	get    etcdserverpb.RangeRequest
	delete etcdserverpb.DeleteRangeRequest
}

func (h *handle) Put(ctx context.Context, key, value []byte) (int64, error) {
	h.put.Key, h.put.Value = key, value
	resp, err := h.kv.Put(ctx, &h.put)
	if err != nil {
		return 0, err
	}
	return resp.GetHeader().GetRevision(), nil
}

func (h *handle) Get(ctx context.Context, key []byte) (*mvccpb.KeyValue, int64, error) {
	h.get.Key, h.get.RangeEnd, h.get.Limit = key, nil, 0
	resp, err := h.kv.Range(ctx, &h.get)
	if err != nil {
		return nil, 0, err
	}
	return first(resp.GetKvs()), resp.GetHeader().GetRevision(), nil
}

func (h *handle) Range(ctx context.Context, start, end []byte, limit int64) (Page, error) {
	h.get.Key, h.get.RangeEnd, h.get.Limit = start, end, limit
	resp, err := h.kv.Range(ctx, &h.get)
	if err != nil {
		return Page{}, err
	}
	return pageOf(resp), nil
}

func (h *handle) Delete(ctx context.Context, key, end []byte) (int64, int64, error) {
	h.delete.Key, h.delete.RangeEnd = key, end
	resp, err := h.kv.DeleteRange(ctx, &h.delete)
	if err != nil {
		return 0, 0, err
	}
	return resp.GetDeleted(), resp.GetHeader().GetRevision(), nil
}
