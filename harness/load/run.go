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

const (
	// liveEvery is how often Config.Live is called.
	liveEvery = 250 * time.Millisecond
	// preloadWorkers fill the store before the run: enough for a store that
	// batches, few enough for one that does not.
	preloadWorkers = 64
)

// Config says what to run.
type Config struct {
	Workload *workload.Workload
	// Client returns worker i's client, for one goroutine.
	Client func(i int) client.KV
	// Batch does so for batches; it may be nil if the workload's API is not batch.
	Batch  func(i int) Batcher
	Model  *check.Model
	Warmup time.Duration
	// Measure is the length of the window.
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
}

// Run runs the workload. If ctx ends before the run does, the workers stop and
// the context's cause is returned.
func Run(ctx context.Context, c Config) (result Result, err error) {
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

	recorders := make([]*recorder, c.Workload.Clients)
	for i := range recorders {
		recorders[i] = newRecorder(win, pace.open())
		s := newSender(i, c, uint32(i), epoch)
		group.Go(func() error {
			work(calls, s, c.Workload.Stream(i), pace.of[i], recorders[i])
			return context.Cause(running)
		})
	}
	group.Go(func() error { return watch(running, c, epoch, win, recorders) })
	if err := group.Wait(); err != nil {
		return Result{}, err
	}
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

// Preload writes the first PreloadKeys keys, under the eyes of the model, in
// batches if the workload's API is batch. It stops at the first error. Of the
// Config it uses Workload, Client, Batch and Model.
func Preload(ctx context.Context, c Config) error {
	group, running := errgroup.WithContext(ctx)
	epoch := time.Now()
	w := c.Workload
	n := w.Call(workload.Put)
	workers := min(preloadWorkers, (w.PreloadKeys+n-1)/n)
	for i := range workers {
		s := newSender(i, c, w.PreloadWriter(), epoch)
		group.Go(func() error {
			for first := i * n; first < w.PreloadKeys; first += workers * n {
				if err := s.preload(running, first, min(n, w.PreloadKeys-first)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// preload puts n keys from the given index in one call.
func (s *sender) preload(ctx context.Context, first, n int) error {
	ops := make([]workload.Op, n)
	for i := range ops {
		ops[i] = workload.Op{Kind: workload.Put, Key: first + i}
	}
	s.seq = uint64(first) // one writer number, so the key tells writes apart
	for _, e := range s.call(ctx, ops) {
		if e.err != nil {
			return fmt.Errorf("preload key %d of %d: %w", first, s.work.PreloadKeys, e.err)
		}
	}
	return nil
}
