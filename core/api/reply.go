package api

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"metastorebench/core/kv"
)

// The functions of this file turn results into etcd's messages. Keys and values
// are shared with the store, never copied: pairs are immutable. The pairs of a
// reply live in one slab, so that a range of n keys costs two allocations and
// not n.

// fillPair writes p to dst, without the value if keysOnly.
func fillPair(dst *mvccpb.KeyValue, p *kv.KeyValue, keysOnly bool) {
	dst.Key = p.Key
	if !keysOnly {
		dst.Value = p.Value
	}
	dst.CreateRevision, dst.ModRevision = p.CreateRevision, p.ModRevision
	dst.Version, dst.Lease = p.Version, p.Lease
}

func fromPair(p *kv.KeyValue) *mvccpb.KeyValue {
	if p == nil {
		return nil
	}
	out := &mvccpb.KeyValue{}
	fillPair(out, p, false)
	return out
}

func fromPairs(pairs []*kv.KeyValue, keysOnly bool) []*mvccpb.KeyValue {
	if len(pairs) == 0 {
		return nil
	}
	slab := make([]mvccpb.KeyValue, len(pairs))
	out := make([]*mvccpb.KeyValue, len(pairs))
	for i, p := range pairs {
		fillPair(&slab[i], p, keysOnly)
		out[i] = &slab[i]
	}
	return out
}

func fromRange(hdr *pb.ResponseHeader, res *kv.RangeResult, keysOnly bool) *pb.RangeResponse {
	return &pb.RangeResponse{
		Header: hdr,
		Kvs:    fromPairs(res.KVs, keysOnly),
		More:   res.More,
		Count:  res.Count,
	}
}

func fromDelete(hdr *pb.ResponseHeader, res *kv.DeleteResult) *pb.DeleteRangeResponse {
	return &pb.DeleteRangeResponse{
		Header:  hdr,
		Deleted: res.Deleted,
		PrevKvs: fromPairs(res.PrevKVs, false),
	}
}

// fromTxn converts a transaction's result. r is the request that it answers.
func fromTxn(hdr *pb.ResponseHeader, r *pb.TxnRequest, res *kv.TxnResult) *pb.TxnResponse {
	w := txnReply{rev: hdr.Revision}
	if wrote(r, res) {
		w.rev--
	}
	return w.txn(hdr, r, res)
}

// txnReply builds the replies of a transaction's operations. rev is the
// revision that the next operation sees: etcd puts it into the operation's own
// header, and it is the one from before the transaction until something is
// written.
type txnReply struct {
	rev     int64
	changed bool
}

func (w *txnReply) header(changes bool) *pb.ResponseHeader {
	if changes && !w.changed {
		w.changed = true
		w.rev++
	}
	return &pb.ResponseHeader{Revision: w.rev}
}

func (w *txnReply) txn(hdr *pb.ResponseHeader, r *pb.TxnRequest, res *kv.TxnResult) *pb.TxnResponse {
	ops := chosen(r, res)
	out := &pb.TxnResponse{
		Header:    hdr,
		Succeeded: res.Succeeded,
		Responses: make([]*pb.ResponseOp, len(ops)),
	}
	for i, op := range ops {
		out.Responses[i] = w.op(op, &res.Responses[i])
	}
	return out
}

func (w *txnReply) op(op *pb.RequestOp, res *kv.OpResult) *pb.ResponseOp {
	switch op := op.Request.(type) {
	case *pb.RequestOp_RequestRange:
		resp := fromRange(w.header(false), res.Range, op.RequestRange.KeysOnly)
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseRange{ResponseRange: resp}}
	case *pb.RequestOp_RequestPut:
		resp := &pb.PutResponse{Header: w.header(true), PrevKv: fromPair(res.PrevKV)}
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponsePut{ResponsePut: resp}}
	case *pb.RequestOp_RequestDeleteRange:
		resp := fromDelete(w.header(res.Delete.Deleted > 0), res.Delete)
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseDeleteRange{ResponseDeleteRange: resp}}
	case *pb.RequestOp_RequestTxn:
		// etcd leaves the header of a nested transaction empty.
		resp := w.txn(&pb.ResponseHeader{}, op.RequestTxn, res.Txn)
		return &pb.ResponseOp{Response: &pb.ResponseOp_ResponseTxn{ResponseTxn: resp}}
	}
	return &pb.ResponseOp{}
}

// chosen returns the operations of the branch that ran.
func chosen(r *pb.TxnRequest, res *kv.TxnResult) []*pb.RequestOp {
	if res.Succeeded {
		return r.Success
	}
	return r.Failure
}

// wrote reports whether the transaction changed anything, and so made a
// revision of its own.
func wrote(r *pb.TxnRequest, res *kv.TxnResult) bool {
	for i, op := range chosen(r, res) {
		switch op := op.Request.(type) {
		case *pb.RequestOp_RequestPut:
			return true
		case *pb.RequestOp_RequestDeleteRange:
			if res.Responses[i].Delete.Deleted > 0 {
				return true
			}
		case *pb.RequestOp_RequestTxn:
			if wrote(op.RequestTxn, res.Responses[i].Txn) {
				return true
			}
		}
	}
	return false
}
