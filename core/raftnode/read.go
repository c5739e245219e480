package raftnode

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/raft/v3"

	"metastorebench/core/kv"
)

// readIndexer batches linearizable reads: all readers that arrive between two
// turns of the loop share one ReadIndex request.
type readIndexer struct {
	wake chan struct{}
	// confirmed is told of each answered request's stamp, on the loop.
	confirmed func(leaseStamp)

	mu       sync.Mutex
	arriving *readBatch            // not yet requested
	asked    map[uint64]*readBatch // requested, index unknown
	known    []*readBatch          // index known, not yet applied; few at a time
	reached  atomic.Uint64         // the engine's applied index; changes under mu
	closed   atomic.Pointer[error] // why nobody is served any more; set under mu
	lastID   uint64
	origin   uint64 // of this start of this member, drawn at random
	ticks    int
}

// readBatch is one ReadIndex request and those who wait for it.
type readBatch struct {
	index uint64
	stamp leaseStamp // when it was first asked for
	born  time.Time
	done  chan struct{}
	err   error // set before done is closed
}

func (r *readIndexer) init(applied uint64, confirmed func(leaseStamp)) {
	r.wake, r.confirmed = make(chan struct{}, 1), confirmed
	r.asked = make(map[uint64]*readBatch)
	r.origin = rand.Uint64()
	r.reached.Store(applied)
}

// wait joins the next batch and waits for it.
func (r *readIndexer) wait(ctx context.Context) error {
	b, err := r.join()
	if err != nil {
		return err
	}
	return b.wait(ctx)
}

// ask makes a request although nobody waits for it.
func (r *readIndexer) ask() { _, _ = r.join() }

// join returns the next batch.
func (r *readIndexer) join() (*readBatch, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.stopped(); err != nil {
		return nil, err
	}
	if r.arriving == nil {
		r.arriving = newReadBatch()
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
	return r.arriving, nil
}

// reach waits until the engine has applied index.
func (r *readIndexer) reach(ctx context.Context, index uint64) error {
	if err := r.stopped(); err != nil {
		return err
	}
	if r.reached.Load() >= index {
		return nil
	}
	b := newReadBatch()
	b.index = index
	r.mu.Lock()
	if err := r.stopped(); err != nil { // it does not wait for us
		r.mu.Unlock()
		return err
	}
	r.settle(b)
	r.mu.Unlock()
	return b.wait(ctx)
}

// stopped returns what close was called with, nil before.
func (r *readIndexer) stopped() error {
	if err := r.closed.Load(); err != nil {
		return *err
	}
	return nil
}

// settle lets go the readers of b, whose index is known, or has them wait for the
// engine. The caller holds mu.
func (r *readIndexer) settle(b *readBatch) {
	if b.index <= r.reached.Load() {
		close(b.done)
		return
	}
	r.known = append(r.known, b)
}

func newReadBatch() *readBatch { return &readBatch{born: time.Now(), done: make(chan struct{})} }

func (b *readBatch) wait(ctx context.Context) error {
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// waiting reports whether reads have arrived that no request is made for.
func (r *readIndexer) waiting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.arriving != nil
}

// next turns the arriving batch into a request, stamped, and returns its id.
func (r *readIndexer) next(stamp leaseStamp) (id []byte, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.arriving == nil {
		return nil, false
	}
	r.lastID++
	r.arriving.stamp = stamp
	r.asked[r.lastID] = r.arriving
	r.arriving = nil
	return r.context(r.lastID), true
}

// context names a request to the library. A leader keeps the requests of all
// members by it, and an answer may come after the one who asked has started anew:
// so the origin is part of it.
func (r *readIndexer) context(id uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, r.origin), id)
}

// tick counts ticks and reports when it is time to repeat unanswered requests:
// Raft drops them without a word when there is no leader.
func (r *readIndexer) tick(every int) bool {
	r.ticks++
	return r.ticks%every == 0
}

func (r *readIndexer) retry(request func(id []byte)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.asked {
		request(r.context(id))
	}
}

// states takes the answers of the library.
func (r *readIndexer) states(states []raft.ReadState) {
	if len(states) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range states {
		if len(s.RequestCtx) != 16 || binary.LittleEndian.Uint64(s.RequestCtx) != r.origin {
			continue // asked by an earlier start of this member
		}
		id := binary.LittleEndian.Uint64(s.RequestCtx[8:])
		b := r.asked[id]
		if b == nil {
			continue // answered twice, after a retry
		}
		delete(r.asked, id)
		b.index = s.Index
		r.confirmed(b.stamp)
		r.settle(b)
	}
}

// applied lets go the readers whose index the engine has reached.
func (r *readIndexer) applied(index uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached.Store(index)
	r.known = slices.DeleteFunc(r.known, func(b *readBatch) bool {
		reached := b.index <= index
		if reached {
			close(b.done)
		}
		return reached
	})
}

// expire fails the readers that have waited since before the given time.
func (r *readIndexer) expire(before time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, b := range r.asked {
		if b.born.Before(before) {
			delete(r.asked, id)
			b.fail(fmt.Errorf("%w: no leader confirmed the read", kv.ErrTimeout))
		}
	}
	r.known = slices.DeleteFunc(r.known, func(b *readBatch) bool {
		late := b.born.Before(before)
		if late {
			b.fail(fmt.Errorf("%w: the engine has applied up to entry %d of %d", kv.ErrTimeout, r.reached.Load(), b.index))
		}
		return late
	})
}

func (b *readBatch) fail(err error) {
	b.err = err
	close(b.done)
}

// close fails every reader, now and later.
func (r *readIndexer) close(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed.Store(&err)
	batches := r.known
	for _, b := range r.asked {
		batches = append(batches, b)
	}
	if r.arriving != nil {
		batches = append(batches, r.arriving)
	}
	for _, b := range batches {
		b.fail(err)
	}
	r.arriving, r.asked, r.known = nil, nil, nil
}
