package check

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"metastorebench/harness/workload"
)

const (
	// lockStripes is the number of locks that the blocks of keys share.
	lockStripes = 1024
	// maxViolations is how many violations are kept in words; all are counted.
	maxViolations = 5
)

// Model holds what is known of every key. Its methods may be called from any
// goroutine; those that say "at the end" need all observers at rest.
type Model struct {
	w     *workload.Workload
	epoch time.Time
	keys  []keyState
	locks [lockStripes]stripe
	// newest is the highest revision in any answer so far. What is sent later
	// must be answered with that revision or a higher one.
	newest atomic.Int64
	// histories are those of the contended keys, which come after the workload's.
	histories [workload.ContendedKeys]history
	stale     bool // see AllowStale

	mu        sync.Mutex
	observers []*Observer
	// unknownPuts are puts that may or may not have taken effect.
	unknownPuts map[workload.WriteID]struct{}
	// unknownWrites counts writes of unknown outcome.
	unknownWrites int64
	violations    []string
	violated      int64
}

// stripe fills a cache line, so that neighbours do not slow each other down.
type stripe struct {
	sync.Mutex
	_ [56]byte
}

// keyState is what is known of one key, under its stripe's lock.
type keyState struct {
	// rev is the highest acknowledged revision of a put or delete; 0: none.
	rev int64
	// put is the write that has rev; the zero value says that the key is absent.
	put workload.WriteID
	// seen is the highest mod_revision that a read was answered with; the write need
	// not be acknowledged yet.
	seen int64
	// deletedAt is the highest acknowledged revision of a delete.
	deletedAt int64
	// deleting counts deletes that are under way or have an unknown outcome.
	deleting int32
}

// NewModel returns the model of an empty store.
func NewModel(w *workload.Workload) *Model {
	return &Model{
		w:           w,
		epoch:       time.Now(),
		keys:        make([]keyState, w.AllKeys()),
		unknownPuts: make(map[workload.WriteID]struct{}),
	}
}

// AllowStale has the model judge reads as a store owes them that serves them from
// local state: what is read was written under that key, and by then, and it may be
// of any time, as long as it is what the store held at the answer's own revision.
// Reads are left out of the histories. Call it before Observer.
func (m *Model) AllowStale() { m.stale = true }

// Newest is the highest revision in any answer so far, 0 before the first.
func (m *Model) Newest() int64 { return m.newest.Load() }

// lock locks the state of a key; all keys of one prefix share the lock.
func (m *Model) lock(key int) *stripe {
	s := &m.locks[key/workload.PrefixKeys%lockStripes]
	s.Lock()
	return s
}

// raise notes the revision of an answer.
func (m *Model) raise(rev int64) {
	for {
		old := m.newest.Load()
		if rev <= old || m.newest.CompareAndSwap(old, rev) {
			return
		}
	}
}

func (m *Model) violation(key int, format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.violated++
	if len(m.violations) < maxViolations {
		m.violations = append(m.violations, fmt.Sprintf("key %d: ", key)+fmt.Sprintf(format, args...))
	}
}

// unknown notes a write whose outcome nobody knows.
func (m *Model) unknown(put workload.WriteID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unknownWrites++
	if put != (workload.WriteID{}) {
		m.unknownPuts[put] = struct{}{}
	}
}

// anyUnknown reports whether a write so far has an unknown outcome.
func (m *Model) anyUnknown() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unknownWrites > 0
}

// Revision is the mod_revision that the key has by what is acknowledged, 0 if it is
// absent.
func (m *Model) Revision(key int) int64 {
	l := m.lock(key)
	defer l.Unlock()
	if m.keys[key].put == (workload.WriteID{}) {
		return 0
	}
	return m.keys[key].rev
}

func (m *Model) isUnknown(put workload.WriteID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.unknownPuts[put]
	return ok
}

// Totals are sums over all observers.
type Totals struct {
	// Acknowledged counts writes that were answered with success.
	Acknowledged int64
	// Effective counts those that changed something: all but deletes of absent
	// keys. Each has a revision of its own.
	Effective int64
	// Reads counts gets and ranges that were judged.
	Reads int64
	// Refused counts transactions that compared in vain, and so wrote nothing.
	Refused int64
	// Unknown counts writes of unknown outcome.
	Unknown int64
}

// Totals returns the sums at the end.
func (m *Model) Totals() Totals {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := Totals{Unknown: m.unknownWrites}
	for _, o := range m.observers {
		t.Acknowledged += o.totals.Acknowledged
		t.Effective += o.totals.Effective
		t.Reads += o.totals.Reads
		t.Refused += o.totals.Refused
	}
	return t
}
