package load

import (
	"context"
	"time"

	"metastorebench/harness/workload"
)

// Patience is how long an operation of an open loop waits for a free client. It
// is given up then, and counted as unsent. The backlog is so bounded by
// Patience times the rate, and a run ends at most Patience after its window,
// plus the grace of what is then under way.
const Patience = 2 * time.Second

// tick is the least time between two wake-ups of a sequence of one arrival in a
// tick, or more. What has become due meanwhile goes out together, up to a tick
// late; that is in its response time and in the timing error. A wake-up for each
// arrival costs some 10 us of CPU time, and an operation by itself takes a message
// and system calls of its own in client and store: at 100,000 operations a second
// that was most of what two processors have.
const tick = 50 * time.Microsecond

// openLoop gives out one sequence of arrivals to the workers that share it. A
// worker that is free takes a turn: it waits until the next operation is due and
// then sends that one itself, so that there is no hand-over between a clock and
// a sender to be late in.
//
// Turns are taken in the order of asking, so the k-th arrival goes to the
// worker that was the k-th to become free, and starts at the later of the two
// times: the discipline of one first-come-first-served queue with as many
// servers as workers. The backlog is never stored. It is what the sequence has
// between the next arrival to give out and now.
type openLoop struct {
	epoch time.Time
	win   window
	alarm *alarm
	// turn has room for one token. Who holds it may touch what is below.
	turn chan struct{}

	arrivals *workload.Arrivals
	tick     time.Duration // 0 for a sequence of a lower rate
	woken    time.Duration // the last time that was waited for
	head     time.Duration // the next arrival to give out
	due      int64         // in the window: given out or given up
	unsent   int64         // of those, given up

	// ahead is the same sequence, read up to now, to count who waits.
	ahead      *workload.Arrivals
	aheadAt    time.Duration
	waiting    int64 // arrivals before aheadAt less those given out or up
	maxBacklog int64 // most that waited when one of the window was given out
}

func newOpenLoop(epoch time.Time, win window, lane workload.Lane, a *alarm) *openLoop {
	l := &openLoop{
		epoch: epoch, win: win, alarm: a, turn: make(chan struct{}, 1),
		arrivals: lane.Arrivals(), ahead: lane.Arrivals(),
	}
	if lane.Rate >= float64(time.Second/tick) {
		l.tick = tick
	}
	l.head, l.aheadAt = l.arrivals.Next(), l.ahead.Next()
	l.turn <- struct{}{}
	return l
}

// next takes a turn. The intended start that it returns is in the past if the
// operation had to wait for the worker.
func (l *openLoop) next(ctx context.Context) (time.Duration, bool) {
	// No select: who has the turn passes it on when ctx ends.
	<-l.turn
	defer func() { l.turn <- struct{}{} }()
	now := time.Since(l.epoch)
	for l.head < l.win.to && now-l.head > Patience {
		l.giveUp()
	}
	if l.head >= l.win.to || ctx.Err() != nil {
		return 0, false
	}
	if l.head > now {
		l.woken = max(l.head, l.woken+l.tick)
		if !l.alarm.wait(ctx, l.woken-now) {
			return 0, false
		}
	}
	at := l.pop()
	l.countWaiting(now)
	if l.win.holds(at) {
		l.due++
		l.maxBacklog = max(l.maxBacklog, l.waiting)
	}
	return at, true
}

// pop takes the head of the sequence.
func (l *openLoop) pop() (at time.Duration) {
	at, l.head = l.head, l.arrivals.Next()
	l.waiting--
	return at
}

func (l *openLoop) giveUp() {
	if l.win.holds(l.pop()) {
		l.due++
		l.unsent++
	}
}

// countWaiting counts the arrivals that are due and still to be given out.
func (l *openLoop) countWaiting(now time.Duration) {
	for l.aheadAt <= now && l.aheadAt < l.win.to {
		l.waiting++
		l.aheadAt = l.ahead.Next()
	}
}

// end gives up what was never given out. The workers must have ended.
func (l *openLoop) end() {
	for l.head < l.win.to {
		l.giveUp()
	}
}
