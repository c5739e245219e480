package check

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/client"
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

func newWorkload(t testing.TB, keys int) *workload.Workload {
	t.Helper()
	w, err := workload.New(record.Workload{
		Name: "test", Type: workload.TypePut, API: workload.APIGRPC, Loop: "closed", Clients: 8, Conns: 1,
		KeyBytes: 8, ValueBytes: 32, Keys: keys, Distribution: workload.Uniform, Mix: workload.DefaultMix(workload.TypePut),
	}, 1)
	require.NoError(t, err)
	return w
}

// oracle is the obvious linearizable store: a map under a lock.
type oracle struct {
	w        *workload.Workload
	mu       sync.Mutex
	revision int64
	applied  int64
	pairs    map[int]*mvccpb.KeyValue
}

func newOracle(w *workload.Workload) *oracle {
	return &oracle{w: w, revision: 1, pairs: make(map[int]*mvccpb.KeyValue)}
}

func (o *oracle) put(key int, id workload.WriteID) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.revision++
	o.applied++
	o.pairs[key] = pair(o.w, key, id, o.revision)
	return o.revision
}

func (o *oracle) delete(key int) (deleted, revision int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.applied++
	if o.pairs[key] != nil {
		o.revision++
		deleted = 1
		delete(o.pairs, key)
	}
	return deleted, o.revision
}

func (o *oracle) get(key int) (*mvccpb.KeyValue, int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pairs[key], o.revision
}

func (o *oracle) swap(key int, id workload.WriteID, expected int64) client.Swapped {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.applied++
	if p := o.pairs[key]; p.GetModRevision() != expected { // 0 of nil
		return client.Swapped{Pair: p, Revision: o.revision}
	}
	o.revision++
	o.pairs[key] = pair(o.w, key, id, o.revision)
	return client.Swapped{OK: true, Revision: o.revision}
}

func (o *oracle) scan(first, count int, limit int64) (pairs []*mvccpb.KeyValue, more bool, revision int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key := first; key < first+count; key++ {
		if p := o.pairs[key]; p != nil {
			if limit > 0 && int64(len(pairs)) == limit {
				return pairs, true, o.revision
			}
			pairs = append(pairs, p)
		}
	}
	return pairs, false, o.revision
}

func pair(w *workload.Workload, key int, id workload.WriteID, revision int64) *mvccpb.KeyValue {
	return &mvccpb.KeyValue{Key: w.AppendKey(nil, key), Value: w.AppendValue(nil, key, id), ModRevision: revision}
}

var (
	errLost    = status.Error(codes.Unavailable, "connection lost")
	errRefused = status.Error(codes.ResourceExhausted, "etcdserver: too many requests")
)

// A right store must never be accused, whatever the interleaving, and whether or
// not writes with a lost answer took effect.
func TestRightStoreIsNeverAccused(t *testing.T) {
	const clients, steps = 8, 1500
	for _, keys := range []int{3, 40, 2000} {
		w := newWorkload(t, keys)
		m, store := NewModel(w), newOracle(w)
		var wg sync.WaitGroup
		for c := range clients {
			o, r := m.Observer(c), rand.New(rand.NewPCG(9, uint64(c)))
			wg.Go(func() {
				for seq := range steps {
					key := r.IntN(keys)
					if r.IntN(30) == 0 { // some hundred operations on each contended key
						key = keys + r.IntN(workload.ContendedKeys)
					}
					step(store, o, r, workload.WriteID{Writer: uint32(c), Seq: uint64(seq + 1)}, key)
				}
			})
		}
		wg.Wait()
		pairs, _, revision := store.scan(0, w.AllKeys(), 0)
		scan := m.Scan()
		for chunk := range slices.Chunk(pairs, 7) {
			scan.Add(chunk)
		}
		for _, c := range []record.Check{
			m.Answers(), scan.Finish(), m.Linearizable(time.Minute), m.Revisions(1, revision), m.Applied(store.applied, true),
		} {
			require.False(t, c.Failed(), "%d keys: %s: %s", keys, c.Name, c.Detail)
		}
		require.Positive(t, m.Totals().Unknown)
		require.Positive(t, m.Totals().Refused)
	}
}

