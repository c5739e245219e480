package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"metastorebench/harness/capacity"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	"metastorebench/harness/trial"
)

// CapacityOptions say how to carry out a capacity study.
type CapacityOptions struct {
	// Options are those of any run. Plan, Only, Seed, Noop and External are not
	// looked at: the study decides.
	Options
	// Spec is the study, nil with Resume: the manifest has it.
	Spec *capacity.Spec
}

// CapacityResult is what a capacity study came to.
type CapacityResult struct {
	Result
	Study *capacity.Study
}

// Capacity carries out a capacity study, or completes one: it runs the trials
// that package capacity asks for. The run's directory is like any other's, with
// the Spec for a plan; cells are added as the study asks for them. Errors are
// those of Run, ErrVoid for trials with wrong answers alone, and
// capacity.ErrNothingMeets once everything else has run.
func Capacity(ctx context.Context, o CapacityOptions) (CapacityResult, error) {
	j, study, err := prepareCapacity(ctx, o)
	if err != nil {
		return CapacityResult{}, err
	}
	s, err := j.open(ctx)
	if err != nil {
		return CapacityResult{}, err
	}
	c := &capacityRun{job: j, session: s, study: study}
	for i := range s.trials {
		if err := study.Tell(&s.trials[i]); err != nil {
			return CapacityResult{}, errors.Join(fmt.Errorf("%w %s: %w", ErrResume, s.dir, err), s.close())
		}
	}
	c.progress = newProgress(j.Options, c.matrix, s, nil)
	noteFilesystem(c.progress, s)
	err = c.runAll(ctx)
	c.progress.finish()
	if err == nil {
		err = errors.Join(s.finish(), study.Err())
	}
	left, _ := study.Left()
	res := CapacityResult{Study: study, Result: s.result(len(s.trials)+left, wrong(s.trials))}
	return res, errors.Join(err, s.close(), j.judge(res.Result))
}

// prepareCapacity checks everything that can be checked before the first trial.
func prepareCapacity(ctx context.Context, o CapacityOptions) (*job, *capacity.Study, error) {
	j := &job{Options: o.Options, argv: o.Command, resumeWith: "metabench capacity --resume"}
	spec := o.Spec
	if o.Resume != "" {
		m, err := record.ReadManifest(o.Resume)
		if err != nil {
			return nil, nil, fmt.Errorf("%w %s: %w", ErrResume, o.Resume, err)
		}
		if m.Plan != capacity.PlanName {
			return nil, nil, fmt.Errorf("%w %s: it holds a run of plan %s; continue it with `metabench run --resume`", ErrResume, o.Resume, m.Plan)
		}
		read, err := capacity.DecodeSpec([]byte(m.PlanYAML))
		if err != nil {
			return nil, nil, fmt.Errorf("%w %s: %w", ErrResume, o.Resume, err)
		}
		j.resumed, j.Level, spec = &m, m.Level, &read
		j.Reference = o.Reference || m.Reference
	}
	if err := j.readStore(ctx); err != nil {
		return nil, nil, err
	}
	study, err := capacity.NewStudy(*spec)
	if err != nil {
		return nil, nil, err
	}
	if err := j.planCapacity(study); err != nil {
		return nil, nil, err
	}
	if err := j.needStore(); err != nil {
		return nil, nil, err
	}
	for _, v := range spec.Variants {
		if err := j.catalog.Check(v.Options); err != nil {
			return nil, nil, fmt.Errorf("variant %s: %w", v.Name, err)
		}
	}
	j.useDefaults()
	return j, study, nil
}

// planCapacity stands the study in for a plan. The matrix begins with the cells
// of the first round.
func (j *job) planCapacity(study *capacity.Study) error {
	text, err := study.Spec.Encode()
	if err != nil {
		return err
	}
	j.seed = study.Spec.Seed
	j.matrix = &plan.Matrix{Plan: &plan.Plan{Name: capacity.PlanName, Text: text}, Level: j.Level, Blocks: study.Spec.Blocks}
	for i := range study.Spec.Variants {
		j.matrix.Entries = append(j.matrix.Entries, capacityEntry(study.Spec, capacity.Ask{Variant: i, Rate: study.Spec.StartRate}))
	}
	return nil
}

