package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"metastorebench/harness/capacity"
	"metastorebench/harness/plan"
	benchrun "metastorebench/harness/run"
	"metastorebench/harness/workload"
)

const capacityLong = `Find the highest offered rate of puts at which a store meets a latency objective,
and compare variants by their latency at rates that follow from it.

The load is an open loop: operations start at Poisson arrivals, whether or not
earlier ones have been answered, and their response time counts from the intended
start. For each variant the rate is doubled until the objective is missed, then
bisected down to --resolution. The majority of --repeats trials decides a rate;
a trial that could not complete what was offered has missed the objective.
Every trial starts a fresh store on fresh data. Variants take turns.

Then all variants run, in --blocks interleaved blocks, at one common rate (80 % of
the smallest capacity) and at 10 to 110 % of their own.

--slo may be repeated: all objectives must be met. Percentiles need samples, so
trials at low rates take longer than --measure: p99 needs 1,000 operations, p99.9
10,000.

--variant NAME:axis=value,... names a store by what differs from the baseline;
"baseline", and the name of a plan for all of its items, need no more than the name.
Axes are those of "metastore variants".

The result is a run like any other: metabench report DIR, pack DIR, export DIR.`

const capacityExamples = `  metabench capacity --slo p99=5ms --variant baseline --variant phase1
  metabench capacity --slo p99=5ms --slo p99.9=20ms --level full
  metabench capacity --slo p99=5ms --disk plan
  metabench capacity --slo p99=2ms --variant baseline --variant batch:propose=batch --variant group:propose=batch,wal=perready
  metabench capacity --slo p50=1ms --engine pebble --value-bytes 4096 --repeats 5 --resolution 2%
  metabench capacity --slo p99=5ms --level smoke       under a minute, proves that it works
  metabench capacity --resume results/capacity-20260102T030405Z`

// capacityEffort is what a level means where flags say nothing else.
type capacityEffort struct {
	repeats, blocks int
	resolution      string
	warmup, measure time.Duration
	longest         time.Duration
}

var capacityEfforts = map[string]capacityEffort{
	"smoke":   {1, 1, "40%", 100 * time.Millisecond, 300 * time.Millisecond, 3 * time.Second},
	"default": {3, 3, "5%", 500 * time.Millisecond, 2 * time.Second, 20 * time.Second},
	"full":    {5, 10, "3%", time.Second, 4 * time.Second, time.Minute},
}

// capacityFlags are the flags of the capacity command as they were given.
type capacityFlags struct {
	options    benchrun.CapacityOptions
	spec       capacity.Spec
	slos       []string
	variants   []string
	resolution string
	engine     string
	disk       string
}

