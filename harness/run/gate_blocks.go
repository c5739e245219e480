package run

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"metastorebench/harness/gate"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	"metastorebench/harness/trial"
)

// compareCounters notes the counters that base shows and head does not. Without a
// trailer for each there is nothing to run: head has failed.
func (g *gateRun) compareCounters(ctx context.Context) error {
	shown := make(map[string][]string)
	for _, a := range g.arms {
		if a.Name != record.ArmBase && a.Name != record.ArmHead {
			continue
		}
		var err error
		spec := g.armSpec(g.loads[0], a, g.slot(g.loads[0], a, 0))
		if shown[a.Name], err = g.opts.Counters(ctx, spec); err != nil {
			return g.armError(ctx, a, g.loads[0], err)
		}
	}
	g.gate.Lost = slices.DeleteFunc(shown[record.ArmBase], func(name string) bool { return slices.Contains(shown[record.ArmHead], name) })
	return record.WriteManifest(g.dir, g.manifest)
}

// pilot runs each load once on head, to learn how long a trial takes and how large
// the faults have to be. Its trials are in no block and not recorded; one that is
// void is told again by the blocks.
func (g *gateRun) pilot(ctx context.Context) error {
	head := *g.arm(record.ArmHead)
	for _, load := range g.loads {
		began := g.opts.Now()
		t, err := g.Trial(ctx, g.armSpec(load, head, g.slot(load, head, 0)))
		if err != nil {
			return g.armError(ctx, head, load, err)
		}
		g.took[load.Cell.Workload] = g.opts.Now().Sub(began)
		for _, p := range g.rules.Plants {
			if p.Load != load.Cell.Workload {
				continue
			}
			arm := g.arm(record.ArmPlanted + p.Name)
			if arm == nil {
				return fmt.Errorf("%w: no arm %s%s was given", ErrArm, record.ArmPlanted, p.Name)
			}
			arm.Plant, arm.Fault = g.rules.Size(p, gate.Pilot{Trial: &t, CPUs: g.manifest.Env.CPUs})
			*g.gate.Arm(arm.Name) = arm.Arm
		}
	}
	return record.WriteManifest(g.dir, g.manifest)
}

