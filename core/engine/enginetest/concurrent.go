package enginetest

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// testViewHolds checks that a view keeps showing its state while a later batch
// commits, or waits to: an engine may make commits wait for views.
func testViewHolds(t *testing.T, f Factory) {
	e, m := open(t, f), newModel()
	commit(t, e, m, stateAt(1), pair("a", "1", 1), pair("b", "1", 1))
	later := []*kv.KeyValue{pair("a", "2", 2), pair("c", "2", 2)}
	v := e.View()
	committed := make(chan error, 1)
	go func() { committed <- commitPairs(e, stateAt(2), later...) }()
	for range 100 {
		requireSame(t, m, v)
	}
	v.Close()
	require.NoError(t, <-committed)
	m.commit(stateAt(2), later...)
	requireView(t, m, e)
}

// generation is the batch number that every key holds after it, and its value.
func generation(p *kv.KeyValue) uint64 { return uint64(p.ModRevision) }

// commitGeneration gives every key of keys the generation n, in one batch.
func commitGeneration(e engine.Engine, keys int, n uint64) error {
	pairs := make([]*kv.KeyValue, keys)
	for i := range pairs {
		pairs[i] = &kv.KeyValue{
			Key: fmt.Appendf(nil, "key %03d", i), Value: fmt.Appendf(nil, "%d", n),
			CreateRevision: 1, ModRevision: int64(n), Version: int64(n),
		}
	}
	return commitPairs(e, stateAt(n), pairs...)
}

// testConcurrentViews lets readers look while batches replace all keys: what a
// view shows must be of one batch, data and State.
func testConcurrentViews(t *testing.T, f Factory) {
	const keys, batches, readers = 20, 300, 4
	e := open(t, f)
	require.NoError(t, commitGeneration(e, keys, 1))
	var (
		done  atomic.Bool
		group sync.WaitGroup
		fails = make(chan error, readers)
	)
	for range readers {
		group.Go(func() {
			for last := uint64(1); !done.Load(); {
				n, err := checkOneGeneration(e, keys)
				if err == nil && n < last {
					err = fmt.Errorf("view of batch %d after one of batch %d", n, last)
				}
				if err != nil {
					fails <- err
					return
				}
				last = n
			}
		})
	}
	for n := range uint64(batches) {
		require.NoError(t, commitGeneration(e, keys, n+2))
	}
	done.Store(true)
	group.Wait()
	close(fails)
	require.NoError(t, <-fails)
}

// checkOneGeneration reads every key through one view, by Scan and by Get.
func checkOneGeneration(e engine.Engine, keys int) (uint64, error) {
	v := e.View()
	defer v.Close()
	want, seen := v.State().AppliedIndex, 0
	var mixed error
	err := v.Scan(nil, nil, func(p *kv.KeyValue) bool {
		seen++
		if generation(p) != want {
			mixed = fmt.Errorf("state of batch %d with key %q of batch %d", want, p.Key, generation(p))
		}
		return mixed == nil
	})
	switch {
	case err != nil:
		return 0, err
	case mixed != nil:
		return 0, mixed
	case seen != keys:
		return 0, fmt.Errorf("%d keys, want %d", seen, keys)
	}
	p, err := v.Get([]byte("key 000"))
	if err == nil && generation(p) != want {
		err = fmt.Errorf("get: batch %d, want %d", generation(p), want)
	}
	return want, err
}

// testSnapshotHolds checks that a snapshot shows the moment it was taken.
func testSnapshotHolds(t *testing.T, f Factory) {
	e, m := open(t, f), newModel()
	commit(t, e, m, stateAt(1), pair("a", "1", 1), pair("b", "1", 1))
	taken := m.clone()
	snap, err := e.Snapshot()
	require.NoError(t, err)
	commit(t, e, m, stateAt(2), pair("a", "2", 2), pair("c", "2", 2))
	b := e.NewBatch()
	require.NoError(t, b.Delete([]byte("b")))
	require.NoError(t, b.Commit(stateAt(3)))

	require.Equal(t, taken.state, snap.State())
	var buf bytes.Buffer
	n, err := snap.WriteTo(&buf)
	require.NoError(t, err)
	require.EqualValues(t, buf.Len(), n)
	require.Equal(t, taken.stream(t), buf.Bytes())
	require.NoError(t, snap.Close())
}

// testSnapshotWhileCommitting writes snapshots on one goroutine while another
// commits: each stream must hold one batch's data, and State.
func testSnapshotWhileCommitting(t *testing.T, f Factory) {
	const keys, batches, snapshots = 20, 200, 10
	e := open(t, f)
	require.NoError(t, commitGeneration(e, keys, 1))
	work := make(chan engine.Snapshot, snapshots)
	streams := make(chan []byte, snapshots)
	var group sync.WaitGroup
	group.Go(func() {
		defer close(streams)
		for snap := range work {
			var buf bytes.Buffer
			_, err := snap.WriteTo(&buf)
			if err = joinClose(err, snap); err != nil {
				t.Errorf("snapshot: %v", err)
			}
			streams <- buf.Bytes()
		}
	})
	for n := range uint64(batches) {
		require.NoError(t, commitGeneration(e, keys, n+2))
		if n%(batches/snapshots) == 0 {
			snap, err := e.Snapshot()
			require.NoError(t, err)
			work <- snap
		}
	}
	close(work)
	group.Wait()
	taken := 0
	for stream := range streams {
		taken++
		var state engine.State
		require.NoError(t, engine.ReadSnapshot(bytes.NewReader(stream), func(s engine.State) error {
			state = s
			return nil
		}, func(p *kv.KeyValue) error {
			require.Equal(t, state.AppliedIndex, generation(p), "key %q", p.Key)
			return nil
		}))
	}
	require.Equal(t, snapshots, taken)
}

// joinClose closes snap and returns the first of the two errors.
func joinClose(err error, snap engine.Snapshot) error {
	if closeErr := snap.Close(); err == nil {
		err = closeErr
	}
	return err
}
