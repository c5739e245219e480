package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stopped is the cause for which a command was stopped from outside.
type stopped struct {
	signal syscall.Signal
}

func (s stopped) Error() string {
	if s.signal == syscall.SIGPIPE {
		return "stopped: nobody reads standard output any more"
	}
	return fmt.Sprintf("stopped by signal: %v", s.signal)
}

// stopOnSignal cancels on the first Ctrl-C, TERM or HUP, and leaves the second to kill
// the process. A HUP that is ignored (nohup) stays so. The function that it returns ends
// that.
func stopOnSignal(cancel context.CancelCauseFunc) (end func()) {
	stop := make(chan os.Signal, 1)
	wanted := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		wanted = append(wanted, syscall.SIGHUP)
	}
	signal.Notify(stop, wanted...)
	done := make(chan struct{})
	go func() {
		select {
		case s := <-stop:
			signal.Stop(stop)
			cancel(stopped{s.(syscall.Signal)})
		case <-done:
		}
	}()
	return sync.OnceFunc(func() {
		close(done)
		signal.Stop(stop)
	})
}

// failWrites makes a write to a pipe that nobody reads fail, for good, instead of killing
// the process where it stands. That SIGPIPE came says nothing: connections raise it too.
// See stopOnClosedPipe.
func failWrites() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// pipePoll is how often it is looked whether the command has ended.
const pipePoll = 200 * time.Millisecond

// stopOnClosedPipe cancels when f is a pipe and its reader is gone: whoever wanted the
// results does not any more. The function that it returns ends that.
func stopOnClosedPipe(ctx context.Context, cancel context.CancelCauseFunc, f *os.File) (end func()) {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return func() {}
	}
	ctx, quit := context.WithCancel(ctx)
	go func() {
		fds := []unix.PollFd{{Fd: int32(f.Fd())}} // no events: a pipe without a reader is an error, which is always told
		for ctx.Err() == nil {
			n, err := unix.Poll(fds, int(pipePoll.Milliseconds()))
			if n > 0 {
				cancel(stopped{syscall.SIGPIPE})
			}
			if n > 0 || err != nil && err != unix.EINTR {
				return
			}
		}
	}()
	return quit
}

// stopOf returns what stopped a command that ended with err, if that was from outside.
func stopOf(ctx context.Context, err error) (stopped, bool) {
	if s, ok := errors.AsType[stopped](context.Cause(ctx)); ok {
		return s, true
	}
	return stopped{syscall.SIGPIPE}, errors.Is(err, syscall.EPIPE)
}
