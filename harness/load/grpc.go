package load

import (
	"context"
	"errors"
	"fmt"
	"math"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Pool is a fixed set of gRPC connections to one etcd v3 endpoint.
type Pool struct{ conns []*grpc.ClientConn }

// Dial opens a pool of n connections without TLS. Connections are made when
// first used; opts come after the pool's own and may override them.
func Dial(endpoint string, n int, opts ...grpc.DialOption) (*Pool, error) {
	all := append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		// A page of the scan at the end is larger than the default of 4 MiB.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)),
	}, opts...)
	p := &Pool{}
	for range n {
		conn, err := grpc.NewClient("passthrough:///"+endpoint, all...)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("connect to %s: %w", endpoint, err), p.Close())
		}
		p.conns = append(p.conns, conn)
	}
	return p, nil
}

// Client returns a client for worker i, on connection i modulo the pool's size.
func (p *Pool) Client(i int) Client {
	return &grpcClient{kv: etcdserverpb.NewKVClient(p.conns[i%len(p.conns)])}
}

// Close closes all connections.
func (p *Pool) Close() error {
	var errs []error
	for _, conn := range p.conns {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}

var _ Client = (*grpcClient)(nil)

// grpcClient reuses its requests: gRPC has encoded a unary request when the call
// returns.
type grpcClient struct {
	kv     etcdserverpb.KVClient
	put    etcdserverpb.PutRequest
	get    etcdserverpb.RangeRequest
	delete etcdserverpb.DeleteRangeRequest
}

func (c *grpcClient) Put(ctx context.Context, key, value []byte) (int64, error) {
	c.put.Key, c.put.Value = key, value
	resp, err := c.kv.Put(ctx, &c.put)
	if err != nil {
		return 0, err
	}
	return resp.GetHeader().GetRevision(), nil
}

func (c *grpcClient) Get(ctx context.Context, key []byte) (*mvccpb.KeyValue, int64, error) {
	c.get.Key, c.get.RangeEnd, c.get.Limit = key, nil, 0
	resp, err := c.kv.Range(ctx, &c.get)
	if err != nil {
		return nil, 0, err
	}
	return first(resp.GetKvs()), resp.GetHeader().GetRevision(), nil
}

func (c *grpcClient) Range(ctx context.Context, start, end []byte, limit int64) (Page, error) {
	c.get.Key, c.get.RangeEnd, c.get.Limit = start, end, limit
	resp, err := c.kv.Range(ctx, &c.get)
	if err != nil {
		return Page{}, err
	}
	return pageOf(resp), nil
}

func (c *grpcClient) Delete(ctx context.Context, key, end []byte) (int64, int64, error) {
	c.delete.Key, c.delete.RangeEnd = key, end
	resp, err := c.kv.DeleteRange(ctx, &c.delete)
	if err != nil {
		return 0, 0, err
	}
	return resp.GetDeleted(), resp.GetHeader().GetRevision(), nil
}

func first(kvs []*mvccpb.KeyValue) *mvccpb.KeyValue {
	if len(kvs) == 0 {
		return nil
	}
	return kvs[0]
}

func pageOf(resp *etcdserverpb.RangeResponse) Page {
	return Page{Pairs: resp.GetKvs(), More: resp.GetMore(), Count: resp.GetCount(), Revision: resp.GetHeader().GetRevision()}
}