// step makes one random operation and reports it.
func step(s *oracle, o *Observer, r *rand.Rand, id workload.WriteID, key int) {
	fate := r.IntN(40) // 0: lost before, 1: lost after it took effect, 2: refused
	switch r.IntN(5) {
	case 0:
		o.BeginPut(key, id)
		switch fate {
		case 0:
			o.EndPut(0, errLost)
		case 1:
			s.put(key, id)
			o.EndPut(0, errLost)
		case 2:
			o.EndPut(0, errRefused)
		default:
			o.EndPut(s.put(key, id), nil)
		}
	case 1:
		o.BeginDelete(key)
		switch fate {
		case 0:
			o.EndDelete(0, 0, errLost)
		case 1:
			s.delete(key)
			o.EndDelete(0, 0, errLost)
		case 2:
			o.EndDelete(0, 0, errRefused)
		default:
			deleted, revision := s.delete(key)
			o.EndDelete(deleted, revision, nil)
		}
	case 2:
		o.BeginGet(key)
		if fate == 0 {
			o.EndGet(nil, 0, errLost)
			return
		}
		pair, revision := s.get(key)
		o.EndGet(pair, revision, nil)
	case 3:
		expected := o.m.Revision(key)
		o.BeginSwap(key, id, expected)
		switch fate {
		case 0:
			o.EndSwap(client.Swapped{}, errLost)
		case 1:
			s.swap(key, id, expected)
			o.EndSwap(client.Swapped{}, errLost)
		case 2:
			o.EndSwap(client.Swapped{}, errRefused)
		default:
			o.EndSwap(s.swap(key, id, expected), nil)
		}
	case 4:
		first := key - key%workload.PrefixKeys
		count := min(workload.PrefixKeys, len(o.m.keys)-first)
		limit := int64(r.IntN(3) * 5)
		o.BeginRange(first, count, limit)
		pairs, more, revision := s.scan(first, count, limit)
		o.EndRange(pairs, more, limit, revision, nil)
	}
}

func id(seq uint64) workload.WriteID { return workload.WriteID{Writer: 1, Seq: seq} }

// Each story is a short exchange that no right store can have; key 5 holds write
// 1 of revision 2 at its start.
func TestWrongAnswersAreNamed(t *testing.T) {
	w := newWorkload(t, 300)
	p := func(key int, seq uint64, revision int64) *mvccpb.KeyValue { return pair(w, key, id(seq), revision) }
	get := func(o *Observer, pair *mvccpb.KeyValue, revision int64) {
		o.BeginGet(5)
		o.EndGet(pair, revision, nil)
	}
	put := func(o *Observer, seq uint64, revision int64) {
		o.BeginPut(5, id(seq))
		o.EndPut(revision, nil)
	}
	scan := func(o *Observer, more bool, limit int64, pairs ...*mvccpb.KeyValue) {
		o.BeginRange(0, 256, limit)
		o.EndRange(pairs, more, limit, 9, nil)
	}
	for want, story := range map[string]func(o *Observer){
		"a write was given revision 2, but 2 had been answered":                  func(o *Observer) { put(o, 2, 2) },
		"stale: mod_revision 2, but 3 had been acknowledged":                     func(o *Observer) { put(o, 2, 3); get(o, p(5, 1, 2), 3) },
		"mod_revision 4 is above the answer's revision 3":                        func(o *Observer) { get(o, p(5, 1, 4), 3) },
		"an answer has revision 1, but 2 had been answered":                      func(o *Observer) { get(o, nil, 1) },
		"revision 2 has the value of write {1 7}":                                func(o *Observer) { get(o, p(5, 7, 2), 2) },
		"written under key index 6, read under 5":                                func(o *Observer) { get(o, p(6, 1, 2), 2) },
		"a get was answered with key 0000000000000006":                           func(o *Observer) { q := p(5, 1, 2); q.Key = w.AppendKey(nil, 6); get(o, q, 2) },
		"not found, but the put of revision 2 had been acknowledged":             func(o *Observer) { get(o, nil, 2) },
		"a delete of one key says that it removed 2":                             func(o *Observer) { o.BeginDelete(5); o.EndDelete(2, 3, nil) },
		"key 5: not found, but the put of revision 2":                            func(o *Observer) { o.BeginDelete(5); o.EndDelete(0, 2, nil) },
		"a range with limit 1 was answered with 2 pairs":                         func(o *Observer) { scan(o, false, 1, p(5, 1, 2), p(6, 2, 3)) },
		"a range of 1 pairs says that there are more, below its limit 2":         func(o *Observer) { scan(o, true, 2, p(5, 1, 2)) },
		"a range was answered with key 0000000000000101, outside":                func(o *Observer) { scan(o, false, 0, p(5, 1, 2), p(257, 2, 3)) },
		"a range is out of order: 0000000000000005 after 0000000000000006":       func(o *Observer) { scan(o, false, 0, p(6, 2, 3), p(5, 1, 2)) },
		"a range is out of order: 0000000000000005 after 0000000000000005":       func(o *Observer) { scan(o, false, 0, p(5, 1, 2), p(5, 1, 2)) },
		"not found, but the put of revision 2 had been acknowledged before the ": func(o *Observer) { scan(o, false, 0, p(6, 2, 3)) },
		"two writes were given revision 3": func(o *Observer) {
			other := o.m.Observer(2)
			other.BeginPut(5, workload.WriteID{Writer: 2, Seq: 1})
			put(o, 2, 3)
			other.EndPut(3, nil)
		},
	} {
		m := NewModel(w)
		o := m.Observer(1)
		put(o, 1, 2)
		require.True(t, m.Answers().OK)
		story(o)
		got := m.Answers()
		require.False(t, got.OK, want)
		require.Contains(t, got.Detail, want)
	}
}

