package client

import (
	"context"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// Swapper puts a key if nobody has changed it meanwhile: a transaction of etcd's KV
// service that compares the key's mod_revision, and puts it or else reads it. It
// belongs to one goroutine.
type Swapper struct{ kv etcdserverpb.KVClient }

// Swapper returns a Swapper over the pool.
func (p *Pool) Swapper() *Swapper { return &Swapper{etcdserverpb.NewKVClient(p)} }

// Swapped is the answer to Swap.
type Swapped struct {
	// OK says that the key had the expected revision and was put.
	OK bool
	// Pair is what it had instead; nil if there was no such key, or if OK.
	Pair *mvccpb.KeyValue
	// Revision is the put's own, or the store's.
	Revision int64
}

// Swap puts value under key if the key's mod_revision is the expected one, 0 for a
// key that is absent. Byte slices may be reused after the call. On an error nothing
// happened, unless Unknown.
func (s *Swapper) Swap(ctx context.Context, key, value []byte, expected int64) (Swapped, error) {
	resp, err := s.kv.Txn(ctx, &etcdserverpb.TxnRequest{
		Compare: []*etcdserverpb.Compare{{
			Key: key, Target: etcdserverpb.Compare_MOD, Result: etcdserverpb.Compare_EQUAL,
			TargetUnion: &etcdserverpb.Compare_ModRevision{ModRevision: expected},
		}},
		Success: []*etcdserverpb.RequestOp{{Request: &etcdserverpb.RequestOp_RequestPut{
			RequestPut: &etcdserverpb.PutRequest{Key: key, Value: value},
		}}},
		Failure: []*etcdserverpb.RequestOp{{Request: &etcdserverpb.RequestOp_RequestRange{
			RequestRange: &etcdserverpb.RangeRequest{Key: key},
		}}},
	})
	if err != nil {
		return Swapped{}, err
	}
	out := Swapped{OK: resp.GetSucceeded(), Revision: resp.GetHeader().GetRevision()}
	if !out.OK && len(resp.GetResponses()) > 0 {
		out.Pair = first(resp.GetResponses()[0].GetResponseRange().GetKvs())
	}
	return out, nil
}
