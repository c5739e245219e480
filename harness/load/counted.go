package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"metastorebench/harness/workload"
)

// ErrUnfinished says that the operations of a window took longer than Measure.
var ErrUnfinished = errors.New("load: the operations took longer than the window may")

// countedLoop sends so many calls, each as soon as the previous one has been
// answered.
type countedLoop struct {
	epoch time.Time
	left  int
}

var _ pacer = (*countedLoop)(nil)

func (c *countedLoop) next(context.Context) (time.Duration, bool) {
	c.left--
	return time.Since(c.epoch), c.left >= 0
}

// counted is a run whose window is a number of operations.
type counted struct {
	Config
	epoch   time.Time
	senders []*sender
	streams []*workload.Stream
}

// runCounted is Run for a workload with Operations.
func runCounted(ctx context.Context, c Config) (Result, error) {
	r := &counted{Config: c, epoch: time.Now()}
	for i := range c.Workload.Clients {
		r.senders = append(r.senders, newSender(i, c, r.epoch))
		r.streams = append(r.streams, c.Workload.Stream(i))
	}
	warm := r.recorders(window{from: c.Warmup, to: c.Warmup})
	err := r.phase(ctx, warm, func() pacer { return closedLoop{epoch: r.epoch, until: c.Warmup} })
	if err != nil {
		return Result{}, err
	}
	if err := c.Opened(); err != nil {
		return Result{}, fmt.Errorf("at the start of the measured window: %w", err)
	}
	from := time.Since(r.epoch)
	measured := r.recorders(window{from: from, to: from + c.Measure})
	calls := c.Workload.Operations / c.Workload.Clients / max(1, c.Workload.BatchOps)
	err = r.phase(ctx, measured, func() pacer { return &countedLoop{epoch: r.epoch, left: calls} })
	took := time.Since(r.epoch) - from
	switch {
	case err != nil:
		return Result{}, err
	case took > c.Measure:
		return Result{}, fmt.Errorf("%w: %d operations took %v, the window may take %v", ErrUnfinished, c.Workload.Operations, took.Round(time.Millisecond), c.Measure)
	}
	if err := c.Closed(); err != nil {
		return Result{}, fmt.Errorf("at the end of the measured window: %w", err)
	}
	ops, series, err := merge(measured)
	steps := int((took + SeriesStep - 1) / SeriesStep)
	return Result{Ops: ops, Series: series[:min(steps, len(series))], Window: took}, err
}

// recorders returns one for each worker.
func (r *counted) recorders(w window) []*recorder {
	all := make([]*recorder, len(r.senders))
	for i := range all {
		all[i] = newRecorder(w, false)
	}
	return all
}

// phase has every worker send what its pacer allows, and returns when all have
// been answered. Workers that take much longer than they may are cut off.
func (r *counted) phase(ctx context.Context, recorders []*recorder, pace func() pacer) error {
	group, running := errgroup.WithContext(ctx)
	calls, cancel := context.WithCancel(running)
	defer cancel()
	// Not a deadline on the context, for the reason in Run.
	defer time.AfterFunc(max(r.Warmup, r.Measure)+r.Grace, cancel).Stop()
	for i, s := range r.senders {
		p := pace()
		group.Go(func() error {
			work(calls, s, r.streams[i], p, recorders[i])
			return context.Cause(running)
		})
	}
	var live sync.WaitGroup
	done := make(chan struct{})
	if r.Live != nil {
		live.Go(func() { r.tellLive(done, recorders) })
	}
	err := group.Wait()
	close(done)
	live.Wait()
	return err
}

// tellLive calls Live until done is closed.
func (r *counted) tellLive(done <-chan struct{}, recorders []*recorder) {
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.Live(completed(recorders))
		case <-done:
			return
		}
	}
}