func capacityEntry(s capacity.Spec, a capacity.Ask) plan.Entry {
	return plan.Entry{Cell: s.Cell(a), Workload: s.WorkloadAt(a), Warmup: s.Warmup, Measure: s.Window(a)}
}

// capacityRun is a study under way.
type capacityRun struct {
	*job
	*session
	study    *capacity.Study
	progress progress
	failures int // trials in a row that were not made
}

// maxFailures is how many trials in a row may not be made before the study gives up.
const maxFailures = 3

// runAll runs trials until the study asks for no more.
func (c *capacityRun) runAll(ctx context.Context) error {
	for {
		a, ok := c.study.Next()
		if !ok {
			return nil
		}
		slot, err := c.prepare(a)
		if err != nil {
			return err
		}
		c.progress.trialStarts(slot)
		started := time.Now().UTC()
		t, err := c.Trial(ctx, c.spec(c.session, slot, c.progress))
		switch {
		case ctx.Err() != nil:
			left, _ := c.study.Left()
			return fmt.Errorf("%w with about %d trials left; continue with: %s %s", ErrInterrupted, left, c.resumeWith, c.dir)
		case errors.Is(err, trial.ErrUnavailable):
			return err
		case err != nil:
			t = failed(c.matrix.Entries[slot.Entry], slot, started, err)
		}
		if err := c.keep(t); err != nil {
			return err
		}
		if t.Retry {
			c.progress.trialEnds(t)
			if c.failures++; c.failures == maxFailures {
				return fmt.Errorf("%w, %d times in a row: %s; continue with: %s %s", ErrNoTrial, maxFailures, t.Void, c.resumeWith, c.dir)
			}
			continue // asked for again
		}
		c.failures = 0
		before := c.study.Outcomes()[a.Variant]
		if err := c.study.Tell(&t); err != nil {
			return err
		}
		c.progress.trialEnds(t)
		c.tellOutcome(before, c.study.Outcomes()[a.Variant])
	}
}

// prepare makes sure that the ask's cell is in the matrix and in the manifest,
// and tells the progress what is to come.
func (c *capacityRun) prepare(a capacity.Ask) (plan.Slot, error) {
	e := capacityEntry(c.study.Spec, a)
	i := slices.IndexFunc(c.matrix.Entries, func(have plan.Entry) bool { return have.Cell.ID == e.Cell.ID })
	if i < 0 {
		i = len(c.matrix.Entries)
		m := *c.matrix // the progress may be reading the old one
		m.Entries = append(slices.Clip(m.Entries), e)
		c.matrix = &m
	}
	if !slices.ContainsFunc(c.manifest.Cells, func(have record.Cell) bool { return have.ID == e.Cell.ID }) {
		c.manifest.Cells = append(c.manifest.Cells, e.Cell)
		if err := record.WriteManifest(c.dir, c.manifest); err != nil {
			return plan.Slot{}, err
		}
	}
	trials, planned := c.study.Left()
	c.progress.revise(c.matrix, trials, planned+time.Duration(trials)*plan.TrialOverhead)
	return plan.Slot{Entry: i, Block: a.Block, Order: a.Order, Seed: c.study.Spec.TrialSeed(a)}, nil
}

// tellOutcome notes what a variant's search has come to when that has changed.
func (c *capacityRun) tellOutcome(before, after capacity.Outcome) {
	if after.Done && !before.Done {
		c.progress.note(fmt.Sprintf("capacity of %s: %v, after %d trials", after.Variant, after, after.Trials))
	}
}

// wrong are the trials with wrong answers. Others that are void have no such
// meaning here: a store that is driven beyond its capacity leaves them.
func wrong(trials []record.Trial) []record.Trial {
	return slices.DeleteFunc(slices.Clone(trials), func(t record.Trial) bool { return capacity.Wrong(&t) == "" })
}
