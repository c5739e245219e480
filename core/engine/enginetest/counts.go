package enginetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// CheckCounts compares what r counts with what it scans: from each key on, up to
// each key, and in windows of keys.
func CheckCounts(r engine.Reader) error {
	var keys [][]byte
	err := r.Scan(nil, nil, func(p *kv.KeyValue) bool { keys = append(keys, p.Key); return true })
	if err != nil {
		return err
	}
	check := func(start, end []byte, want int) error {
		got, err := r.Count(start, end)
		if err == nil && got != int64(want) {
			err = fmt.Errorf("%d keys counted in [%q, %q), %d found", got, start, end, want)
		}
		return err
	}
	if err := check(nil, nil, len(keys)); err != nil {
		return err
	}
	const window = 7
	for i, key := range keys {
		last := min(i+window, len(keys)-1)
		for _, err := range []error{
			check(key, nil, len(keys)-i),
			check(nil, key, i),
			check(key, keys[last], last-i),
			check(key, append(key[:len(key):len(key)], 0), 1),
		} {
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// testRandomRestarts runs seeded sequences of batches on a place that is opened
// again and again: after Flush and Close, after a crash, after a Restore.
func testRandomRestarts(t *testing.T, f Factory) {
	requirePersistent(t, f)
	g := generator{rand.New(rand.NewPCG(7, 8))}
	h := history{0: newModel()}
	e, index := f.Open(t), uint64(0)
	var left []engine.Engine // by a crash
	for round := range 9 {
		m := h[index].clone()
		for range 12 {
			index++
			randomBatch(t, g, e, m, stateAt(index))
			h[index] = m.clone()
		}
		switch round % 3 {
		case 0:
			require.NoError(t, e.Flush())
			require.NoError(t, e.Close())
			e = f.Open(t)
		case 1:
			f.Crash(t)
			left = append(left, e)
			e = f.Open(t)
		case 2:
			requireRoundTrip(t, e, m)
		}
		index = h.requireAgrees(t, e)
		v := e.View()
		for range 20 {
			requireScan(t, h[index], v, g.bound(), g.bound())
		}
		require.NoError(t, CheckCounts(v))
		v.Close()
	}
	for _, e := range append(left, e) {
		require.NoError(t, e.Close())
	}
}

// present is how many of the keys "k 00" to "k 19" batch n leaves.
func present(n uint64) int { return int(n * 7 % 20) }

// testConcurrentCounts lets readers count while each batch brings and removes
// keys: count, keys and State of a view must be of one batch.
func testConcurrentCounts(t *testing.T, f Factory) {
	const batches, readers = 300, 4
	e := open(t, f)
	var (
		done  atomic.Bool
		group sync.WaitGroup
		fails = make(chan error, readers)
	)
	for reader := range readers {
		group.Go(func() {
			for !done.Load() {
				if err := checkOneCount(e, reader%2 == 0); err != nil {
					fails <- err
					return
				}
			}
		})
	}
	for n := range uint64(batches) {
		require.NoError(t, commitPresent(e, n+1))
	}
	done.Store(true)
	group.Wait()
	close(fails)
	require.NoError(t, <-fails)
}

func commitPresent(e engine.Engine, n uint64) error {
	b := e.NewBatch()
	for i := range 20 {
		var err error
		if key := fmt.Sprintf("k %02d", i); i < present(n) {
			err = b.Put(pair(key, "", int64(n)))
		} else {
			err = b.Delete([]byte(key))
		}
		if err != nil {
			return err
		}
	}
	return b.Commit(stateAt(n))
}

// checkOneCount looks at all that a view shows, and counts first or scans first.
func checkOneCount(e engine.Engine, countFirst bool) error {
	v := e.View()
	defer v.Close()
	want, scanned := present(v.State().AppliedIndex), 0
	count := func() error {
		n, err := v.Count([]byte("k"), []byte("l"))
		if err == nil && n != int64(want) {
			err = fmt.Errorf("state of batch %d, with %d keys, and a count of %d", v.State().AppliedIndex, want, n)
		}
		return err
	}
	if countFirst {
		if err := count(); err != nil {
			return err
		}
	}
	err := v.Scan(nil, nil, func(*kv.KeyValue) bool { scanned++; return true })
	if err == nil && scanned != want {
		err = fmt.Errorf("state of batch %d, with %d keys, and a scan of %d", v.State().AppliedIndex, want, scanned)
	}
	if err != nil {
		return err
	}
	return count()
}

// RunVisits shows what the axis --key-index is for, by the keys that a limited
// range and its count visit: those that it returns if indexed, and all of the
// range besides if not, in a view and in a batch, also after a restart and a
// Restore. The engine is one that keeps account.
func RunVisits(t *testing.T, newFactory func(t testing.TB) Factory, indexed bool) {
	const limit = 10
	for _, keys := range []int64{500, 5000} {
		t.Run(fmt.Sprintf("keys=%d", keys), func(t *testing.T) {
			f := newFactory(t)
			e := f.Open(t).(engine.Metered)
			b := e.NewBatch()
			for i := range keys {
				require.NoError(t, b.Put(pair(fmt.Sprintf("key %04d", i), "", i)))
			}
			require.NoError(t, b.Put(pair("other", "", 1)))
			require.NoError(t, b.Commit(stateAt(1)))
			require.NoError(t, e.Flush())
			want := int64(limit)
			if !indexed {
				want += keys
			}
			requireVisits := func() {
				t.Helper()
				v := e.View()
				defer v.Close()
				require.Equal(t, want, limitedRange(t, e, v, limit, keys))
			}
			requireVisits()
			require.NoError(t, e.Close())

			e = f.Open(t).(engine.Metered)
			requireVisits()
			require.NoError(t, e.Restore(bytes.NewReader(snapshotBytes(t, e))))
			requireVisits()
			b = e.NewBatch()
			require.NoError(t, b.Delete([]byte("key 0007")))
			require.NoError(t, b.Put(pair("key 0008", "replaced", 2)))
			// One more: the deleted key is stepped over too.
			require.Equal(t, want+1, limitedRange(t, e, b, limit, keys-1))
			require.NoError(t, b.Discard())
			require.NoError(t, e.Close())
		})
	}
}

// limitedRange reads the first keys of a range and counts all, as a request with
// a limit does, and returns how many stored keys that visits.
func limitedRange(t *testing.T, e engine.Metered, r engine.Reader, limit int, keys int64) int64 {
	t.Helper()
	before, err := e.StorageStats()
	require.NoError(t, err)
	seen := 0
	require.NoError(t, r.Scan([]byte("key"), []byte("kez"), func(*kv.KeyValue) bool { seen++; return seen < limit }))
	n, err := r.Count([]byte("key"), []byte("kez"))
	require.NoError(t, err)
	require.Equal(t, keys, n)
	after, err := e.StorageStats()
	require.NoError(t, err)
	return after.VisitedKeys - before.VisitedKeys
}
