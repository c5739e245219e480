package raftnode

import (
	"fmt"
	"sync"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/wal"
)

// Bounds of the appender's queue and of what one sync takes from it. The queue
// holds Readys; their entries' bytes are bounded by what the Proposer admits,
// and at a follower by the leader's appends in flight.
const (
	queuedAppends = 256
	batchAppends  = 4 * queuedAppends
	batchBytes    = 16 << 20
)

// logWrite is what one Ready wants of the log, or a compaction. The loop makes
// it, the appender carries it out, and the loop finishes it.
type logWrite struct {
	hard    *wal.HardState // nil: unchanged
	entries []wal.Entry
	// unstable are the same entries as the library knows them, nil if it has
	// been given them already.
	unstable []*raftpb.Entry
	// responses may be delivered once this and all earlier writes are durable.
	responses []*raftpb.Message
	// owed says that the loop keeps something back until this is durable.
	owed bool
	// compact, if not nil, is all there is.
	compact *compactRequest
}

func (w *logWrite) saves() bool { return w.hard != nil || len(w.entries) > 0 }

// appender writes the log behind the loop, on a goroutine of its own. While it
// syncs, more writes queue up, and the next sync takes all of them.
//
// A write that failed ends it: that one and every later one is dropped and never
// reported as finished, and take says why.
type appender struct {
	log    *wal.Log
	policy wal.Policy
	linger time.Duration
	synced func([]wal.Entry) // may be nil

	queue chan *logWrite
	// wake has a value when take has something new to say.
	wake    chan struct{}
	stopped chan struct{}

	mu       sync.Mutex
	finished []*logWrite
	failure  error
}

func startAppender(log *wal.Log, policy wal.Policy, linger time.Duration, synced func([]wal.Entry)) *appender {
	a := &appender{
		log: log, policy: policy, linger: linger, synced: synced,
		queue:   make(chan *logWrite, queuedAppends),
		wake:    make(chan struct{}, 1),
		stopped: make(chan struct{}),
	}
	go a.run()
	return a
}

// put hands a write over. It blocks while the queue is full, as a log without a
// queue would at once.
func (a *appender) put(w *logWrite) { a.queue <- w }

// take returns the writes that were finished since the last call, in order, and
// why the appender failed, if it did.
func (a *appender) take() ([]*logWrite, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	done := a.finished
	a.finished = nil
	return done, a.failure
}

// stop lets the appender finish what was handed over, and waits for it.
func (a *appender) stop() {
	close(a.queue)
	<-a.stopped
}

func (a *appender) run() {
	defer close(a.stopped)
	var batch []*logWrite
	for {
		batch = a.collect(batch[:0])
		if len(batch) == 0 {
			return
		}
		if err := a.write(batch); err != nil {
			a.fail(batch, err)
			return
		}
		a.mu.Lock()
		a.finished = append(a.finished, batch...)
		a.mu.Unlock()
		a.signal()
		clear(batch)
	}
}

func (a *appender) signal() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// collect waits for a write and takes those that wait behind it, up to the
// bounds or a compaction. With a linger it then waits for more. It returns
// nothing when the queue is closed and empty.
func (a *appender) collect(batch []*logWrite) []*logWrite {
	w, ok := <-a.queue
	if !ok {
		return batch
	}
	var timeout <-chan time.Time
	if a.linger > 0 && len(w.entries) > 0 {
		timer := time.NewTimer(a.linger)
		defer timer.Stop()
		timeout = timer.C
	}
	bytes := 0
	for {
		batch = append(batch, w)
		for i := range w.entries {
			bytes += len(w.entries[i].Data)
		}
		if w.compact != nil || len(batch) == batchAppends || bytes >= batchBytes {
			return batch
		}
		select {
		case w, ok = <-a.queue:
		default:
			if timeout == nil {
				return batch
			}
			select {
			case w, ok = <-a.queue:
			case <-timeout:
				return batch
			}
		}
		if !ok {
			return batch
		}
	}
}

// write carries out a batch: as few saves as its entries' order allows, then the
// compaction that it may end with.
func (a *appender) write(batch []*logWrite) error {
	var s save
	for _, w := range batch {
		if !s.joins(w) {
			if err := a.save(&s); err != nil {
				return err
			}
		}
		s.join(w)
	}
	if err := a.save(&s); err != nil {
		return err
	}
	if c := batch[len(batch)-1].compact; c != nil {
		return cutLog(a.log, c.mark)
	}
	return nil
}

func (a *appender) save(s *save) error {
	if s.hard == nil && len(s.entries) == 0 {
		return nil
	}
	if err := a.policy.Save(a.log, s.hard, s.entries); err != nil {
		return fmt.Errorf("raftnode: save the log: %w", err)
	}
	if a.synced != nil && len(s.entries) > 0 {
		a.synced(s.entries)
	}
	*s = save{}
	return nil
}

// fail reports the failure and answers what will not be carried out, until stop.
func (a *appender) fail(batch []*logWrite, err error) {
	a.mu.Lock()
	a.failure = err
	a.mu.Unlock()
	a.signal()
	for _, w := range batch {
		w.refuse(err)
	}
	for w := range a.queue {
		w.refuse(err)
	}
}

// refuse tells whoever waits for the write that it did not happen.
func (w *logWrite) refuse(err error) {
	if w.compact != nil {
		w.compact.done <- err
	}
}

// save is what one call of the policy writes: entries without gap or overlap,
// and the newest hard state.
type save struct {
	hard    *wal.HardState
	entries []wal.Entry
	shared  bool // entries belong to the first write
}

// joins tells whether w's entries follow those of s.
func (s *save) joins(w *logWrite) bool {
	return len(s.entries) == 0 || len(w.entries) == 0 || s.entries[len(s.entries)-1].Index+1 == w.entries[0].Index
}

// join adds a write that joins.
func (s *save) join(w *logWrite) {
	switch {
	case len(w.entries) == 0:
	case len(s.entries) == 0:
		s.entries, s.shared = w.entries, true
	default:
		if s.shared {
			s.entries, s.shared = append([]wal.Entry(nil), s.entries...), false
		}
		s.entries = append(s.entries, w.entries...)
	}
	if w.hard != nil {
		s.hard = w.hard
	}
}
