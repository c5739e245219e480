package raftnode

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.etcd.io/raft/v3"

	"metastorebench/core/kv"
)

// readIndexer batches linearizable reads: all readers that arrive between two
// turns of the loop share one ReadIndex request.
type readIndexer struct {
	wake chan struct{}

	mu       sync.Mutex
	arriving *readBatch            // not yet requested
	asked    map[uint64]*readBatch // requested, index unknown
	known    []*readBatch          // index known, not yet applied; few at a time
	reached  uint64                // the engine's applied index
	closed   error
	lastID   uint64
	ticks    int
}

// readBatch is one ReadIndex request and those who wait for it.
type readBatch struct {
	index uint64
	born  time.Time
	done  chan struct{}
	err   error // set before done is closed
}

func (r *readIndexer) init(applied uint64) {
	r.wake = make(chan struct{}, 1)
	r.asked = make(map[uint64]*readBatch)
	r.reached = applied
}

// wait joins the next batch and waits for it.
func (r *readIndexer) wait(ctx context.Context) error {
	r.mu.Lock()
	if r.closed != nil {
		r.mu.Unlock()
		return r.closed
	}
	b := r.arriving
	if b == nil {
		b = &readBatch{born: time.Now(), done: make(chan struct{})}
		r.arriving = b
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
	r.mu.Unlock()
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

// next turns the arriving batch into a request and returns its id.
func (r *readIndexer) next() (id []byte, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.arriving == nil {
		return nil, false
	}
	r.lastID++
	r.asked[r.lastID] = r.arriving
	r.arriving = nil
	return binary.LittleEndian.AppendUint64(nil, r.lastID), true
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
		request(binary.LittleEndian.AppendUint64(nil, id))
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
		id := binary.LittleEndian.Uint64(s.RequestCtx)
		b := r.asked[id]
		if b == nil {
			continue // answered twice, after a retry
		}
		delete(r.asked, id)
		b.index = s.Index
		if b.index <= r.reached {
			close(b.done)
			continue
		}
		r.known = append(r.known, b)
	}
}

// applied lets go the readers whose index the engine has reached.
func (r *readIndexer) applied(index uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached = index
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
			b.fail(fmt.Errorf("%w: the engine has applied up to entry %d of %d", kv.ErrTimeout, r.reached, b.index))
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
	r.closed = err
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
