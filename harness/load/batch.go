package load

import (
	"context"
	"time"

	"metastorebench/core/client"
	"metastorebench/harness/check"
	"metastorebench/harness/workload"
)

// Batcher carries out batches, for one goroutine. There is one outcome for each
// operation, valid until the next call; see client.Batch.
type Batcher interface {
	Put(ctx context.Context, pairs []client.Pair) (outcomes []client.Outcome, revision int64, err error)
	Get(ctx context.Context, keys [][]byte) (outcomes []client.Outcome, revision int64, err error)
	Delete(ctx context.Context, keys [][]byte) (outcomes []client.Outcome, revision int64, err error)
}

var _ Batcher = (*client.Batch)(nil)

// batches is the part of a sender that sends batches.
type batches struct {
	client   Batcher
	observer *check.Batch

	bytes []byte // the keys and values below; reused, as all of this
	pairs []client.Pair
	keys  [][]byte
	errs  []error
}

// sendBatch carries out one batch and has its answer judged. failed holds the
// errors of the operations that failed, valid until the next call.
func (s *sender) sendBatch(ctx context.Context, ops []workload.Op) (sent, ended time.Duration, failed []error) {
	b := s.batches
	b.observer.Begin()
	b.bytes, b.pairs, b.keys = b.bytes[:0], b.pairs[:0], b.keys[:0]
	for _, op := range ops {
		s.addToBatch(op)
	}
	var outcomes []client.Outcome
	var revision int64
	var err error
	sent = time.Since(s.epoch)
	switch ops[0].Kind {
	case workload.Put:
		outcomes, revision, err = b.client.Put(ctx, b.pairs)
		ended = time.Since(s.epoch)
		b.observer.EndPuts(outcomes, revision, err)
	case workload.Get:
		outcomes, revision, err = b.client.Get(ctx, b.keys)
		ended = time.Since(s.epoch)
		b.observer.EndGets(outcomes, revision, err)
	case workload.Delete:
		outcomes, revision, err = b.client.Delete(ctx, b.keys)
		ended = time.Since(s.epoch)
		b.observer.EndDeletes(outcomes, revision, err)
	default:
		panic("load: no batches of " + ops[0].Kind.String())
	}
	return sent, ended, b.failures(len(ops), outcomes, err)
}

// addToBatch makes the bytes of the next operation.
func (s *sender) addToBatch(op workload.Op) {
	b, at := s.batches, len(s.batches.bytes)
	b.bytes = s.work.AppendKey(b.bytes, op.Key)
	key := b.bytes[at:len(b.bytes):len(b.bytes)]
	switch op.Kind {
	case workload.Put:
		s.seq++
		id := workload.WriteID{Writer: s.writer, Seq: s.seq}
		at = len(b.bytes)
		b.bytes = s.work.AppendValue(b.bytes, op.Key, id)
		b.pairs = append(b.pairs, client.Pair{Key: key, Value: b.bytes[at:len(b.bytes):len(b.bytes)]})
		b.observer.Put(op.Key, id)
	case workload.Get:
		b.keys = append(b.keys, key)
		b.observer.Get(op.Key)
	case workload.Delete:
		b.keys = append(b.keys, key)
		b.observer.Delete(op.Key)
	}
}

// failures collects the errors of n operations. The call's error is every
// operation's.
func (b *batches) failures(n int, outcomes []client.Outcome, err error) []error {
	b.errs = b.errs[:0]
	for i := range n {
		if err == nil && outcomes[i].Err != nil {
			b.errs = append(b.errs, outcomes[i].Err)
		} else if err != nil {
			b.errs = append(b.errs, err)
		}
	}
	return b.errs
}
