package client

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"metastorebench/core/kv"
)

// The functions of this file turn package kv's requests into etcd's messages,
// and etcd's answers into package kv's. Byte slices are shared, not copied: a
// request is encoded before the call returns, and an answer was decoded for
// this call alone.

func fromRange(r *kv.RangeRequest) *pb.RangeRequest {
	return &pb.RangeRequest{
		Key:               r.Key,
		RangeEnd:          r.RangeEnd,
		Limit:             r.Limit,
		Revision:          r.Revision,
		SortOrder:         pb.RangeRequest_SortOrder(r.SortOrder),
		SortTarget:        pb.RangeRequest_SortTarget(r.SortTarget),
		Serializable:      r.Serializable,
		KeysOnly:          r.KeysOnly,
		CountOnly:         r.CountOnly,
		MinModRevision:    r.MinModRevision,
		MaxModRevision:    r.MaxModRevision,
		MinCreateRevision: r.MinCreateRevision,
		MaxCreateRevision: r.MaxCreateRevision,
	}
}

func fromTxn(r *kv.TxnRequest) *pb.TxnRequest {
	txn := &pb.TxnRequest{Success: fromOps(r.Success), Failure: fromOps(r.Failure)}
	for _, c := range r.Compare {
		txn.Compare = append(txn.Compare, fromCompare(c))
	}
	return txn
}

func fromCompare(c *kv.Compare) *pb.Compare {
	out := &pb.Compare{
		Key:      c.Key,
		RangeEnd: c.RangeEnd,
		Result:   pb.Compare_CompareResult(c.Result),
		Target:   pb.Compare_CompareTarget(c.Target),
	}
	switch c.Target {
	case kv.Compare_VERSION:
		out.TargetUnion = &pb.Compare_Version{Version: c.Number}
	case kv.Compare_CREATE:
		out.TargetUnion = &pb.Compare_CreateRevision{CreateRevision: c.Number}
	case kv.Compare_MOD:
		out.TargetUnion = &pb.Compare_ModRevision{ModRevision: c.Number}
	case kv.Compare_LEASE:
		out.TargetUnion = &pb.Compare_Lease{Lease: c.Number}
	case kv.Compare_VALUE:
		out.TargetUnion = &pb.Compare_Value{Value: c.Value}
	}
	return out
}

func fromOps(ops []*kv.RequestOp) []*pb.RequestOp {
	out := make([]*pb.RequestOp, len(ops))
	for i, op := range ops {
		out[i] = &pb.RequestOp{}
		switch {
		case op.Range != nil:
			out[i].Request = &pb.RequestOp_RequestRange{RequestRange: fromRange(op.Range)}
		case op.Put != nil:
			out[i].Request = &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{
				Key: op.Put.Key, Value: op.Put.Value, Lease: op.Put.Lease, PrevKv: op.Put.PrevKv,
				IgnoreValue: op.Put.IgnoreValue, IgnoreLease: op.Put.IgnoreLease,
			}}
		case op.DeleteRange != nil:
			out[i].Request = &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: &pb.DeleteRangeRequest{
				Key: op.DeleteRange.Key, RangeEnd: op.DeleteRange.RangeEnd, PrevKv: op.DeleteRange.PrevKv,
			}}
		case op.Txn != nil:
			out[i].Request = &pb.RequestOp_RequestTxn{RequestTxn: fromTxn(op.Txn)}
		}
	}
	return out
}

func toPair(p *mvccpb.KeyValue) *kv.KeyValue {
	if p == nil {
		return nil
	}
	return &kv.KeyValue{
		Key: p.Key, Value: p.Value, Lease: p.Lease, Version: p.Version,
		CreateRevision: p.CreateRevision, ModRevision: p.ModRevision,
	}
}

func toPairs(pairs []*mvccpb.KeyValue) []*kv.KeyValue {
	out := make([]*kv.KeyValue, len(pairs))
	for i, p := range pairs {
		out[i] = toPair(p)
	}
	return out
}

func toRange(r *pb.RangeResponse) *kv.RangeResult {
	return &kv.RangeResult{KVs: toPairs(r.Kvs), More: r.More, Count: r.Count}
}

func toTxn(r *pb.TxnResponse) *kv.TxnResult {
	res := &kv.TxnResult{Succeeded: r.Succeeded, Responses: make([]kv.OpResult, len(r.Responses))}
	for i, op := range r.Responses {
		out := &res.Responses[i]
		switch op := op.Response.(type) {
		case *pb.ResponseOp_ResponseRange:
			out.Range = toRange(op.ResponseRange)
		case *pb.ResponseOp_ResponsePut:
			out.PrevKV = toPair(op.ResponsePut.PrevKv)
		case *pb.ResponseOp_ResponseDeleteRange:
			del := op.ResponseDeleteRange
			out.Delete = &kv.DeleteResult{Deleted: del.Deleted, PrevKVs: toPairs(del.PrevKvs)}
		case *pb.ResponseOp_ResponseTxn:
			out.Txn = toTxn(op.ResponseTxn)
		}
	}
	return res
}
