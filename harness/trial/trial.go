package trial

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"metastorebench/harness/check"
	"metastorebench/harness/load"
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// Run runs one trial. A trial that ran but must not be used has Void set and a
// nil error. An error means that nothing usable was learned: the spec is wrong,
// the target did not start (ErrStart) or lacks what was asked for
// (ErrUnavailable), or ctx ended. Trials must not run at the same time: they
// share the machine and this process's CPU time.
func Run(ctx context.Context, s Spec) (record.Trial, error) {
	if err := s.validate(); err != nil {
		return record.Trial{}, err
	}
	w, err := workload.New(s.Workload, s.Seed)
	if err != nil {
		return record.Trial{}, err
	}
	started := time.Now().UTC()
	target, err := start(ctx, s)
	if err != nil {
		return record.Trial{}, err
	}
	t := &trial{Spec: s, work: w, target: target, model: check.NewModel(w)}
	if target.line.Options[record.OptionConsistency] == record.ConsistencyStale {
		t.model.AllowStale()
	}
	t.meter.target = target
	t.record = record.Trial{
		Schema: record.Schema, Cell: s.Cell.ID, Block: s.Block, Order: s.Order, Seed: s.Seed,
		Started: started, WarmupNS: s.Warmup.Nanoseconds(), MeasureNS: s.Measure.Nanoseconds(),
		Effective: target.line.Options, Durability: target.line.Durability, Workload: s.Workload,
		SeriesStepNS: load.SeriesStep.Nanoseconds(),
	}
	defer func() { _ = target.discard() }() // also on a panic; reported below otherwise
	err = t.run(ctx)
	if discarded := target.discard(); discarded != nil {
		err = errors.Join(err, fmt.Errorf("clean up after the trial: %w", discarded))
	}
	if err != nil && (ctx.Err() != nil || errors.Is(err, ErrNotEmpty)) {
		return record.Trial{}, err
	}
	t.conclude(err)
	return t.record, nil
}

// trial is one trial under way.
type trial struct {
	Spec
	work   *workload.Workload
	target *target
	model  *check.Model
	meter  meter
	record record.Trial
	first  int64 // the store's revision before the first write
}

// run goes through the phases. An error ends the trial and voids it.
func (t *trial) run(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	stopWatch := t.target.watch(cancel)
	err := t.phases(ctx)
	err = errors.Join(err, t.tidy(ctx))
	if err != nil {
		t.target.settle(ctx)
	}
	stopWatch()
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx) // that the store ended says more than what it did to a call
	}
	if err != nil {
		return err
	}
	return t.stop()
}

func (t *trial) phases(ctx context.Context) error {
	if err := t.prepare(ctx); err != nil {
		return err
	}
	runtime.GC() // every window begins with a clean heap of the client
	c := t.load()
	c.Warmup, c.Measure, c.Grace = t.Warmup, t.Measure, grace
	c.Opened = func() error { return t.meter.open(ctx) }
	c.Closed = func() error { return t.meter.close(ctx) }
	c.Live = t.Live
	result, err := load.Run(ctx, c)
	if err != nil {
		return err
	}
	t.record.Ops, t.record.ThroughputSeries, t.record.OpenLoop = result.Ops, result.Series, result.OpenLoop
	t.record.MeasureNS = result.Window.Nanoseconds()
	t.meter.report(&t.record)
	if err := t.addStages(t.meter.opened.counters, t.meter.closed.counters); err != nil {
		return err
	}
	if err := t.contend(ctx); err != nil {
		return err
	}
	return t.verify(ctx)
}

// load is what the preload, the run and the contention have in common.
func (t *trial) load() load.Config {
	c := load.Config{Workload: t.work, Client: t.target.pool.Handle, Batch: t.target.batch, Model: t.model}
	c.Swap = func(int) load.Swapper { return t.target.admin.Swapper() }
	if t.target.kind == targetMetastore { // whatever API the workload uses
		c.PreloadBatch = func(i int) load.Batcher { return t.target.admin.Batch(i) }
	}
	return c
}

// prepare makes sure that the store is empty, and fills it.
func (t *trial) prepare(ctx context.Context) (err error) {
	if t.target.kind == targetNoop {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, preloadTimeout(t.work.PreloadKeys))
	defer cancel()
	if t.first, err = t.target.empty(ctx, t.work); err != nil {
		return fmt.Errorf("look at the empty store: %w", err)
	}
	if t.work.PreloadKeys == 0 {
		return nil
	}
	began := time.Now()
	if err := load.Preload(ctx, t.load()); err != nil {
		return err
	}
	t.record.Preload = &record.Preload{DurationNS: time.Since(began).Nanoseconds()}
	if countersOf[t.target.kind] != nil {
		c, err := t.target.scrape(ctx)
		t.record.Preload.Mechanism = c.since(counters{})
		return err
	}
	return nil
}

// stop ends the store; not ending well is a failed check.
func (t *trial) stop() error {
	if err := t.target.disconnect(); err != nil {
		return err
	}
	if len(t.target.procs) == 0 {
		return nil
	}
	c := record.Check{Name: "stop", OK: true, Detail: "ended with status 0 when asked to"}
	if err := t.target.stop(); err != nil {
		c.OK, c.Detail = false, err.Error()
	}
	t.record.Checks = append(t.record.Checks, c)
	return nil
}

// conclude says why the trial must not be used, if so.
func (t *trial) conclude(err error) {
	var reasons []string
	fault, faultErr := t.record.OpenLoopFault()
	if err = errors.Join(err, faultErr); err != nil {
		reasons = append(reasons, err.Error())
	}
	for _, c := range t.record.Checks {
		if c.Failed() {
			reasons = append(reasons, fmt.Sprintf("check %s failed: %s", c.Name, c.Detail))
		}
	}
	if fault != "" {
		reasons = append(reasons, fault)
	}
	t.record.Void = strings.Join(reasons, "; ")
}
