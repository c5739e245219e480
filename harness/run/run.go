package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"metastorebench/harness/ceiling"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	"metastorebench/harness/trial"
)

// Run carries out a plan, or completes a run. When ctx ends, the trial under way
// is stopped and dropped, and the error wraps ErrInterrupted and says how to
// resume. A complete run with trials that must not be used returns its Result
// and an error that wraps ErrVoid and lists them.
func Run(ctx context.Context, o Options) (Result, error) {
	j, err := prepare(ctx, o)
	if err != nil {
		return Result{}, err
	}
	if err := errors.Join(j.needStore(), j.needCells()); err != nil {
		return Result{}, err
	}
	j.useDefaults()
	s, err := j.open(ctx)
	if err != nil {
		return Result{}, err
	}
	todo := s.missing(j.matrix, j.seed)
	planned := len(s.trials) + len(todo)
	p := newProgress(o, j.matrix, s, todo)
	noteFilesystem(p, s)
	if len(todo) > 0 || s.manifest.Finished.IsZero() {
		if err = s.unfinish(); err == nil {
			err = j.runAll(ctx, s, todo, p)
		}
		if err == nil {
			err = s.finish()
		}
	}
	p.finish()
	err = errors.Join(err, s.close())
	res := s.result(planned, voids(s.trials))
	if err == nil {
		err = j.judge(res)
	}
	return res, err
}

// result is what the session came to.
func (s *session) result(planned int, voids []record.Trial) Result {
	return Result{Dir: s.dir, Trials: len(s.trials), Planned: planned, Voids: voids, Unchecked: unchecked(s.trials), Skipped: s.manifest.Skipped}
}

// unchecked says what of the valid trials was not checked, a line each.
func unchecked(trials []record.Trial) []string {
	lines := record.Unchecked(trials)
	for _, t := range trials {
		if t.Void == "" && len(t.Checks) == 0 {
			lines = append(lines, fmt.Sprintf("%s, block %d: no check was made", t.Cell, t.Block))
		}
	}
	return lines
}

// judge fails a run by its trials: the void ones, and of a reference run the unchecked
// ones.
func (j *job) judge(res Result) error {
	var errs []error
	bad := res.Voids
	if j.Level == ceiling.LevelSmoke {
		bad = slices.DeleteFunc(slices.Clone(bad), overloaded)
	}
	if len(bad) > 0 {
		errs = append(errs, voidError(res, bad))
	}
	if j.Reference && len(res.Unchecked) > 0 {
		errs = append(errs, fmt.Errorf("%s is no reference: %w:\n  %s", res.Dir, ErrUnchecked, strings.Join(res.Unchecked, "\n  ")))
	}
	return errors.Join(errs...)
}

// useDefaults fills in what tests replace.
func (j *job) useDefaults() {
	if j.Trial == nil {
		j.Trial = trial.Run
	}
	j.Trial = patient(j.Trial, j.Level)
	if j.Describe == nil {
		j.Describe = record.CaptureEnvironment
	}
	if j.Survey == nil {
		j.Survey = ceiling.Survey
	}
}

// noteFilesystem warns of a data directory that proves nothing.
func noteFilesystem(p progress, s *session) {
	if fs := s.manifest.Env.Filesystem; fs == "tmpfs" || fs == "ramfs" {
		p.note(fmt.Sprintf("warning: the data directory is on %s, where a sync costs nothing; choose a disk with --data-dir", fs))
	}
}

// missing lists the trials of the schedule that have no record yet and whose
// cell can run here.
func (s *session) missing(m *plan.Matrix, seed uint64) []plan.Slot {
	type key struct {
		cell  string
		block int
	}
	done := make(map[key]bool, len(s.trials))
	for _, t := range s.trials {
		done[key{t.Cell, t.Block}] = true
	}
	skipped := make(map[string]bool)
	for _, sk := range s.manifest.Skipped {
		skipped[sk.Cell] = true
	}
	var todo []plan.Slot
	for _, slot := range m.Schedule(seed) {
		cell := m.Entries[slot.Entry].Cell.ID
		if !skipped[cell] && !done[key{cell, slot.Block}] {
			todo = append(todo, slot)
		}
	}
	return todo
}

// runAll runs the slots in order.
func (j *job) runAll(ctx context.Context, s *session, todo []plan.Slot, p progress) error {
	unavailable := make(map[int]bool)
	for i, slot := range todo {
		if unavailable[slot.Entry] {
			p.dropped(slot)
			continue
		}
		entry := j.matrix.Entries[slot.Entry]
		p.trialStarts(slot)
		started := time.Now().UTC()
		t, err := j.Trial(ctx, j.spec(s, slot, p))
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%w with %d of %d trials left; continue with: %s %s",
				ErrInterrupted, len(todo)-i, len(s.trials)+len(todo)-i, j.resumeWith, s.dir)
		case errors.Is(err, trial.ErrUnavailable):
			unavailable[slot.Entry] = true
			if err := s.skip(entry.Cell.ID, err.Error()); err != nil {
				return err
			}
			p.dropped(slot)
			continue
		case err != nil:
			t = failed(entry, slot, started, err)
		}
		if err := s.keep(t); err != nil {
			return err
		}
		p.trialEnds(t)
	}
	return nil
}

func (j *job) spec(s *session, slot plan.Slot, p progress) trial.Spec {
	e := j.matrix.Entries[slot.Entry]
	return trial.Spec{
		Cell: e.Cell, Workload: e.Workload, Seed: slot.Seed, Block: slot.Block, Order: slot.Order,
		Warmup: e.Warmup, Measure: e.Measure,
		Metastore: j.Metastore, Noop: j.Noop, Etcd: j.Etcd, External: j.External, DataRoot: s.dataRoot,
		DialOptions: j.DialOptions, Live: p.live,
	}
}

// failed is the record of a trial that was not made.
func failed(e plan.Entry, slot plan.Slot, started time.Time, err error) record.Trial {
	return record.Trial{
		Cell: e.Cell.ID, Block: slot.Block, Order: slot.Order, Seed: slot.Seed,
		Started: started, Workload: e.Workload, Void: "trial failed: " + err.Error(), Retry: true,
	}
}

func voids(trials []record.Trial) []record.Trial {
	var vs []record.Trial
	for _, t := range trials {
		if t.Void != "" {
			vs = append(vs, t)
		}
	}
	return vs
}

// voidError lists void trials of a run, one per line.
func voidError(res Result, bad []record.Trial) error {
	var b strings.Builder
	again := 0
	for _, t := range bad {
		fmt.Fprintf(&b, "\n  %s block %d: %s", t.Cell, t.Block, t.Void)
		if t.Retry {
			again++
		}
	}
	if again > 0 {
		fmt.Fprintf(&b, "\n%d of them were not made, for want of something that is not the store's; make them with --resume %s", again, res.Dir)
	}
	return fmt.Errorf("%d of %d trials in %s must not be used: %w:%s", len(bad), res.Trials, res.Dir, ErrVoid, b.String())
}