func (g *gateRun) arm(name string) *GateArm {
	i := slices.IndexFunc(g.arms, func(a GateArm) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return &g.arms[i]
}

// runAll runs blocks until there is nothing left to decide.
func (g *gateRun) runAll(ctx context.Context) error {
	g.study = gate.NewStudy(g.rules, g.matrix.Blocks, len(g.gate.Lost) > 0)
	if g.opts.Baseline != nil {
		g.study.TellBaseline(g.opts.Baseline)
	}
	if err := g.pilot(ctx); err != nil {
		return err
	}
	for block := range g.matrix.Blocks {
		if !g.foresee(block) {
			return nil
		}
		if g.wrong {
			g.gate.Stopped = fmt.Sprintf("head failed a check in block %d", block-1)
			return nil
		}
		if gone, next := g.opts.Now().Sub(g.opts.Began), g.blockTime(); g.opts.Budget > 0 && gone+next > g.opts.Budget {
			if block == 0 {
				first := g.rules.FirstLook(g.matrix.Blocks)
				return fmt.Errorf("%w: %v; builds and a trial of each load took %v, a block takes %v; accepted: %v or more, and about %v for the first verdicts, after %d blocks",
					ErrBudget, g.opts.Budget, seconds(gone), seconds(next), seconds(gone+next), seconds(gone+time.Duration(first)*next), first)
			}
			g.gate.Stopped = fmt.Sprintf("the budget of %v was used up after %d of %d blocks, of which the next takes %v", g.opts.Budget, block, g.matrix.Blocks, seconds(next))
			return nil
		}
		rng := rand.New(rand.NewPCG(g.seed, uint64(block)))
		for _, i := range rng.Perm(len(g.loads)) {
			if err := g.runLoad(ctx, g.loads[i], block, rng); err != nil {
				return err
			}
		}
	}
	return nil
}

// seconds rounds up, so that what is accepted is enough.
func seconds(d time.Duration) time.Duration { return d.Truncate(time.Second) + time.Second }

// blockTime is how long the next block takes, by how long the pilot's trials took.
func (g *gateRun) blockTime() (sum time.Duration) {
	for _, e := range g.loads {
		sum += time.Duration(len(g.needed(e))) * g.took[e.Cell.Workload]
	}
	return sum
}

// foresee tells the progress what may be left at most, and reports whether
// anything is.
func (g *gateRun) foresee(block int) bool {
	var trials int
	var planned time.Duration
	for _, e := range g.loads {
		n := len(g.needed(e)) * (g.matrix.Blocks - block)
		trials += n
		planned += time.Duration(n) * e.TrialTime()
	}
	g.progress.revise(g.matrix, trials, planned)
	return trials > 0
}

// needed are the arms on which a load is still to be run.
func (g *gateRun) needed(e plan.Entry) []GateArm {
	return slices.DeleteFunc(slices.Clone(g.arms), func(a GateArm) bool { return !g.study.Needs(e.Cell.Workload, a.Name) })
}

// runLoad runs one load's block: the arms that need it, one after another in a
// random order, so that what is compared is close together.
func (g *gateRun) runLoad(ctx context.Context, load plan.Entry, block int, rng *rand.Rand) error {
	arms := g.needed(load)
	if len(arms) == 0 {
		return nil
	}
	for _, i := range rng.Perm(len(arms)) {
		if err := g.runTrial(ctx, load, arms[i], block); err != nil {
			return err
		}
	}
	g.study.EndBlock(load.Cell.Workload)
	return nil
}

func (g *gateRun) runTrial(ctx context.Context, load plan.Entry, arm GateArm, block int) error {
	slot := g.slot(load, arm, block)
	g.order++
	g.progress.trialStarts(slot)
	started := time.Now().UTC()
	t, err := g.Trial(ctx, g.armSpec(load, arm, slot))
	switch {
	case errors.Is(err, trial.ErrUnavailable), err != nil && (ctx.Err() != nil || block == 0):
		return g.armError(ctx, arm, load, err)
	case err != nil:
		t = failed(g.matrix.Entries[slot.Entry], slot, started, err)
	}
	if err := g.keep(t); err != nil {
		return err
	}
	if block == 0 && t.Void != "" && arm.Name == record.ArmBase {
		return fmt.Errorf("arm %s, load %s: %w: %s", arm.Name, load.Cell.Workload, ErrArm, t.Void)
	}
	g.wrong = g.wrong || gate.WrongAnswer(t, arm.Name)
	g.study.Tell(&t, arm.Name)
	g.progress.trialEnds(t)
	return nil
}

// slot is the next trial's place.
func (g *gateRun) slot(load plan.Entry, arm GateArm, block int) plan.Slot {
	return plan.Slot{
		Entry: g.cells[load.Cell.ID+gate.ArmSuffix(arm.Name)], Block: block, Order: g.order,
		Seed: plan.TrialSeed(g.seed, block, load.Cell.Workload),
	}
}

// armSpec is a trial's spec on an arm. Base may be from before a counter was made;
// head and its planted builds may lack only what a commit accepts.
func (g *gateRun) armSpec(load plan.Entry, arm GateArm, slot plan.Slot) trial.Spec {
	spec := g.spec(g.session, slot, g.progress)
	spec.Metastore, spec.Plant = arm.Binary, arm.Plant
	spec.Older = arm.Name == record.ArmBase || arm.Name == record.ArmPlacebo || len(g.gate.Lost) > 0
	return spec
}

// armError says that an arm could not be driven, or that the run was interrupted.
func (g *gateRun) armError(ctx context.Context, arm GateArm, load plan.Entry, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: a gate is not resumed; its stores and worktrees have been removed", ErrInterrupted)
	}
	return fmt.Errorf("arm %s, load %s: %w: %w", arm.Name, load.Cell.Workload, ErrArm, err)
}
