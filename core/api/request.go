package api

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"metastorebench/core/kv"
)

// The functions of this file turn etcd's requests into package kv's. Byte
// slices are taken over, not copied. The enumerations have the same numbers on
// both sides (a test compares them), so they are converted by type alone.

// putCommand is a command and its request in one allocation: puts are the hot
// path.
type putCommand struct {
	cmd kv.Command
	put kv.PutRequest
}

func newPutCommand(r *pb.PutRequest) *kv.Command {
	c := &putCommand{}
	fillPut(&c.put, r)
	c.cmd.Put = &c.put
	return &c.cmd
}

func fillPut(dst *kv.PutRequest, r *pb.PutRequest) {
	dst.Key, dst.Value = r.Key, r.Value
	dst.Lease = r.Lease
	dst.PrevKv = r.PrevKv
	dst.IgnoreValue, dst.IgnoreLease = r.IgnoreValue, r.IgnoreLease
}

func toPut(r *pb.PutRequest) *kv.PutRequest {
	put := &kv.PutRequest{}
	fillPut(put, r)
	return put
}

func toDelete(r *pb.DeleteRangeRequest) *kv.DeleteRangeRequest {
	return &kv.DeleteRangeRequest{Key: r.Key, RangeEnd: r.RangeEnd, PrevKv: r.PrevKv}
}

func toRange(r *pb.RangeRequest) *kv.RangeRequest {
	return &kv.RangeRequest{
		Key:               r.Key,
		RangeEnd:          r.RangeEnd,
		Limit:             r.Limit,
		Revision:          r.Revision,
		SortOrder:         kv.RangeRequest_SortOrder(r.SortOrder),
		SortTarget:        kv.RangeRequest_SortTarget(r.SortTarget),
		Serializable:      r.Serializable,
		KeysOnly:          r.KeysOnly,
		CountOnly:         r.CountOnly,
		MinModRevision:    r.MinModRevision,
		MaxModRevision:    r.MaxModRevision,
		MinCreateRevision: r.MinCreateRevision,
		MaxCreateRevision: r.MaxCreateRevision,
	}
}

func toTxn(r *pb.TxnRequest) *kv.TxnRequest {
	txn := &kv.TxnRequest{Success: toOps(r.Success), Failure: toOps(r.Failure)}
	for _, c := range r.Compare {
		txn.Compare = append(txn.Compare, toCompare(c))
	}
	return txn
}

// toCompare converts a compare. An operand of another kind than the target
// counts as zero, as in etcd.
func toCompare(c *pb.Compare) *kv.Compare {
	cmp := &kv.Compare{
		Key:      c.Key,
		RangeEnd: c.RangeEnd,
		Result:   kv.Compare_Result(c.Result),
		Target:   kv.Compare_Target(c.Target),
	}
	switch c.Target {
	case pb.Compare_VERSION:
		cmp.Number = c.GetVersion()
	case pb.Compare_CREATE:
		cmp.Number = c.GetCreateRevision()
	case pb.Compare_MOD:
		cmp.Number = c.GetModRevision()
	case pb.Compare_LEASE:
		cmp.Number = c.GetLease()
	case pb.Compare_VALUE:
		cmp.Value = c.GetValue()
	}
	return cmp
}

func toOps(ops []*pb.RequestOp) []*kv.RequestOp {
	out := make([]*kv.RequestOp, len(ops))
	for i, op := range ops {
		out[i] = &kv.RequestOp{}
		switch op := op.Request.(type) {
		case *pb.RequestOp_RequestRange:
			out[i].Range = toRange(op.RequestRange)
		case *pb.RequestOp_RequestPut:
			out[i].Put = toPut(op.RequestPut)
		case *pb.RequestOp_RequestDeleteRange:
			out[i].DeleteRange = toDelete(op.RequestDeleteRange)
		case *pb.RequestOp_RequestTxn:
			out[i].Txn = toTxn(op.RequestTxn)
		}
	}
	return out
}