func newCapacityCommand() *cobra.Command {
	f := &capacityFlags{}
	cmd := &cobra.Command{
		Use:     "capacity",
		Short:   "Find the highest rate that meets a latency objective, per variant",
		Long:    capacityLong,
		Example: capacityExamples,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.complete(cmd); err != nil {
				return err
			}
			return f.execute(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f.define(cmd)
	return cmd
}

// define declares the flags. Defaults that depend on the level are filled in by
// applyLevel.
func (f *capacityFlags) define(cmd *cobra.Command) {
	s, o, fl := &f.spec, &f.options, cmd.Flags()
	fl.StringArrayVar(&f.slos, "slo", nil, "objective PERCENTILE=DURATION for the response time, such as p99=5ms; may be repeated")
	fl.StringArrayVar(&f.variants, "variant", []string{benchrun.VariantBaseline}, "variant to measure: baseline, a plan, or NAME:axis=value,...; may be repeated")
	fl.StringVar(&f.engine, "engine", "memory", "engine of all variants that do not name one")
	fl.StringVar(&f.disk, "disk", "native", "device profile of all variants that do not name one: native, 1ms or plan")
	fl.StringVar(&o.Level, "level", "default", "effort, where other flags say nothing: smoke, default or full")
	fl.IntVar(&s.Repeats, "repeats", 0, "trials whose majority decides a rate, an odd number (default by level: 1, 3, 5)")
	fl.IntVar(&s.Blocks, "blocks", 0, "repeats of each point of the comparison (default by level: 1, 3, 10)")
	fl.StringVar(&f.resolution, "resolution", "", "how close the bracket must be, in percent (default by level: 40%, 5%, 3%)")
	fl.DurationVar(&s.Warmup, "warmup", 0, "load before the measured window (default by level: 100ms, 500ms, 1s)")
	fl.DurationVar(&s.Measure, "measure", 0, "least measured window (default by level: 300ms, 2s, 4s)")
	fl.DurationVar(&s.MaxMeasure, "measure-max", 0, "longest window that a percentile may need (default by level: 3s, 20s, 1m)")
	fl.Float64Var(&s.MinRate, "rate-min", 0, "lowest rate to try, in operations per second (default: what --measure-max allows the percentiles)")
	fl.Float64Var(&s.StartRate, "rate-start", 1000, "rate to begin with")
	fl.Float64Var(&s.MaxRate, "rate-max", 100_000, "highest rate to try")
	fl.Uint64Var(&s.Seed, "seed", benchrun.DefaultSeed, "seed of every random choice")
	w := &s.Workload
	fl.IntVar(&w.Clients, "clients", 256, "bound on operations in flight; more wait, with their response time running")
	fl.IntVar(&w.Conns, "conns", 1, "connections that the clients share")
	fl.IntVar(&w.KeyBytes, "key-bytes", 8, "bytes of a key")
	fl.IntVar(&w.ValueBytes, "value-bytes", 256, "bytes of a value")
	fl.IntVar(&w.Keys, "keys", 100_000, "size of the key space")
	fl.BoolVar(&o.Reference, "reference", false, referenceUsage)
	fl.StringVar(&o.Resume, "resume", "", "complete the study in this directory; it brings its own options")
	fl.StringVar(&o.Out, "out", "", "directory to make for the results (default results/capacity-TIME)")
	fl.StringVar(&o.Metastore, "metastore", "", "the store's binary (default: metastore beside this program)")
	fl.StringVar(&o.DataDir, "data-dir", "", "where trials keep their data while they run (default: inside the results)")
	cmd.MarkFlagsMutuallyExclusive("resume", "out")
	cmd.MarkFlagsMutuallyExclusive("resume", "slo")
}

// complete checks the flags and fills in what they do not say.
func (f *capacityFlags) complete(cmd *cobra.Command) error {
	f.options.Command = commandLine(cmd, nil)
	if err := recall(cmd, newCapacityCommand(), f.options.Resume); err != nil {
		return err
	}
	if err := completeOptions(&f.options.Options, cmd); err != nil {
		return err
	}
	if f.options.Resume != "" {
		return nil
	}
	if err := f.applyLevel(cmd.Flags()); err != nil {
		return err
	}
	if len(f.slos) == 0 {
		return missing(cmd, "--slo PERCENTILE=DURATION")
	}
	for _, text := range f.slos {
		o, err := capacity.ParseObjective(text)
		if err != nil {
			return fmt.Errorf("--slo: %w", err)
		}
		f.spec.Objectives = append(f.spec.Objectives, o)
	}
	percent, err := strconv.ParseFloat(strings.TrimSuffix(f.resolution, "%"), 64)
	if err != nil {
		return fmt.Errorf("--resolution: %q; accepted: a percentage such as 5%%", f.resolution)
	}
	f.spec.Resolution = percent / 100
	w := &f.spec.Workload
	w.Name, w.Type, w.API, w.Distribution = "put", workload.TypePut, workload.APIGRPC, workload.Uniform
	w.Mix = workload.DefaultMix(w.Type)
	return f.checkSpec(cmd.Context(), cmd.Flags())
}

// applyLevel gives flags that were not set what the level says.
func (f *capacityFlags) applyLevel(fl *pflag.FlagSet) error {
	e, ok := capacityEfforts[f.options.Level]
	if !ok {
		return fmt.Errorf("--level: %w %q; accepted: %s", plan.ErrUnknownLevel, f.options.Level, strings.Join(plan.Levels, ", "))
	}
	s := &f.spec
	for name, set := range map[string]func(){
		"repeats": func() { s.Repeats = e.repeats }, "blocks": func() { s.Blocks = e.blocks }, "resolution": func() { f.resolution = e.resolution },
		"warmup": func() { s.Warmup = e.warmup }, "measure": func() { s.Measure = e.measure }, "measure-max": func() { s.MaxMeasure = max(e.longest, s.Measure) },
	} {
		if !fl.Changed(name) {
			set()
		}
	}
	return nil
}

// checkSpec asks the store for its axes and checks the whole study.
func (f *capacityFlags) checkSpec(ctx context.Context, fl *pflag.FlagSet) error {
	if !fl.Changed("rate-min") {
		f.spec.MinRate = min(f.spec.LowestRate(), f.spec.StartRate)
	}
	loop := f.spec.WorkloadAt(capacity.Ask{Rate: f.spec.StartRate})
	if errs := workload.Validate(loop); len(errs) > 0 {
		return errors.Join(errs...)
	}
	var err error
	if f.spec.Variants, err = benchrun.Variants(ctx, f.options.Metastore, f.variants, map[string]string{"engine": f.engine, "disk": f.disk}); err != nil {
		return err
	}
	f.options.Spec = &f.spec
	return f.spec.Validate()
}

// execute carries the study out, says what came of it and reports on it.
func (f *capacityFlags) execute(ctx context.Context, w io.Writer) error {
	res, err := benchrun.Capacity(ctx, f.options)
	if res.Dir == "" {
		return err
	}
	if werr := summarizeCapacity(w, res); werr != nil || res.Trials < res.Planned {
		return errors.Join(err, werr)
	}
	return errors.Join(err, reportRun(w, res.Dir))
}

// summarizeCapacity prints the capacities.
func summarizeCapacity(w io.Writer, res benchrun.CapacityResult) error {
	objectives := make([]string, len(res.Study.Spec.Objectives))
	for i, o := range res.Study.Spec.Objectives {
		objectives[i] = o.String()
	}
	spec := res.Study.Spec
	if _, err := fmt.Fprintf(w, "capacity at %s (open loop, Poisson arrivals, response time; majority of %d trials per rate, resolution %.3g %%):\n",
		strings.Join(objectives, " and "), spec.Repeats, 100*spec.Resolution); err != nil {
		return err
	}
	for _, o := range res.Study.Outcomes() {
		state := ""
		if !o.Done {
			state = ", not finished"
		}
		if _, err := fmt.Fprintf(w, "  %-12s %v (%d trials%s)\n", o.Variant, o, o.Trials, state); err != nil {
			return err
		}
	}
	if err := tellUnchecked(w, res.Result); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d trials recorded in %s; metabench report %s\n", res.Trials, res.Dir, res.Dir)
	return err
}
