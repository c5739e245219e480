package fakestore

import (
	"context"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc/status"

	"metastorebench/core/rpcpb"
)

// metaStore serves batches by the operations of the store, one after another
// under its lock. Faults strike them one by one.
type metaStore struct {
	rpcpb.UnimplementedMetaStoreServer
	s *store
}

func (m *metaStore) BatchPut(_ context.Context, r *rpcpb.BatchPutRequest) (*rpcpb.BatchPutResponse, error) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	puts := r.GetPuts()
	divide := len(puts) > 1 && m.s.turn(LieDivide)
	tear := len(puts) > 1 && m.s.turn(LieTear)
	resp := &rpcpb.BatchPutResponse{}
	for i, put := range puts {
		result := &rpcpb.PutResult{}
		resp.Results = append(resp.Results, result)
		if divide && i == 1 {
			m.s.revision++
		}
		if tear && i >= len(puts)/2 {
			m.s.revision++
			result.Revision = m.s.revision
			continue
		}
		if done, err := m.s.put(&etcdserverpb.PutRequest{Key: put.GetKey(), Value: put.GetValue()}); err != nil {
			result.Error = &rpcpb.Error{Code: int32(status.Code(err)), Message: status.Convert(err).Message()}
		} else {
			result.Revision = done.GetHeader().GetRevision()
		}
	}
	resp.Revision = m.s.revision
	return resp, nil
}

func (m *metaStore) BatchGet(_ context.Context, r *rpcpb.BatchGetRequest) (*rpcpb.BatchGetResponse, error) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	resp := &rpcpb.BatchGetResponse{Revision: m.s.revision}
	for _, get := range r.GetGets() {
		result := &rpcpb.GetResult{}
		found := m.s.scan(&etcdserverpb.RangeRequest{Key: get.GetKey()})
		resp.Revision = min(resp.Revision, found.GetHeader().GetRevision())
		if kvs := found.GetKvs(); len(kvs) > 0 {
			result.Pair = pairOf(kvs[0])
		}
		resp.Results = append(resp.Results, result)
	}
	return resp, nil
}

func (m *metaStore) BatchDelete(_ context.Context, r *rpcpb.BatchDeleteRequest) (*rpcpb.BatchDeleteResponse, error) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	resp := &rpcpb.BatchDeleteResponse{}
	for _, del := range r.GetDeletes() {
		done := m.s.remove(&etcdserverpb.DeleteRangeRequest{Key: del.GetKey()})
		resp.Results = append(resp.Results, &rpcpb.DeleteResult{Revision: done.GetHeader().GetRevision(), Deleted: done.GetDeleted()})
	}
	resp.Revision = m.s.revision
	return resp, nil
}
