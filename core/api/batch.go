package api

import (
	"context"

	"metastorebench/core/apply"
	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/rpcpb"
)

// metaService is the store's own service over a Store: batches and pipelines.
type metaService struct {
	kv        *kvService
	pipelines pipelines
	// A new method of the service is a compile error, not a silent
	// Unimplemented.
	rpcpb.UnsafeMetaStoreServer
}

var _ rpcpb.MetaStoreServer = (*metaService)(nil)

// BatchPut stores many pairs.
func (s *metaService) BatchPut(ctx context.Context, r *rpcpb.BatchPutRequest) (*rpcpb.BatchPutResponse, error) {
	return s.batchPut(ctx, r, kv.Wire{})
}

// batchPut stores many pairs. w is r as it was received, and r's slices are then
// parts of it; or it has no bytes.
func (s *metaService) batchPut(ctx context.Context, r *rpcpb.BatchPutRequest, w kv.Wire) (resp *rpcpb.BatchPutResponse, err error) {
	b := newBatch(s.kv, OpBatchPut, len(r.GetPuts()))
	defer b.done(&err)
	if err := b.checkAll(func(i int) (key, value []byte) { return r.Puts[i].GetKey(), r.Puts[i].GetValue() }); err != nil {
		return nil, err
	}
	var slab []putCommand
	if !b.passes(w) {
		slab = make([]putCommand, 0, b.good)
	}
	results, err := b.propose(ctx, w, func(i int) *kv.Command {
		slab = append(slab, putCommand{put: kv.PutRequest{Key: own(w, r.Puts[i].Key), Value: own(w, r.Puts[i].Value)}})
		c := &slab[len(slab)-1]
		c.cmd.Put = &c.put
		return &c.cmd
	})
	if err != nil {
		return nil, err
	}
	replies := make([]rpcpb.PutResult, b.ops)
	resp = &rpcpb.BatchPutResponse{Results: make([]*rpcpb.PutResult, b.ops), Revision: b.revision}
	for i := range replies {
		if replies[i].Error = b.errs[i]; replies[i].Error == nil {
			replies[i].Revision = results[i].Revision
		}
		resp.Results[i] = &replies[i]
	}
	s.kv.replies.returns(ctx, resp)
	return resp, nil
}

// BatchDelete removes many keys.
func (s *metaService) BatchDelete(ctx context.Context, r *rpcpb.BatchDeleteRequest) (*rpcpb.BatchDeleteResponse, error) {
	return s.batchDelete(ctx, r, kv.Wire{})
}

// batchDelete is to BatchDelete what batchPut is to BatchPut.
func (s *metaService) batchDelete(ctx context.Context, r *rpcpb.BatchDeleteRequest, w kv.Wire) (resp *rpcpb.BatchDeleteResponse, err error) {
	b := newBatch(s.kv, OpBatchDelete, len(r.GetDeletes()))
	defer b.done(&err)
	if err := b.checkAll(func(i int) (key, value []byte) { return r.Deletes[i].GetKey(), nil }); err != nil {
		return nil, err
	}
	results, err := b.propose(ctx, w, func(i int) *kv.Command {
		return &kv.Command{DeleteRange: &kv.DeleteRangeRequest{Key: own(w, r.Deletes[i].Key)}}
	})
	if err != nil {
		return nil, err
	}
	replies := make([]rpcpb.DeleteResult, b.ops)
	resp = &rpcpb.BatchDeleteResponse{Results: make([]*rpcpb.DeleteResult, b.ops), Revision: b.revision}
	for i := range replies {
		if replies[i].Error = b.errs[i]; replies[i].Error == nil {
			replies[i].Revision, replies[i].Deleted = results[i].Revision, results[i].Delete.Deleted
		}
		resp.Results[i] = &replies[i]
	}
	s.kv.replies.returns(ctx, resp)
	return resp, nil
}

// BatchGet reads many keys from one view.
func (s *metaService) BatchGet(ctx context.Context, r *rpcpb.BatchGetRequest) (resp *rpcpb.BatchGetResponse, err error) {
	b := newBatch(s.kv, OpBatchGet, len(r.GetGets()))
	defer b.done(&err)
	if err := b.checkAll(func(i int) (key, value []byte) { return r.Gets[i].GetKey(), nil }); err != nil {
		return nil, err
	}
	pairs := make([]*kv.KeyValue, b.ops)
	err = s.kv.store.Read(ctx, r.Serializable, func(view engine.Reader) error {
		b.revision = view.State().Revision
		return b.each(func(i int) (opErr, err error) {
			pairs[i], opErr, err = apply.Get(view, r.Gets[i].Key, r.Gets[i].Revision)
			return opErr, err
		})
	})
	if err != nil {
		return nil, wireError(err)
	}
	return b.getReply(pairs), nil
}

// getReply makes the answer to a BatchGet. Keys and values are the store's own.
func (b *batch) getReply(pairs []*kv.KeyValue) *rpcpb.BatchGetResponse {
	type reply struct {
		result rpcpb.GetResult
		pair   rpcpb.Pair
	}
	replies := make([]reply, b.ops)
	resp := &rpcpb.BatchGetResponse{Results: make([]*rpcpb.GetResult, b.ops), Revision: b.revision}
	bytes := 0
	for i, p := range pairs {
		if p != nil {
			if bytes += len(p.Key) + len(p.Value); bytes > MaxBatchReplyBytes {
				b.refuse(i, errReplyFull)
				p, bytes = nil, MaxBatchReplyBytes // the rest has no room either
			}
		}
		out := &replies[i]
		resp.Results[i] = &out.result
		if out.result.Error = b.errs[i]; out.result.Error != nil || p == nil {
			continue
		}
		out.result.Pair = &out.pair
		out.pair.Key, out.pair.Value = p.Key, p.Value
		out.pair.CreateRevision, out.pair.ModRevision, out.pair.Version = p.CreateRevision, p.ModRevision, p.Version
	}
	return resp
}
