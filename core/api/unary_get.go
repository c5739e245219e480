package api

import (
	"sync"

	"metastorebench/core/api/lean"
	"metastorebench/core/apply"
	"metastorebench/core/engine"
)

// getQueue has the gets of a connection that wait to be read. A goroutine reads them
// while there are any.
type getQueue struct {
	begun []*unaryCall // the reader's own, until it flushes

	mu      sync.Mutex
	waiting []*unaryCall
	running bool
}

// queueGet lets a get go with the next ones.
func (s *unarySession) queueGet(u *unaryCall) { s.reads.begun = append(s.reads.begun, u) }

// flushGets hands on the gets that have begun.
func (s *unarySession) flushGets() {
	q := &s.reads
	if len(q.begun) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, q.begun...)
	clear(q.begun)
	q.begun = q.begun[:0]
	if !q.running {
		q.running = true
		go s.serveGets()
	}
}

// next returns gets that may be read on one view, none when none wait.
func (q *getQueue) next() []*unaryCall {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < min(len(q.waiting), readViewOps) && q.waiting[n].get.Serializable == q.waiting[0].get.Serializable {
		n++
	}
	gets := q.waiting[:n:n]
	if q.waiting = q.waiting[n:]; n == 0 {
		q.running, q.waiting = false, nil
	}
	return gets
}

// serveGets reads until no gets wait.
func (s *unarySession) serveGets() {
	var calls []*lean.Call
	for {
		gets := s.reads.next()
		if len(gets) == 0 {
			return
		}
		err := s.svc.store.Read(s.conn.Context(), gets[0].get.Serializable, func(view engine.Reader) error {
			for _, u := range gets {
				u.result.Revision = view.State().Revision
				u.page, u.err = apply.Range(view, toRange(u.get))
			}
			return nil
		})
		calls = calls[:0]
		for i, u := range gets {
			if err != nil {
				u.err = err
			}
			calls, gets[i] = append(calls, u.call), nil
		}
		s.conn.Answer(calls...)
	}
}
