package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"metastorebench/core/client"
	"metastorebench/harness/check"
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// liveEvery is how often Config.Live is called.
const liveEvery = 250 * time.Millisecond

// Config says what to run.
type Config struct {
	Workload *workload.Workload
	// Client returns worker i's client, for one goroutine.
	Client func(i int) client.KV
	// Batch does so for batches; it may be nil if the workload's API is not batch.
	Batch func(i int) Batcher
	// PreloadBatch does so for the preload; nil sends its puts one by one.
	PreloadBatch func(i int) Batcher
	// Swap does so for the transactions of Contend.
	Swap   func(i int) Swapper
	Model  *check.Model
	Warmup time.Duration
	// Measure is the length of the window. Of a workload with Operations it is the
	// longest that they may take.
	Measure time.Duration
	// Grace is how long operations under way at the end are waited for.
	Grace time.Duration
	// Opened and Closed are called when the window opens and closes, while the
	// load goes on. An error ends the run.
	Opened, Closed func() error
	// Live, if not nil, is called a few times a second with the number of
	// operations completed so far.
	Live func(completed int64)

	// alarms makes the clock of an open loop; nil means newAlarm.
	alarms func() (*alarm, error)
}

// Result is what the window holds.
type Result struct {
	Ops    []record.OpStats
	Series []int64 // operations completed per SeriesStep
	// OpenLoop is nil in a closed loop.
	OpenLoop *record.OpenLoop
	// Window is how long the window was: Measure, or what Operations took.
	Window time.Duration
}

// Run runs the workload. If ctx ends before the run does, the workers stop and
// the context's cause is returned.
func Run(ctx context.Context, c Config) (result Result, err error) {
	if c.Workload.Operations > 0 {
		return runCounted(ctx, c)
	}
	group, running := errgroup.WithContext(ctx)
	calls, cancel := context.WithCancel(running)
	defer cancel()
	epoch := time.Now()
	win := window{from: c.Warmup, to: c.Warmup + c.Measure}
	pace, err := newPacing(c, epoch, win)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, pace.close()) }()
	// Not a deadline on the context: gRPC would send it with every request, and
	// the store would keep a timer for each.
	defer time.AfterFunc(win.to+pace.patience()+c.Grace, cancel).Stop()

	recorders := newRecorders(c.Workload.Clients, win, pace.open())
	for i := range c.Workload.Clients {
		s := newSender(i, c, epoch)
		group.Go(func() error {
			work(calls, s, c.Workload.Stream(i), pace.of[i], recorders[i%len(recorders)])
			return context.Cause(running)
		})
	}
	group.Go(func() error { return watch(running, c, epoch, win, recorders) })
	if err := group.Wait(); err != nil {
		return Result{}, err
	}
	result.Window = c.Measure
	result.Ops, result.Series, err = merge(recorders)
	if err != nil || !pace.open() {
		return result, err
	}
	result.OpenLoop, err = pace.report(recorders)
	return result, err
}

// work is one worker: it sends until the pacer ends or ctx does.
func work(ctx context.Context, s *sender, ops *workload.Stream, pace pacer, r *recorder) {
	var free time.Duration
	for ctx.Err() == nil {
		due, ok := pace.next(ctx)
		if !ok {
			return
		}
		events := s.call(ctx, ops.Next())
		for _, e := range events {
			e.due, e.free = due, free
			r.record(e)
		}
		free = events[0].ended
	}
}

// watch calls the hooks at their times.
func watch(ctx context.Context, c Config, epoch time.Time, win window, recorders []*recorder) error {
	live := time.NewTicker(liveEvery)
	defer live.Stop()
	until := func(at time.Duration) error {
		edge := time.NewTimer(at - time.Since(epoch))
		defer edge.Stop()
		for {
			select {
			case <-edge.C:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-live.C:
				if c.Live != nil {
					c.Live(completed(recorders))
				}
			}
		}
	}
	if err := until(win.from); err != nil {
		return err
	}
	if err := c.Opened(); err != nil {
		return fmt.Errorf("at the start of the measured window: %w", err)
	}
	if err := until(win.to); err != nil {
		return err
	}
	if err := c.Closed(); err != nil {
		return fmt.Errorf("at the end of the measured window: %w", err)
	}
	return nil
}

func completed(recorders []*recorder) (n int64) {
	for _, r := range recorders {
		n += r.completed.Load()
	}
	return n
}
