package load

import (
	"context"
	"time"
)

// pacer decides when a worker sends.
type pacer interface {
	// next waits until the worker's next operation is due and returns its
	// intended start in time since the start of the run, and false when there is
	// to be no other or ctx has ended. Workers that share a pacer call it from
	// their own goroutines.
	next(ctx context.Context) (due time.Duration, ok bool)
}

var (
	_ pacer = closedLoop{}
	_ pacer = (*openLoop)(nil)
)

// closedLoop sends as soon as the previous operation has been answered, until
// the given time.
type closedLoop struct {
	epoch time.Time
	until time.Duration
}

func (c closedLoop) next(context.Context) (time.Duration, bool) {
	now := time.Since(c.epoch)
	return now, now < c.until
}