// What is concurrent may come in either order.
func TestConcurrentOperationsAreAllowedEitherWay(t *testing.T) {
	w := newWorkload(t, 300)
	m := NewModel(w)
	reader, writer := m.Observer(1), m.Observer(2)
	writer.BeginPut(5, id(1))
	writer.EndPut(2, nil)
	// The read is sent, and only then a put and a delete are acknowledged.
	reader.BeginGet(5)
	writer.BeginPut(5, id(2))
	writer.EndPut(3, nil)
	writer.BeginDelete(5)
	writer.EndDelete(1, 4, nil)
	reader.EndGet(pair(w, 5, id(1), 2), 2, nil)
	// A delete is under way while the read is.
	writer.BeginPut(5, id(3))
	writer.EndPut(5, nil)
	writer.BeginDelete(5)
	reader.BeginGet(5)
	reader.EndGet(nil, 6, nil)
	writer.EndDelete(1, 6, nil)
	require.True(t, m.Answers().OK, m.Answers().Detail)
	// A limit hides what lies behind it.
	writer.BeginPut(9, id(4))
	writer.EndPut(7, nil)
	writer.BeginPut(10, id(5))
	writer.EndPut(8, nil)
	reader.BeginRange(0, 256, 1)
	reader.EndRange([]*mvccpb.KeyValue{pair(w, 9, id(4), 7)}, true, 1, 8, nil)
	require.True(t, m.Answers().OK, m.Answers().Detail)
}

// A range may cross prefixes. Behind the limit of a long one nothing is judged but
// the pairs themselves.
func TestLongRanges(t *testing.T) {
	w := newWorkload(t, 2000)
	m := NewModel(w)
	writer, reader := m.Observer(0), m.Observer(1)
	revision := int64(1)
	for _, key := range []int{250, 260, 1500} {
		revision++
		writer.BeginPut(key, id(uint64(revision)))
		writer.EndPut(revision, nil)
	}
	scan := func(limit int64, more bool, pairs ...*mvccpb.KeyValue) {
		reader.BeginRange(240, 1500, limit)
		reader.EndRange(pairs, more, limit, revision, nil)
	}
	a, b, c := pair(w, 250, id(2), 2), pair(w, 260, id(3), 3), pair(w, 1500, id(4), 4)
	scan(0, false, a, b, c)
	scan(2, true, a, b)
	scan(5, false, a, b, c)
	require.True(t, m.Answers().OK, m.Answers().Detail)
	scan(5, false, a, b)
	require.True(t, m.Answers().OK, "key 1500 is behind what was kept of a range with limit 5")
	scan(0, false, a, c)
	require.Contains(t, m.Answers().Detail, "key 260: not found")
	scan(0, false, a, b)
	require.Contains(t, m.Answers().Detail, "key 1500: not found")
}

// Two reads see a put that is still under way, then do not: what was read once is
// known, acknowledged or not.
func TestReadsDoNotGoBack(t *testing.T) {
	w := newWorkload(t, 4)
	m := NewModel(w)
	reader, writer := m.Observer(1), m.Observer(2)
	writer.BeginPut(0, id(1))
	writer.EndPut(2, nil)
	writer.BeginPut(0, id(2))
	reader.BeginGet(0)
	reader.EndGet(pair(w, 0, id(2), 3), 3, nil)
	require.True(t, m.Answers().OK, m.Answers().Detail)
	reader.BeginGet(0)
	reader.EndGet(nil, 3, nil)
	require.Contains(t, m.Answers().Detail, "not found, but the put of revision 3")
	reader.BeginGet(0)
	reader.EndGet(pair(w, 0, id(1), 2), 3, nil)
	require.EqualValues(t, 2, m.violated)
	require.Contains(t, m.Answers().Detail, "stale: mod_revision 2, but 3 had been acknowledged or read")
	writer.EndPut(3, nil)
	require.EqualValues(t, 2, m.violated)
}

