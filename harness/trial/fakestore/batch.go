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
	m.s.batches++
	resp := &rpcpb.BatchPutResponse{}
	for i, put := range r.GetPuts() {
		if i > 0 && m.s.strikes(FaultDivide, m.s.batches) {
			m.s.revision++
		}
		result := &rpcpb.PutResult{}
		if done, err := m.s.put(&etcdserverpb.PutRequest{Key: put.GetKey(), Value: put.GetValue()}); err != nil {
			result.Error = &rpcpb.Error{Code: int32(status.Code(err)), Message: status.Convert(err).Message()}
		} else {
			result.Revision = done.GetHeader().GetRevision()
		}
		resp.Results = append(resp.Results, result)
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
		if kvs := m.s.scan(&etcdserverpb.RangeRequest{Key: get.GetKey()}).GetKvs(); len(kvs) > 0 {
			result.Pair = &rpcpb.Pair{Key: kvs[0].GetKey(), Value: kvs[0].GetValue(), ModRevision: kvs[0].GetModRevision()}
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
