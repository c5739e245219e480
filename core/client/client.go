package client

import (
	"context"
	"errors"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// ErrOptions is the error of Dial and NewHTTP for options that cannot be used.
var ErrOptions = errors.New("client: invalid options")

// KV is what a workload does to a store, whatever the way there. Every answer
// comes with the store's revision (of its header), by which answers can be
// checked against each other.
//
// A KV belongs to one goroutine, so that it can reuse its requests. Byte slices
// given to a call may be reused after it; pairs that it returns belong to the
// caller. Errors keep their gRPC status (status.Code, status.Convert), and with
// one all other results are zero; Unknown tells whether a write that failed may
// have taken effect.
type KV interface {
	// Put stores value under key. The revision is the write's own.
	Put(ctx context.Context, key, value []byte) (revision int64, err error)
	// Get reads key, linearizably; pair is nil if it is absent.
	Get(ctx context.Context, key []byte) (pair *mvccpb.KeyValue, revision int64, err error)
	// Range reads [start, end) in key order, linearizably, in etcd's terms: an
	// end of one zero byte is the end of all keys. At most limit pairs are
	// returned; 0 is no limit.
	Range(ctx context.Context, start, end []byte, limit int64) (Page, error)
	// Delete removes [key, end), or key alone if end is empty, and returns how
	// many keys that were.
	Delete(ctx context.Context, key, end []byte) (deleted, revision int64, err error)
}

// Page is the answer to a range.
type Page struct {
	Pairs []*mvccpb.KeyValue
	// More says that the limit cut the answer short.
	More bool
	// Count is the number of pairs in the range, whatever the limit.
	Count    int64
	Revision int64
}

func pageOf(resp *etcdserverpb.RangeResponse) Page {
	return Page{Pairs: resp.GetKvs(), More: resp.GetMore(), Count: resp.GetCount(), Revision: resp.GetHeader().GetRevision()}
}

func first(kvs []*mvccpb.KeyValue) *mvccpb.KeyValue {
	if len(kvs) == 0 {
		return nil
	}
	return kvs[0]
}
