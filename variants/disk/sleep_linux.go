package disk

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// sleep blocks the calling thread for at least d, as a slow device would. A
// signal (the Go scheduler sends them) does not cut it short.
func sleep(d time.Duration) {
	left := unix.NsecToTimespec(d.Nanoseconds())
	for errors.Is(unix.Nanosleep(&left, &left), unix.EINTR) {
	}
}
