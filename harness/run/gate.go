package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"metastorebench/harness/ceiling"
	"metastorebench/harness/gate"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	"metastorebench/harness/trial"
)

// Errors of Gate, wrapped with the arm and the reason.
var (
	// ErrGatePlan says that a plan cannot be gated.
	ErrGatePlan = errors.New("plan cannot be gated")
	// ErrArm says that the store of an arm cannot be driven as the plan asks.
	ErrArm = errors.New("store cannot be driven")
	// ErrBudget says that a budget cannot hold one block.
	ErrBudget = errors.New("budget is too small")
)

// GateOptions say how to compare two revisions.
type GateOptions struct {
	// Options are those of any run. Metastore, Only, Resume and External are not
	// looked at: each arm has its own store, and a gate is not resumed.
	Options
	// Arms are the builds: base and placebo (unless Baseline is set), head, again, and
	// the planted ones of the rules, whose faults Gate sizes.
	Arms []GateArm
	// Rules is the text of the rules; see package gate.
	Rules string
	// SteadyOnly leaves out what cannot be controlled: times.
	SteadyOnly bool
	// Accepted are the losses that are not to fail.
	Accepted []record.Accepted
	// Changes are what head has and base has not, to find culprits in.
	Changes []record.Change
	// Baseline, if not nil, stands in for arm base. Gate returns gate.ErrBaseline if
	// it does not fit.
	Baseline *record.Run
	// Power plants the faults of the rules' power study.
	Power bool
	// Budget bounds the time since Began, builds included: no block is begun that would
	// end behind it, and if not even one fits Gate returns ErrBudget. 0 means no bound.
	Budget time.Duration
	Began  time.Time
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Command is the argv for the manifest.
	Command []string
	// Counters lists what a store shows; nil means trial.Counters.
	Counters func(context.Context, trial.Spec) ([]string, error)
}

// GateArm is a build that exists.
type GateArm struct {
	record.Arm
	Binary string // path of the store
}

// Gate runs the plan's loads on all arms, in interleaved blocks, until package gate
// has decided everything, the planned blocks have run, or the budget is used up.
// Its result is in the run's directory, for gate.Judge to read. When ctx ends the
// error wraps ErrInterrupted; ErrGatePlan, ErrArm, ErrBudget, gate.ErrPlant and
// gate.ErrRules say that the comparison cannot be made.
func Gate(ctx context.Context, o GateOptions) (dir string, err error) {
	g, err := prepareGate(ctx, o)
	if err != nil {
		return "", err
	}
	if g.session, err = g.open(ctx); err != nil {
		return "", err
	}
	g.progress = newProgress(g.Options, g.matrix, g.session, nil)
	noteFilesystem(g.progress, g.session)
	if o.Baseline != nil {
		err = gate.CheckBaseline(*o.Baseline, g.manifest)
	}
	if err == nil {
		err = g.compareCounters(ctx)
	}
	if err == nil && len(g.manifest.Gate.Unaccepted()) == 0 {
		err = g.runAll(ctx)
	}
	g.progress.finish()
	if err == nil {
		err = g.finish()
	}
	return g.dir, errors.Join(err, g.close())
}

// gateRun is a gate under way.
type gateRun struct {
	*job
	*session
	rules    gate.Rules // narrowed to the plan's loads
	arms     []GateArm
	loads    []plan.Entry   // without arms
	cells    map[string]int // index into the matrix, by cell
	opts     GateOptions
	study    *gate.Study
	progress progress
	order    int
	wrong    bool                     // head failed a check, which decides the run
	took     map[string]time.Duration // a trial of head, by load
}

// GatePlants returns the faults that the rules plant for the loads of the plan,
// with head's store to check the plan against. Errors are those of Gate.
func GatePlants(ctx context.Context, head string, o GateOptions) ([]gate.Plant, error) {
	g, err := planGate(ctx, head, o)
	if err != nil {
		return nil, err
	}
	return g.rules.Plants, gate.CheckPlants(g.rules.Plants)
}

// planGate reads the plan and the rules.
func planGate(ctx context.Context, head string, o GateOptions) (*gateRun, error) {
	j := &job{Options: o.Options, seed: DefaultSeed, argv: o.Command}
	j.Level = cmp.Or(j.Level, "default")
	j.Metastore = head
	if o.Seed != nil {
		j.seed = *o.Seed
	}
	if err := j.readStore(ctx); err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	p, err := j.loadPlan()
	if err != nil {
		return nil, err
	}
	if j.matrix, err = p.Expand(j.Level); err != nil {
		return nil, err
	}
	if err := j.needStore(); err != nil {
		return nil, err
	}
	g := &gateRun{job: j, arms: slices.Clone(o.Arms), opts: o, cells: make(map[string]int), took: make(map[string]time.Duration)}
	if g.opts.Counters == nil {
		g.opts.Counters = trial.Counters
	}
	if g.opts.Now == nil {
		g.opts.Now = time.Now
	}
	if g.opts.Began.IsZero() {
		g.opts.Began = g.opts.Now()
	}
	if g.rules, err = gate.ParseRules([]byte(o.Rules)); err != nil {
		return nil, err
	}
	if o.Power {
		g.rules = g.rules.ForPower()
	}
	return g, g.findLoads(o.SteadyOnly)
}

