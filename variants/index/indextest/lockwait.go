package indextest

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/variants/engine/memory"
)

// RunLockWait checks that an index reports waits for its lock, a Fresh one of it
// too, and none while nobody else holds it. hold takes a lock that keeps a get
// of any key waiting, and returns what gives it up.
func RunLockWait(t *testing.T, newIndex func(onLockWait func(wait time.Duration)) memory.Index,
	hold func(ix memory.Index) (release func())) {
	var waits atomic.Int64
	ix := newIndex(func(wait time.Duration) {
		if wait < 0 {
			t.Errorf("a wait of %v", wait)
		}
		waits.Add(1)
	})
	for _, ix := range []memory.Index{ix, ix.Fresh()} {
		waits.Store(0)
		fill(t, ix, 10, 1)
		get(t, ix)
		require.Zero(t, waits.Load(), "nobody else held the lock")
		// The reader finds the lock taken in all but a few rounds.
		for waits.Load() == 0 {
			release := hold(ix)
			started, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				close(started)
				get(t, ix)
			}()
			<-started
			runtime.Gosched()
			release()
			<-done
		}
	}
}

// HoldBatch is the hold of an index whose batch keeps all readers waiting.
func HoldBatch(t *testing.T) func(ix memory.Index) (release func()) {
	return func(ix memory.Index) (release func()) {
		b := ix.Begin()
		return func() {
			if err := b.Discard(); err != nil {
				t.Error(err)
			}
		}
	}
}

func get(t *testing.T, ix memory.Index) {
	v := ix.Acquire()
	defer v.Close()
	if _, err := v.Get([]byte("key 0001")); err != nil {
		t.Error(err)
	}
}
