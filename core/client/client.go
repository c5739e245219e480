package client

import (
	"context"

	"metastorebench/core/kv"
)

// KV is what a workload does to a store, whatever the way there: unary gRPC,
// JSON over HTTP, and later batches and streams.
//
// Keys and values given to a call may be reused once it has returned. Pairs
// that a call returns belong to the caller. Unless an implementation says
// otherwise, one value may be used from any number of goroutines.
//
// Errors keep their gRPC status (status.Code, status.Convert); Unknown tells
// whether a write that failed may have taken effect.
type KV interface {
	// Put stores value under key and returns the revision of the write.
	Put(ctx context.Context, key, value []byte) (revision int64, err error)
	// Get returns the pair for key, or nil if there is none. It is linearizable.
	Get(ctx context.Context, key []byte) (*kv.KeyValue, error)
	// Range returns the pairs that req selects.
	Range(ctx context.Context, req *kv.RangeRequest) (*kv.RangeResult, error)
	// Delete removes key, or the range that key and rangeEnd name in etcd's
	// terms (see kv.Bounds), and returns how many keys it removed.
	Delete(ctx context.Context, key, rangeEnd []byte) (deleted int64, err error)
	// Txn carries out req. In the result, Txn and Revision are set.
	Txn(ctx context.Context, req *kv.TxnRequest) (kv.Result, error)
}
