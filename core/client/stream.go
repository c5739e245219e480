package client

import (
	"context"
	"sync"
	"sync/atomic"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"metastorebench/core/rpcpb"
)

// Streams is a fixed set of pipelined streams (metastore.v1.MetaStore/Pipeline)
// to a store of this project; etcd has none. Many goroutines share a stream, and
// what they have to send at the same moment goes in one message. It may be used
// from any number of goroutines.
//
// Operations of one stream are handed to the store in the order in which the
// calls of their KVs began, and writes take effect in that order. A read sees
// every write of its stream whose call began before its own; beside that it is
// linearizable as any other. As many operations are in flight on a stream as its
// server allows; further calls wait for their turn.
//
// A stream is opened by the first call on it, and again by the first one after it
// broke, on the connection that the pool then chooses. When it breaks, every call
// under way is told by its error: one that was never given to the connection did
// not happen, any other is Unknown. Nothing is sent again.
type Streams struct{ streams []*stream }

// Streams returns n streams, 1 or more, over the pool's connections. They must be
// closed before the pool.
func (p *Pool) Streams(n int) *Streams {
	s := &Streams{}
	for range max(n, 1) {
		s.streams = append(s.streams, &stream{meta: rpcpb.NewMetaStoreClient(p)})
	}
	return s
}

// Handle returns the KV of worker i (0 or more), on stream i modulo their number.
// Each goroutine takes its own, once. A KV that is used with one context again and
// again is registered with it, until it is used with another or the context ends.
func (s *Streams) Handle(i int) KV {
	return &streamHandle{stream: s.streams[i%len(s.streams)]}
}

// Close ends all streams; calls under way fail as when a stream breaks, and later
// ones with an error that is not Unknown. It returns nil.
func (s *Streams) Close() error {
	for _, st := range s.streams {
		st.close()
	}
	return nil
}

// stream is one stream of Streams: its session, if it has one.
type stream struct {
	meta rpcpb.MetaStoreClient

	session atomic.Pointer[session]

	mu     sync.Mutex // held while a session is opened
	closed bool
}

// current returns the session that is open, or opens one.
func (st *stream) current() (*session, error) {
	if s := st.session.Load(); s != nil && !s.over.Load() {
		return s, nil
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed {
		return nil, notSentError(errClosed)
	}
	s := st.session.Load()
	if s == nil || s.over.Load() {
		s = openSession(st.meta)
		st.session.Store(s)
	}
	return s, nil
}

func (st *stream) close() {
	st.mu.Lock()
	st.closed = true
	st.mu.Unlock()
	if s := st.session.Load(); s != nil {
		s.close()
	}
}

var _ KV = (*streamHandle)(nil)

// streamHandle is a KV on a stream. It reuses its operation, of which the session
// makes a copy, and its call.
type streamHandle struct {
	stream *stream
	call   *call
	// seen is the last context's Done. With unwatch set its end nudges call.
	seen    <-chan struct{}
	unwatch func() bool
	op      rpcpb.Operation
	put     rpcpb.Put
	get     rpcpb.Get
	delete  rpcpb.DeleteRange
	rng     rpcpb.Range
}

// do carries out h.op, whose keys and value have so many bytes.
func (h *streamHandle) do(ctx context.Context, bytes int) (result, error) {
	if err := begun(ctx); err != nil {
		return result{}, err
	}
	session, err := h.stream.current()
	if err != nil {
		return result{}, err
	}
	done := h.watch(ctx)
	if err := session.submit(ctx, h.call, &h.op, bytes); err != nil {
		return result{}, err
	}
	for {
		if done == nil {
			<-h.call.wake
		} else {
			select {
			case <-h.call.wake:
			case <-done:
			}
		}
		if h.call.answered.Load() {
			return h.call.take()
		}
		if ctx.Err() != nil {
			h.forget() // the session still has the call
			return result{}, contextError(ctx)
		}
	}
}

// watch sees to it that h.call is there, and that the end of ctx is noticed: it
// returns the channel that tells of it, nil if the call is nudged or there is no
// end. A context that comes again has the call nudged, for to wait for two
// channels costs more than all else that a call does here.
func (h *streamHandle) watch(ctx context.Context) <-chan struct{} {
	if h.call == nil {
		h.call = newCall()
	}
	done := ctx.Done()
	switch {
	case done != h.seen:
		h.release()
		h.seen = done
	case done != nil && h.unwatch == nil:
		h.unwatch = context.AfterFunc(ctx, h.call.nudge)
	}
	if h.unwatch != nil {
		return nil
	}
	return done
}

// release ends what watch has begun.
func (h *streamHandle) release() {
	if h.unwatch != nil {
		h.unwatch()
	}
	h.seen, h.unwatch = nil, nil
}

// forget leaves the call to the session.
func (h *streamHandle) forget() {
	h.release()
	h.call = nil
}

func (h *streamHandle) Put(ctx context.Context, key, value []byte) (int64, error) {
	h.put.Key, h.put.Value = key, value
	h.op.Put, h.op.Get, h.op.Delete, h.op.Range = &h.put, nil, nil, nil
	r, err := h.do(ctx, len(key)+len(value))
	return r.revision, err
}

func (h *streamHandle) Get(ctx context.Context, key []byte) (*mvccpb.KeyValue, int64, error) {
	h.get.Key = key
	h.op.Put, h.op.Get, h.op.Delete, h.op.Range = nil, &h.get, nil, nil
	r, err := h.do(ctx, len(key))
	return r.pair, r.revision, err
}

func (h *streamHandle) Range(ctx context.Context, start, end []byte, limit int64) (Page, error) {
	if len(end) == 0 {
		pair, revision, err := h.Get(ctx, start)
		if pair == nil || err != nil {
			return Page{Revision: revision}, err
		}
		return Page{Pairs: []*mvccpb.KeyValue{pair}, Count: 1, Revision: revision}, nil
	}
	h.rng.Key, h.rng.RangeEnd, h.rng.Limit = start, end, limit
	h.op.Put, h.op.Get, h.op.Delete, h.op.Range = nil, nil, nil, &h.rng
	r, err := h.do(ctx, len(start)+len(end))
	return r.page, err
}

func (h *streamHandle) Delete(ctx context.Context, key, end []byte) (int64, int64, error) {
	h.delete.Key, h.delete.RangeEnd = key, end
	h.op.Put, h.op.Get, h.op.Delete, h.op.Range = nil, nil, &h.delete, nil
	r, err := h.do(ctx, len(key)+len(end))
	return r.deleted, r.revision, err
}
