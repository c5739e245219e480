package load

import (
	"context"

	"go.etcd.io/etcd/api/v3/mvccpb"
)

// Client is what a workload needs of a store. Unlike core/client.KV it returns
// the revision of every answer, by which answers are checked.
//
// A Client belongs to one goroutine, so that it can reuse its requests. Byte
// slices given to a call may be reused after it; pairs that it returns belong to
// the caller. Errors have a gRPC status.
type Client interface {
	// Put stores value under key. The revision is the write's own.
	Put(ctx context.Context, key, value []byte) (revision int64, err error)
	// Get reads key, linearizably; pair is nil if it is absent.
	Get(ctx context.Context, key []byte) (pair *mvccpb.KeyValue, revision int64, err error)
	// Range reads [start, end) in key order, linearizably; limit 0 is none.
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
