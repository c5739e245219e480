// Package timedlock is the readers-writer lock of the indexes: a sync.RWMutex
// that tells how long somebody waited for it, and reads no clock when nobody
// did.
package timedlock

import (
	"sync"
	"time"
)

// RW is a readers-writer lock. The zero value is unlocked and reports to nobody.
type RW struct {
	// OnWait, if not nil, is called with each time that a caller had to wait for
	// the lock, from many goroutines, by the caller that holds it then. It must
	// be set before the lock is used.
	OnWait func(wait time.Duration)

	mu sync.RWMutex
}

// Lock takes the lock exclusively.
func (l *RW) Lock() {
	if !l.mu.TryLock() {
		l.wait(l.mu.Lock)
	}
}

// RLock takes the lock shared.
func (l *RW) RLock() {
	if !l.mu.TryRLock() {
		l.wait(l.mu.RLock)
	}
}

// Unlock gives up the exclusive lock.
func (l *RW) Unlock() { l.mu.Unlock() }

// RUnlock gives up a shared lock.
func (l *RW) RUnlock() { l.mu.RUnlock() }

// wait takes a contended lock and reports how long that took.
func (l *RW) wait(lock func()) {
	if l.OnWait == nil {
		lock()
		return
	}
	start := time.Now()
	lock()
	l.OnWait(time.Since(start))
}
