package check

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/client"
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// A right store's batches must never be accused, whatever the interleaving, with
// keys that occur twice, operations that fail alone, and batches whose answer is
// lost.
func TestRightBatchesAreNeverAccused(t *testing.T) {
	const clients, steps, size = 6, 400, 9
	for _, keys := range []int{20, 2000} {
		w := newWorkload(t, keys)
		m, store := NewModel(w), newOracle(w)
		var wg sync.WaitGroup
		for client := range clients {
			b, r := m.Batch(client, size), rand.New(rand.NewPCG(5, uint64(client)))
			wg.Go(func() {
				seq := uint64(0)
				for range steps {
					seq = batchStep(store, b, r, uint32(client), seq, 1+r.IntN(size))
				}
			})
		}
		wg.Wait()
		pairs, _, revision := store.scan(0, w.AllKeys(), 0)
		scan := m.Scan()
		scan.Add(pairs)
		for _, c := range []record.Check{
			m.Answers(), scan.Finish(), m.Linearizable(10 * time.Second), m.Revisions(1, revision), m.Applied(store.applied, true),
		} {
			require.False(t, c.Failed(), "%d keys: %s: %s", keys, c.Name, c.Detail)
		}
		require.Positive(t, m.Totals().Unknown)
		require.Positive(t, m.Totals().Reads)
	}
}

// batchStep sends one random batch of n operations and reports its answer.
func batchStep(s *oracle, b *Batch, r *rand.Rand, writer uint32, seq uint64, n int) uint64 {
	keys, ids, kind := make([]int, n), make([]workload.WriteID, n), r.IntN(3)
	b.Begin()
	for i := range n {
		if keys[i] = r.IntN(s.w.Keys); r.IntN(30) == 0 {
			keys[i] = s.w.Keys + r.IntN(workload.ContendedKeys)
		}
		switch kind {
		case 0:
			seq++
			ids[i] = workload.WriteID{Writer: writer, Seq: seq}
			b.Put(keys[i], ids[i])
		case 1:
			b.Delete(keys[i])
		case 2:
			b.Get(keys[i])
		}
	}
	outcomes := make([]client.Outcome, n)
	fate := r.IntN(20) // 0: lost before, 1: lost after it took effect, 2: refused
	if fate != 0 && fate != 2 {
		for i := range outcomes {
			if r.IntN(30) == 0 {
				outcomes[i].Err = status.Error(codes.InvalidArgument, "bad")
			}
		}
		s.batch(kind, keys, ids, outcomes)
	}
	revision := int64(0)
	for _, o := range outcomes {
		revision = max(revision, o.Revision)
	}
	var err error
	switch fate {
	case 0, 1:
		outcomes, revision, err = nil, 0, errLost
	case 2:
		outcomes, revision, err = nil, 0, errRefused
	}
	switch kind {
	case 0:
		b.EndPuts(outcomes, revision, err)
	case 1:
		b.EndDeletes(outcomes, revision, err)
	case 2:
		if err == nil {
			revision = outcomes[0].Revision
		}
		b.EndGets(outcomes, revision, err)
	}
	return seq
}

// batch carries out the operations without an error, with nothing between them.
func (o *oracle) batch(kind int, keys []int, ids []workload.WriteID, outcomes []client.Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, key := range keys {
		out := &outcomes[i]
		if kind == 2 {
			out.Revision = o.revision // of the whole batch
		}
		if out.Err != nil {
			continue
		}
		switch kind {
		case 0:
			o.applied++
			o.revision++
			o.pairs[key] = pair(o.w, key, ids[i], o.revision)
			out.Revision = o.revision
		case 1:
			o.applied++
			if o.pairs[key] != nil {
				o.revision++
				out.Deleted = 1
				delete(o.pairs, key)
			}
			out.Revision = o.revision
		case 2:
			out.Pair = o.pairs[key]
		}
	}
}

// Each story is a batch that no right store can answer so; key 5 holds write 1 of
// revision 2 at its start.
func TestWrongBatchesAreNamed(t *testing.T) {
	w := newWorkload(t, 300)
	puts := func(m *Model, revision int64, revisions ...int64) {
		b := m.Batch(1, len(revisions))
		b.Begin()
		outcomes := make([]client.Outcome, len(revisions))
		for i, rev := range revisions {
			b.Put(5, id(uint64(10+i)))
			outcomes[i] = client.Outcome{Revision: rev}
		}
		b.EndPuts(outcomes, revision, nil)
	}
	for want, story := range map[string]func(m *Model){
		"revision 5 follows revision 3 and changed 1 keys":       func(m *Model) { puts(m, 5, 3, 5) },
		"revision 3 follows revision 4 and changed 1 keys":       func(m *Model) { puts(m, 3, 4, 3) },
		"last write has revision 4 was answered with revision 5": func(m *Model) { puts(m, 5, 3, 4) },
		"two writes were given revision 3":                       func(m *Model) { puts(m, 3, 3, 3) },
		"a write was given revision 2, but 2 had been answered":  func(m *Model) { puts(m, 2, 2) },
		"not found, but the put of revision 2 had been acknowledged": func(m *Model) {
			b := m.Batch(1, 2)
			b.Begin()
			b.Get(7)
			b.Get(5)
			b.EndGets(make([]client.Outcome, 2), 2, nil)
		},
		"revision 4 follows revision 3 and changed 0 keys": func(m *Model) {
			b := m.Batch(1, 2)
			b.Begin()
			b.Delete(5)
			b.Delete(5)
			b.EndDeletes([]client.Outcome{{Revision: 3, Deleted: 1}, {Revision: 4}}, 4, nil)
		},
	} {
		m := NewModel(w)
		o := m.Observer(0)
		o.BeginPut(5, id(1))
		o.EndPut(2, nil)
		story(m)
		require.Contains(t, m.Answers().Detail, want)
	}
}