// A store that serves reads from local state may answer with what is old or not yet
// there, but not with what was never written.
func TestStaleReads(t *testing.T) {
	w := newWorkload(t, 300)
	p := func(seq uint64, revision int64) *mvccpb.KeyValue { return pair(w, 5, id(seq), revision) }
	get := func(o *Observer, pair *mvccpb.KeyValue, revision int64) {
		o.BeginGet(5)
		o.EndGet(pair, revision, nil)
	}
	scan := func(o *Observer, revision int64, pairs ...*mvccpb.KeyValue) {
		o.BeginRange(0, 256, 0)
		o.EndRange(pairs, false, 0, revision, nil)
		o.Counted(len(pairs), false, int64(len(pairs)))
	}
	for name, c := range map[string]struct {
		story func(o *Observer)
		want  string // for any store; "": only a stale one is allowed that
	}{
		"an old value":            {func(o *Observer) { get(o, p(1, 2), 2) }, ""},
		"an old range":            {func(o *Observer) { scan(o, 2, p(1, 2)) }, ""},
		"not there yet":           {func(o *Observer) { get(o, nil, 1) }, ""},
		"not there yet, in range": {func(o *Observer) { scan(o, 1) }, ""},
		"not of its revision":     {func(o *Observer) { get(o, p(1, 2), 3) }, "mod_revision 2"},
		"absent at its revision":  {func(o *Observer) { get(o, nil, 3) }, "not found"},
		"from the future":         {func(o *Observer) { get(o, p(2, 3), 2) }, "is above the answer's revision"},
		"another write's":         {func(o *Observer) { get(o, p(7, 3), 3) }, "revision 3 has the value of write {1 7}"},
		"a lost write":            {func(o *Observer) { o.BeginPut(5, id(3)); o.EndPut(3, nil) }, "a write was given revision 3, but 3 had been"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, stale := range []bool{false, true} {
				m := NewModel(w)
				if stale {
					m.AllowStale()
				}
				o := m.Observer(0)
				for revision := int64(2); revision <= 3; revision++ {
					o.BeginPut(5, id(uint64(revision-1)))
					o.EndPut(revision, nil)
				}
				require.EqualValues(t, 3, m.Newest())
				c.story(o)
				allowed := stale && c.want == ""
				require.Equal(t, allowed, m.Answers().OK, m.Answers().Detail)
				require.Contains(t, m.Answers().Detail, c.want)
			}
		})
	}
}

// The store ends with: key 1 put, key 2 deleted, key 3 never written, key 4 put
// with an unknown outcome, key 5 put and then deleted with an unknown outcome.
func TestEndState(t *testing.T) {
	w := newWorkload(t, 10)
	k1, k4, k5 := pair(w, 1, id(1), 2), pair(w, 4, id(4), 5), pair(w, 5, id(5), 6)
	foreign := &mvccpb.KeyValue{Key: []byte("foreign!"), Value: []byte("x")}
	flipped := pair(w, 1, id(1), 2)
	flipped.Value = bytes.Clone(flipped.Value)
	flipped.Value[20] ^= 1
	for _, tc := range []struct {
		name, want string // an empty want is a state that is allowed
		pairs      []*mvccpb.KeyValue
	}{
		{"unknown put did not happen", "", []*mvccpb.KeyValue{k1, k5}},
		{"unknown put happened", "", []*mvccpb.KeyValue{k1, k4, k5}},
		{"unknown delete happened", "", []*mvccpb.KeyValue{k1}},
		{"lost", "key 1: not in the store; the model has write {1 1} of revision 2", []*mvccpb.KeyValue{k5}},
		{"empty", "key 1: not in the store", nil},
		{"undead", "key 2: the store has write {1 2} of revision 3, the model write {0 0} of revision 4", []*mvccpb.KeyValue{k1, pair(w, 2, id(2), 3)}},
		{"never written", "key 3: the store has write {1 8} of revision 9", []*mvccpb.KeyValue{k1, pair(w, 3, id(8), 9)}},
		{"older", "key 1: the store has write {1 9} of revision 1", []*mvccpb.KeyValue{pair(w, 1, id(9), 1)}},
		{"other revision", "key 1: the store has write {1 1} of revision 3", []*mvccpb.KeyValue{pair(w, 1, id(1), 3)}},
		{"damaged", "key 1: value is not what was written", []*mvccpb.KeyValue{flipped}},
		{"foreign", "key is not of this workload", []*mvccpb.KeyValue{k1, foreign}},
		{"twice", "key 1: out of order or twice", []*mvccpb.KeyValue{k1, k1}},
		{"out of order", "key 1: out of order or twice", []*mvccpb.KeyValue{k5, k1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := NewModel(w)
			o := m.Observer(1)
			write := func(key int, seq uint64, revision int64, err error) {
				o.BeginPut(key, id(seq))
				o.EndPut(revision, err)
			}
			write(1, 1, 2, nil)
			write(2, 2, 3, nil)
			o.BeginDelete(2)
			o.EndDelete(1, 4, nil)
			write(3, 3, 0, errRefused)
			write(4, 4, 0, errLost)
			write(5, 5, 6, nil)
			o.BeginDelete(5)
			o.EndDelete(0, 0, errLost)
			require.True(t, m.Answers().OK)
			scan := m.Scan()
			scan.Add(tc.pairs)
			got := scan.Finish()
			if tc.want == "" {
				require.True(t, got.OK, got.Detail)
				return
			}
			require.False(t, got.OK)
			require.Contains(t, got.Detail, tc.want)
		})
	}
}

