package timedlock_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"metastorebench/variants/index/timedlock"
)

// TestNoWait takes a lock that is free, or shared with other readers.
func TestNoWait(t *testing.T) {
	lock := timedlock.RW{OnWait: func(wait time.Duration) { t.Errorf("a wait of %v for a free lock", wait) }}
	lock.Lock()
	lock.Unlock()
	lock.RLock()
	lock.RLock()
	lock.RUnlock()
	lock.RUnlock()
}

// TestWaits has callers meet a held lock. They find it taken in all but a few
// rounds; the test goes on until one did, and was reported.
func TestWaits(t *testing.T) {
	for name, take := range map[string]func(l *timedlock.RW){
		"shared":    func(l *timedlock.RW) { l.RLock(); l.RUnlock() },
		"exclusive": func(l *timedlock.RW) { l.Lock(); l.Unlock() },
	} {
		t.Run(name, func(t *testing.T) {
			var waits atomic.Int64
			lock := &timedlock.RW{OnWait: func(wait time.Duration) {
				if wait < 0 {
					t.Errorf("a wait of %v", wait)
				}
				waits.Add(1)
			}}
			meet := func(lock *timedlock.RW) {
				lock.Lock()
				started, done := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(done)
					close(started)
					take(lock)
				}()
				<-started
				runtime.Gosched()
				lock.Unlock()
				<-done
			}
			for waits.Load() == 0 {
				meet(lock)
			}
			meet(&timedlock.RW{}) // reports to nobody
		})
	}
}
