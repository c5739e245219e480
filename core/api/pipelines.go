package api

import (
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// pipelines are the streams that a server has open. It is safe for concurrent
// use.
type pipelines struct {
	max int // in all; a connection may have a quarter, one at least

	mu      sync.Mutex
	open    map[*pipeline]net.Addr
	perConn map[net.Addr]int // an address object is one connection's own
	stopped bool
}

// enter admits a stream, or returns why not: nothing of it has happened then.
func (s *pipelines) enter(p *pipeline) error {
	var conn net.Addr
	if from, ok := peer.FromContext(p.ctx); ok {
		conn = from.Addr
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	share := max(1, s.max/4)
	switch {
	case s.stopped:
		return errPipelineStopped
	case len(s.open) >= s.max:
		return status.Errorf(codes.ResourceExhausted, "metastore: %d streams of operations are open; accepted: %d", len(s.open), s.max)
	case s.perConn[conn] >= share:
		return status.Errorf(codes.ResourceExhausted, "metastore: %d streams of operations are open on this connection; accepted: %d", s.perConn[conn], share)
	}
	if s.open == nil {
		s.open, s.perConn = make(map[*pipeline]net.Addr), make(map[net.Addr]int)
	}
	s.open[p] = conn
	s.perConn[conn]++
	return nil
}

// leave forgets a stream that has ended.
func (s *pipelines) leave(p *pipeline) {
	s.mu.Lock()
	defer s.mu.Unlock()
	conn := s.open[p]
	delete(s.open, p)
	if s.perConn[conn]--; s.perConn[conn] == 0 {
		delete(s.perConn, conn)
	}
}

// stop ends all streams as soon as what is in flight on them has been answered,
// and admits no more.
func (s *pipelines) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	for p := range s.open {
		p.end(errPipelineStopped)
	}
}

// tally counts the outcomes of a message by kind. The zero value has none.
type tally struct{ kinds []kindTally }

type kindTally struct {
	op     string
	ok     int
	failed map[codes.Code]int
	first  time.Duration // when the one that was received first was
}

// count takes note of an outcome and its code.
func (t *tally) count(o *outcome, code codes.Code) {
	k := t.kind(o.op)
	if k.ok == 0 && len(k.failed) == 0 {
		k.first = o.start
	}
	k.first = min(k.first, o.start)
	if code == codes.OK {
		k.ok++
		return
	}
	if k.failed == nil {
		k.failed = make(map[codes.Code]int)
	}
	k.failed[code]++
}

func (t *tally) kind(op string) *kindTally {
	for i := range t.kinds {
		if t.kinds[i].op == op {
			return &t.kinds[i]
		}
	}
	t.kinds = append(t.kinds, kindTally{op: op})
	return &t.kinds[len(t.kinds)-1]
}

// report tells the observer of all that was counted, and starts anew. now is on
// the clock of the outcomes' starts.
func (t *tally) report(observer Observer, now time.Duration) {
	for i := range t.kinds {
		k := &t.kinds[i]
		if k.ok > 0 || len(k.failed) > 0 {
			observer.BatchDone(k.op, k.ok, k.failed, now-k.first)
		}
		*k = kindTally{op: k.op}
	}
}
