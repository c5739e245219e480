package load

import "time"

// pacer decides when a worker sends.
type pacer interface {
	// due returns the time at which the next operation is due, given the time
	// now, and false when there is to be no other. Times are since the start of
	// the run.
	due(now time.Duration) (at time.Duration, ok bool)
}

var _ pacer = closedLoop{}

// closedLoop sends as soon as the previous operation has been answered, until
// the given time.
type closedLoop struct{ until time.Duration }

func (c closedLoop) due(now time.Duration) (time.Duration, bool) { return now, now < c.until }
