package fakestore

import (
	"errors"
	"io"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"metastorebench/core/rpcpb"
)

// Pipeline serves the operations of a stream one after another, by generated
// code: it knows nothing of frames.
func (m *metaStore) Pipeline(stream grpc.BidiStreamingServer[rpcpb.PipelineRequest, rpcpb.PipelineResponse]) error {
	window := &rpcpb.Window{Operations: 64, OperationBytes: 1 << 20}
	if err := stream.Send(&rpcpb.PipelineResponse{Window: window}); err != nil {
		return err
	}
	var order reordered
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		resp := &rpcpb.PipelineResponse{}
		m.s.mu.Lock()
		for _, op := range req.GetOperations() {
			resp.Outcomes = append(resp.Outcomes, order.pass(m.s, m.s.operate(op))...)
		}
		m.s.mu.Unlock()
		if len(resp.GetOutcomes()) == 0 {
			continue // held back
		}
		if err := stream.Send(resp); err != nil {
			return err
		}
	}
}

// operate carries out an operation of a stream. s.mu is held.
func (s *store) operate(op *rpcpb.Operation) *rpcpb.Outcome {
	out := &rpcpb.Outcome{Id: op.GetId(), Revision: s.revision}
	switch {
	case op.GetPut() != nil:
		done, err := s.put(&etcdserverpb.PutRequest{Key: op.Put.GetKey(), Value: op.Put.GetValue()})
		if err != nil {
			out.Error = &rpcpb.Error{Code: int32(status.Code(err)), Message: status.Convert(err).Message()}
			break
		}
		out.Put = &rpcpb.PutResult{Revision: done.GetHeader().GetRevision()}
	case op.GetGet() != nil:
		out.Get = &rpcpb.GetResult{}
		found := s.scan(&etcdserverpb.RangeRequest{Key: op.Get.GetKey()})
		out.Revision = found.GetHeader().GetRevision()
		if kvs := found.GetKvs(); len(kvs) > 0 {
			out.Get.Pair = pairOf(kvs[0])
		}
	case op.GetDelete() != nil:
		done := s.remove(&etcdserverpb.DeleteRangeRequest{Key: op.Delete.GetKey(), RangeEnd: op.Delete.GetRangeEnd()})
		out.Delete = &rpcpb.DeleteResult{Revision: done.GetHeader().GetRevision(), Deleted: done.GetDeleted()}
	case op.GetRange() != nil:
		out.Range = s.read(op.Range.GetKey(), op.Range.GetRangeEnd(), op.Range.GetLimit())
	}
	return out
}

// read is scan in the terms of a stream.
func (s *store) read(key, end []byte, limit int64) *rpcpb.RangeResult {
	found := s.scan(&etcdserverpb.RangeRequest{Key: key, RangeEnd: end, Limit: limit})
	out := &rpcpb.RangeResult{More: found.GetMore(), Count: found.GetCount()}
	for _, kv := range found.GetKvs() {
		out.Pairs = append(out.Pairs, pairOf(kv))
	}
	return out
}

func pairOf(kv *mvccpb.KeyValue) *rpcpb.Pair {
	return &rpcpb.Pair{Key: kv.GetKey(), Value: kv.GetValue(), ModRevision: kv.GetModRevision()}
}