// prepareGate checks everything that can be checked before the first trial.
func prepareGate(ctx context.Context, o GateOptions) (*gateRun, error) {
	i := slices.IndexFunc(o.Arms, func(a GateArm) bool { return a.Name == record.ArmHead })
	if i < 0 {
		return nil, fmt.Errorf("%w: no arm %s was given", ErrArm, record.ArmHead)
	}
	g, err := planGate(ctx, o.Arms[i].Binary, o)
	if err != nil {
		return nil, err
	}
	g.gate = &record.Gate{Rule: gate.Rule, Rules: o.Rules, SteadyOnly: o.SteadyOnly, Power: o.Power, Accepted: o.Accepted, Changes: o.Changes}
	if err := g.crossArms(ctx); err != nil {
		return nil, err
	}
	if o.Power { // not every run has every fault
		g.rules = g.rules.Planted(g.gate.Arms)
	}
	if o.Baseline != nil {
		g.gate.Baseline = o.Baseline.Dir
	}
	g.useDefaults()
	survey := g.Survey
	g.Survey = func(ctx context.Context, o ceiling.Options) (*record.Ceilings, error) {
		var err error // the machine is described, not studied
		if o.Effort, err = ceiling.EffortOf("smoke"); err != nil {
			return nil, err
		}
		return survey(ctx, o)
	}
	return g, nil
}

// findLoads takes the plan's cells for loads, and narrows the rules to them. A load
// is one cell on our store, so that a gate of it means one thing.
func (g *gateRun) findLoads(steadyOnly bool) (err error) {
	var names []string
	for _, e := range g.matrix.Entries {
		if e.Cell.Target != plan.TargetStore {
			return fmt.Errorf("%w: cell %s has target %s; accepted: %s", ErrGatePlan, e.Cell.ID, e.Cell.Target, plan.TargetStore)
		}
		if slices.Contains(names, e.Cell.Workload) {
			return fmt.Errorf("%w: workload %s is in more than one cell; accepted: one cell of each workload", ErrGatePlan, e.Cell.Workload)
		}
		names = append(names, e.Cell.Workload)
	}
	if g.rules, err = g.rules.Narrow(names, steadyOnly); err != nil {
		return err
	}
	for _, e := range g.matrix.Entries {
		if slices.ContainsFunc(g.rules.Gates, func(r gate.Gate) bool { return r.Load == e.Cell.Workload }) {
			g.loads = append(g.loads, e)
		}
	}
	return nil
}

// crossArms makes the matrix of every load on every arm.
func (g *gateRun) crossArms(ctx context.Context) error {
	head := g.catalog
	var entries []plan.Entry
	for _, a := range g.arms {
		catalog, err := ReadVariants(ctx, a.Binary)
		if err != nil {
			return fmt.Errorf("arm %s: %w", a.Name, err)
		}
		for _, e := range g.loads {
			options, dropped, err := fitOptions(e.Cell.Options, head, catalog)
			if err != nil {
				return fmt.Errorf("arm %s, load %s: %w: %w", a.Name, e.Cell.Workload, ErrArm, err)
			}
			for _, axis := range dropped {
				if !slices.Contains(a.Dropped, axis) {
					a.Dropped = append(a.Dropped, axis)
				}
			}
			options[record.OptionArm] = a.Name
			if strings.HasPrefix(a.Name, record.ArmPlanted) { // a fault that is planted to cost may be one that contention finds
				options[record.OptionContend] = record.ContendOff
			}
			e.Cell.ID += gate.ArmSuffix(a.Name)
			e.Cell.Options = options
			g.cells[e.Cell.ID] = len(entries)
			entries = append(entries, e)
		}
		g.gate.Arms = append(g.gate.Arms, a.Arm)
	}
	m := *g.matrix
	m.Entries = entries
	g.matrix = &m
	return nil
}

// fitOptions returns the options that a store can be given. An axis that it does
// not know is dropped if the plan asks for the axis's baseline, which is what the
// store did before the axis was made. Anything else could not be made the same on
// both sides.
func fitOptions(options map[string]string, head, store plan.Catalog) (fit map[string]string, dropped []string, err error) {
	fit = maps.Clone(options)
	known, baseline := store.Baseline(), head.Baseline()
	for _, axis := range slices.Sorted(maps.Keys(options)) {
		if _, of := baseline[axis]; !of {
			continue // of the client, or of every store
		}
		if _, ok := known[axis]; ok {
			continue
		}
		if options[axis] != baseline[axis] {
			return nil, nil, fmt.Errorf("its store has no axis %s, and the plan asks for %s; accepted: %s, which is what a store without the axis does", axis, options[axis], baseline[axis])
		}
		delete(fit, axis)
		dropped = append(dropped, axis)
	}
	if err := store.Check(fit); err != nil {
		return nil, nil, err
	}
	return fit, dropped, nil
}
