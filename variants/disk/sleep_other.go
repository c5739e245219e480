//go:build !linux

package disk

import "time"

// sleep pauses the calling goroutine for at least d.
func sleep(d time.Duration) { time.Sleep(d) }
