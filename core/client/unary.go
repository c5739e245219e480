package client

import (
	"context"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

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
