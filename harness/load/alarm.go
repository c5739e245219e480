package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm waits for times more precisely than a Go timer does. It belongs to one
// goroutine at a time.
//
// Go looks at its timers whenever a goroutine ends its turn, which is often and
// precise while there is work. A process at rest sleeps in epoll_wait(2), which
// the runtime calls with a time-out rounded to whole milliseconds (netpoll in
// runtime/netpoll_epoll.go): a timer is then up to 1 ms late. An alarm therefore
// also arms a timerfd_create(2), of nanosecond resolution, for the same time.
// Nobody needs its message: that it ends the epoll_wait is enough. Sleeping in
// the kernel instead (nanosleep(2)) would do as well at rest but has to fight for
// a scheduler slot when there is work, and spinning would take from the store the
// CPU that it is measured with.
type alarm struct {
	timer *time.Timer
	fd    int      // of waker, -1 if there is none
	waker *os.File // the timerfd, watched by the runtime's poller
	ended chan struct{}
}

// newTimer returns an alarm that is as precise as a Go timer.
func newTimer() (*alarm, error) {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &alarm{timer: timer, fd: -1}, nil
}

// newAlarm returns a precise alarm. Close it.
func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timer of the open loop: %w", err)
	}
	a, err := newTimer()
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	a.fd, a.waker, a.ended = fd, os.NewFile(uintptr(fd), "timerfd"), make(chan struct{})
	go func() {
		defer close(a.ended)
		var expirations [8]byte
		for { // until close
			if _, err := a.waker.Read(expirations[:]); err != nil {
				return
			}
		}
	}()
	return a, nil
}

// wait returns after d, or false when ctx ends before.
func (a *alarm) wait(ctx context.Context, d time.Duration) bool {
	a.timer.Reset(d)
	if a.fd >= 0 {
		// It can only fail for arguments that are wrong, and the Go timer is there
		// in any case.
		_ = unix.TimerfdSettime(a.fd, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(d.Nanoseconds())}, nil)
	}
	select {
	case <-a.timer.C:
		return true
	case <-ctx.Done():
		a.timer.Stop()
		return false
	}
}

// close frees the alarm; nobody may wait on it.
func (a *alarm) close() error {
	if a.waker == nil {
		return nil
	}
	err := a.waker.Close()
	<-a.ended
	return err
}
