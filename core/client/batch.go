package client

import (
	"context"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/rpcpb"
)

// Pair is a key and the value to store under it.
type Pair struct{ Key, Value []byte }

// Outcome is what came of one operation of a batch.
type Outcome struct {
	// Revision is a put's own, and the store's after a delete; 0 for a get.
	Revision int64
	// Deleted is the number of keys that a delete removed, 0 or 1.
	Deleted int64
	// Pair is what a get found, nil if there is no such key. It is the caller's.
	Pair *mvccpb.KeyValue
	// Err is the operation's own error, with a gRPC status; all other fields are
	// zero then. Unknown tells whether it may have taken effect.
	Err error
}

// Batch sends many independent operations in one call, to a store that serves
// metastore.v1.MetaStore (etcd does not). It belongs to one goroutine, because it
// reuses its requests and outcomes: byte slices given to a call may be reused
// after it, and outcomes are valid until the next call.
//
// A call takes 1 to 10,000 operations, bounded in bytes like any request, and
// returns one outcome for each, in order, and the store's revision after them.
// Its error means every operation: if Unknown, the store carried out all of
// them, or none; otherwise none. A context that has ended before anything was
// sent is an error that is not Unknown.
type Batch struct {
	meta rpcpb.MetaStoreClient

	puts     []rpcpb.Put
	gets     []rpcpb.Get
	deletes  []rpcpb.Delete
	put      rpcpb.BatchPutRequest
	get      rpcpb.BatchGetRequest
	delete   rpcpb.BatchDeleteRequest
	outcomes []Outcome
}

// Batch returns a Batch over the pool, whose calls take connections as others do.
// Each goroutine takes its own, once.
func (p *Pool) Batch(int) *Batch {
	return &Batch{meta: rpcpb.NewMetaStoreClient(p)}
}

// Put stores the pairs in order; if a key occurs twice, the last one stays. Each
// put has its own revision, one above that of the put before it.
func (b *Batch) Put(ctx context.Context, pairs []Pair) (outcomes []Outcome, revision int64, err error) {
	if err := begun(ctx); err != nil {
		return nil, 0, err
	}
	b.puts, b.put.Puts = fill(b.puts, b.put.Puts, len(pairs))
	for i := range pairs {
		b.puts[i].Key, b.puts[i].Value = pairs[i].Key, pairs[i].Value
	}
	resp, err := b.meta.BatchPut(ctx, &b.put)
	if err := b.begin(len(pairs), len(resp.GetResults()), err); err != nil {
		return nil, 0, err
	}
	for i, r := range resp.GetResults() {
		b.outcomes[i] = Outcome{Revision: r.GetRevision(), Err: operationError(r.GetError())}
	}
	return b.outcomes, resp.GetRevision(), nil
}

// Get reads the keys, linearizably and all at one revision.
func (b *Batch) Get(ctx context.Context, keys [][]byte) (outcomes []Outcome, revision int64, err error) {
	if err := begun(ctx); err != nil {
		return nil, 0, err
	}
	b.gets, b.get.Gets = fill(b.gets, b.get.Gets, len(keys))
	for i := range keys {
		b.gets[i].Key = keys[i]
	}
	resp, err := b.meta.BatchGet(ctx, &b.get)
	if err := b.begin(len(keys), len(resp.GetResults()), err); err != nil {
		return nil, 0, err
	}
	for i, r := range resp.GetResults() {
		b.outcomes[i] = Outcome{Pair: pairOf(r.GetPair()), Err: operationError(r.GetError())}
	}
	return b.outcomes, resp.GetRevision(), nil
}

// Delete removes the keys in order. Each delete that removed its key has its own
// revision.
func (b *Batch) Delete(ctx context.Context, keys [][]byte) (outcomes []Outcome, revision int64, err error) {
	if err := begun(ctx); err != nil {
		return nil, 0, err
	}
	b.deletes, b.delete.Deletes = fill(b.deletes, b.delete.Deletes, len(keys))
	for i := range keys {
		b.deletes[i].Key = keys[i]
	}
	resp, err := b.meta.BatchDelete(ctx, &b.delete)
	if err := b.begin(len(keys), len(resp.GetResults()), err); err != nil {
		return nil, 0, err
	}
	for i, r := range resp.GetResults() {
		b.outcomes[i] = Outcome{Revision: r.GetRevision(), Deleted: r.GetDeleted(), Err: operationError(r.GetError())}
	}
	return b.outcomes, resp.GetRevision(), nil
}

// fill returns n messages, and the list of them that a request holds, in the
// arrays of the last call if they are large enough.
func fill[M any](messages []M, list []*M, n int) ([]M, []*M) {
	if cap(messages) < n {
		messages, list = make([]M, n), make([]*M, n)
		for i := range messages {
			list[i] = &messages[i]
		}
	}
	return messages[:n], list[:n]
}

// begin makes room for the outcomes of n operations, if the call was answered
// with as many results.
func (b *Batch) begin(n, results int, err error) error {
	if err != nil {
		return err
	}
	if results != n {
		return status.Errorf(codes.Internal, "client: malformed answer: %d results for %d operations", results, n)
	}
	if cap(b.outcomes) < n {
		b.outcomes = make([]Outcome, n)
	}
	b.outcomes = b.outcomes[:n]
	return nil
}

// notSent and notProposed are the texts of a Canceled or DeadlineExceeded that
// tell that nothing happened.
const (
	notSent     = "client: the context had ended before anything was sent"
	notProposed = "metastore: cancelled before it was proposed"
)

// begun refuses a context that has ended.
func begun(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return status.Error(status.FromContextError(err).Code(), notSent)
	}
	return nil
}

func operationError(e *rpcpb.Error) error {
	if e == nil {
		return nil
	}
	return status.Error(codes.Code(e.GetCode()), e.GetMessage())
}

func pairOf(p *rpcpb.Pair) *mvccpb.KeyValue {
	if p == nil {
		return nil
	}
	return &mvccpb.KeyValue{
		Key: p.GetKey(), Value: p.GetValue(),
		CreateRevision: p.GetCreateRevision(), ModRevision: p.GetModRevision(), Version: p.GetVersion(),
	}
}