func TestCountsAreCompared(t *testing.T) {
	m := NewModel(newWorkload(t, 10))
	o := m.Observer(1)
	o.BeginPut(1, id(1))
	o.EndPut(2, nil)
	o.BeginDelete(2)
	o.EndDelete(0, 2, nil) // acknowledged and applied, but without an effect
	o.BeginPut(1, id(2))
	o.EndPut(0, errLost)
	for applied, ok := range map[int64]bool{1: false, 2: true, 3: true, 4: false} {
		require.Equal(t, ok, m.Applied(applied, true).OK, "applied %d", applied)
	}
	for last, ok := range map[int64]bool{1: false, 2: true, 3: true, 4: false} {
		require.Equal(t, ok, m.Revisions(1, last).OK, "last %d", last)
	}
	o.BeginSwap(1, id(3), 7)
	o.EndSwap(client.Swapped{Pair: pair(m.w, 1, id(1), 2), Revision: 2}, nil) // writes nothing
	for applied, ok := range map[int64]bool{2: false, 3: true, 4: true, 5: false} {
		require.Equal(t, ok, m.Applied(applied, true).OK, "%d commands", applied)
		require.Equal(t, ok, m.Applied(applied-1, false).OK, "%d writes", applied-1)
	}
	require.Equal(t, "writes applied by the store: 4; acknowledged: 2; of unknown outcome: 1", m.Applied(4, false).Detail)
}

func TestErrorRate(t *testing.T) {
	ops := func(count, failed int64) []record.OpStats {
		return []record.OpStats{{Op: "put", Count: count, Errors: map[string]int64{"Unavailable": failed}}}
	}
	require.True(t, Errors(ops(20_000, 1)).OK)
	require.False(t, Errors(ops(9_999, 1)).OK, "0.01 % is not below 0.01 %")
	require.Contains(t, Errors(ops(10, 1)).Detail, "1 of 11 operations failed; accepted: below 0.0001 (put Unavailable: 1)")
	require.True(t, Errors([]record.OpStats{{Op: "put", Count: 1}}).OK)
	require.False(t, Errors(nil).OK, "a window without operations shows nothing")
}

func TestObserverDoesNotAllocate(t *testing.T) {
	w := newWorkload(t, 100_000)
	m := NewModel(w)
	o := m.Observer(0)
	const key = 1
	revision := int64(1)
	found := pair(w, key, id(1), 0)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		revision++
		o.BeginPut(key, id(1))
		o.EndPut(revision, nil)
		found.ModRevision = revision
		o.BeginGet(key)
		o.EndGet(found, revision, nil)
	}))
	require.True(t, m.Answers().OK, m.Answers().Detail)
}

func BenchmarkPut(b *testing.B) {
	m := NewModel(newWorkload(b, 100_000))
	o := m.Observer(0)
	revision := int64(1)
	b.ReportAllocs()
	for b.Loop() {
		revision++
		key := int(revision) % 100_000
		o.BeginPut(key, id(uint64(revision)))
		o.EndPut(revision, nil)
	}
}
