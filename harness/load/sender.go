package load

import (
	"context"
	"time"

	"metastorebench/core/client"
	"metastorebench/harness/check"
	"metastorebench/harness/workload"
)

// sender carries out one worker's operations. It belongs to one goroutine.
type sender struct {
	client   client.KV
	work     *workload.Workload
	observer *check.Observer
	writer   uint32
	seq      uint64
	epoch    time.Time

	key, end, value []byte // reused
	events          []event
	batches         *batches // nil if operations go one by one
}

// newSender returns the sender of a run's worker i.
func newSender(i int, c Config, epoch time.Time) *sender {
	s := &sender{client: c.Client(i), work: c.Workload, observer: c.Model.Observer(i), writer: uint32(i), epoch: epoch}
	if c.Workload.API == workload.APIBatch {
		s.batches = &batches{client: c.Batch(i), observer: c.Model.Batch(i, c.Workload.BatchOps)}
	}
	return s
}

// call carries out the operations of one call, which are of one kind, and has
// the answer judged. It returns one event of all operations that succeeded, if
// any did, and one of each that failed, without due and free; they are valid
// until the next call.
func (s *sender) call(ctx context.Context, ops []workload.Op) []event {
	e, failed := event{kind: ops[0].Kind, ops: 1}, []error(nil)
	s.events = s.events[:0]
	if s.batches == nil || e.kind == workload.Range {
		e.sent, e.ended, e.err = s.send(ctx, ops[0])
		s.events = append(s.events, e)
		return s.events
	}
	e.sent, e.ended, failed = s.sendBatch(ctx, ops)
	for _, e.err = range failed {
		s.events = append(s.events, e)
	}
	if e.ops, e.err = int64(len(ops)-len(failed)), nil; e.ops > 0 {
		s.events = append(s.events, e)
	}
	return s.events
}

// send carries out one operation and has its answer judged. The time between
// sent and ended is the client call alone: making the bytes and judging the
// answer are outside.
func (s *sender) send(ctx context.Context, op workload.Op) (sent, ended time.Duration, err error) {
	switch op.Kind {
	case workload.Put:
		return s.put(ctx, op.Key)
	case workload.Get:
		return s.get(ctx, op.Key)
	case workload.Range:
		return s.scan(ctx, op.Key)
	case workload.Delete:
		return s.remove(ctx, op.Key)
	}
	panic("load: unknown operation type " + op.Kind.String())
}

func (s *sender) put(ctx context.Context, key int) (sent, ended time.Duration, err error) {
	s.seq++
	id := workload.WriteID{Writer: s.writer, Seq: s.seq}
	s.key = s.work.AppendKey(s.key[:0], key)
	s.value = s.work.AppendValue(s.value[:0], key, id)
	s.observer.BeginPut(key, id)
	sent = time.Since(s.epoch)
	revision, err := s.client.Put(ctx, s.key, s.value)
	ended = time.Since(s.epoch)
	s.observer.EndPut(revision, err)
	return sent, ended, err
}

func (s *sender) get(ctx context.Context, key int) (sent, ended time.Duration, err error) {
	s.key = s.work.AppendKey(s.key[:0], key)
	s.observer.BeginGet(key)
	sent = time.Since(s.epoch)
	pair, revision, err := s.client.Get(ctx, s.key)
	ended = time.Since(s.epoch)
	s.observer.EndGet(pair, revision, err)
	return sent, ended, err
}

func (s *sender) scan(ctx context.Context, key int) (sent, ended time.Duration, err error) {
	var first, count int
	s.key, s.end, first, count = s.work.AppendRange(s.key[:0], s.end[:0], key)
	return s.read(ctx, first, count, s.work.RangeLimit)
}

// read reads the range of s.key and s.end, which has count keys from index first on.
func (s *sender) read(ctx context.Context, first, count int, limit int64) (sent, ended time.Duration, err error) {
	s.observer.BeginRange(first, count, limit)
	sent = time.Since(s.epoch)
	page, err := s.client.Range(ctx, s.key, s.end, limit)
	ended = time.Since(s.epoch)
	s.observer.EndRange(page.Pairs, page.More, limit, page.Revision, err)
	if err == nil {
		s.observer.Counted(len(page.Pairs), page.More, page.Count)
	}
	return sent, ended, err
}

func (s *sender) remove(ctx context.Context, key int) (sent, ended time.Duration, err error) {
	s.key = s.work.AppendKey(s.key[:0], key)
	s.observer.BeginDelete(key)
	sent = time.Since(s.epoch)
	deleted, revision, err := s.client.Delete(ctx, s.key, nil)
	ended = time.Since(s.epoch)
	s.observer.EndDelete(deleted, revision, err)
	return sent, ended, err
}
