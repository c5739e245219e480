package run

import (
	"context"
	"errors"
	"fmt"
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
	if err := j.needStore(); err != nil {
		return Result{}, err
	}
	j.useDefaults()
	s, err := j.open(ctx)
	if err != nil {
		return Result{}, err
	}
	todo, err := s.missing(j.matrix, j.seed)
	if err != nil {
		return Result{}, errors.Join(err, s.close())
	}
	planned := len(s.trials) + len(todo)
	p := newProgress(o, j.matrix, s, todo)
	noteFilesystem(p, s)
	err = j.runAll(ctx, s, todo, p)
	p.finish()
	if err == nil {
		err = s.finish()
	}
	err = errors.Join(err, s.close())
	res := Result{Dir: s.dir, Trials: len(s.trials), Planned: planned, Voids: voids(s.trials), Unchecked: record.Unchecked(s.trials), Skipped: s.manifest.Skipped}
	if err == nil && len(res.Voids) > 0 {
		err = voidError(res)
	}
	return res, err
}

// useDefaults fills in what tests replace.
func (j *job) useDefaults() {
	if j.Trial == nil {
		j.Trial = trial.Run
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
func (s *session) missing(m *plan.Matrix, seed uint64) ([]plan.Slot, error) {
	type key struct {
		cell  string
		block int
	}
	done := make(map[key]bool, len(s.trials))
	for _, t := range s.trials {
		k := key{t.Cell, t.Block}
		if done[k] {
			return nil, fmt.Errorf("%w %s: cell %s has two records of block %d", ErrResume, s.dir, t.Cell, t.Block)
		}
		done[k] = true
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
	return todo, nil
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

// failed is the record of a trial from which nothing usable was learned.
func failed(e plan.Entry, slot plan.Slot, started time.Time, err error) record.Trial {
	return record.Trial{
		Cell: e.Cell.ID, Block: slot.Block, Order: slot.Order, Seed: slot.Seed,
		Started: started, Workload: e.Workload, Void: "trial failed: " + err.Error(),
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

// voidError lists the void trials, one per line.
func voidError(res Result) error {
	var b strings.Builder
	for _, t := range res.Voids {
		fmt.Fprintf(&b, "\n  %s block %d: %s", t.Cell, t.Block, t.Void)
	}
	return fmt.Errorf("%d of %d trials in %s must not be used: %w:%s", len(res.Voids), res.Trials, res.Dir, ErrVoid, b.String())
}
