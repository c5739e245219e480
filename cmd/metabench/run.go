package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"google.golang.org/grpc"

	"metastorebench/harness/format"
	"metastorebench/harness/plan"
	benchrun "metastorebench/harness/run"
	"metastorebench/variants/rpc"
)

const runLong = `Run a plan: a matrix of cells, each measured once per block in a seeded random
order. Every trial starts a fresh store on fresh data, loads it, measures it,
checks its answers and stops it. Each record is on disk before the next trial
starts, so that an interrupted run resumes where it stopped.

PLAN is a built-in plan (metabench plans) or a YAML file of your own; print a
built-in one with "metabench plans phase1" to start from.

--only narrows the matrix. KEY=VALUE matches an option (engine, disk, propose,
...), or workload, group or target; anything else matches the cell's id, as a
part of it or as a glob. Repeating a key means or; different keys mean and.

A complete run of a phase ends in its attribution and the rows of its claims
ledger on standard output; level smoke, which compares nothing, says so instead.
"metabench report DIR" prints the same again from the records alone.

The run fails at its end if any trial's checks failed: its numbers are void. A trial
that was not made, because the store did not start, a port was taken or the disk was
full, is made by --resume, which brings the flags that the run was begun with, and
refuses another machine, filesystem, store or build of this program.

--reference is for a run that is to be kept: the store and this program must be built
from commits (make build), and a trial of which a check came to no verdict fails the
run.`

const referenceUsage = "make a run that is to be kept: refuse builds that cannot be made again, fail on trials that are not fully checked"

const runExamples = `  metabench run phase1                          about five minutes
  metabench run phase1 --level smoke            under a minute, proves that it works
  metabench run phase1 --list                   what would run, and for how long
  metabench run phase1 --only engine=memory --only workload=put50
  metabench run phase1 --only 'memory/disk=plan/*'
  metabench run perf --level full --out results/perf-full --seed 7
  metabench run --resume results/phase1-20260102T030405Z
  metabench run mine.yaml --metastore ./metastore --data-dir /mnt/nvme`

// runFlags are the flags of the run command as they were given.
type runFlags struct {
	options benchrun.Options
	seed    uint64
	list    bool
	format  string // of the list
}

func newRunCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use:     "run [PLAN]",
		Short:   "Run a plan and record what it measures",
		Long:    runLong,
		Example: runExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.complete(cmd, args); err != nil {
				return err
			}
			if f.list {
				return f.printList(cmd.Context(), cmd.OutOrStdout())
			}
			return execute(cmd.Context(), f, cmd.OutOrStdout())
		},
	}
	o, fl := &f.options, cmd.Flags()
	fl.StringVar(&o.Level, "level", "", "effort: smoke, default or full (by default: default, or the plan's only level)")
	fl.BoolVar(&f.list, "list", false, "print the cells and the planned time (see --format), and run nothing")
	fl.StringArrayVar(&o.Only, "only", nil, "run only matching cells; may be repeated")
	fl.Uint64Var(&f.seed, "seed", benchrun.DefaultSeed, "seed of every random choice")
	fl.BoolVar(&o.Reference, "reference", false, referenceUsage)
	fl.StringVar(&o.Resume, "resume", "", "complete the run in this directory, with the flags that it was begun with")
	fl.StringVar(&o.Out, "out", "", "directory to make for the results (default results/PLAN-TIME)")
	fl.StringVar(&o.Metastore, "metastore", "", "the store's binary (default: metastore beside this program)")
	fl.StringVar(&o.DataDir, "data-dir", "", "where trials keep their data while they run (default: inside the results)")
	fl.StringVar(&o.Etcd, "etcd", "", "the binary of the peer etcd, for cells of target etcd (default: peer-etcd beside this program)")
	fl.StringVar(&o.External, "external", "", "etcd v3 endpoint (host:port) for cells of target external")
	formatFlag(cmd, &f.format, format.Formats())
	cmd.MarkFlagsMutuallyExclusive("resume", "out")
	return cmd
}

// printList prints what would run.
func (f *runFlags) printList(ctx context.Context, w io.Writer) error {
	l, err := benchrun.List(ctx, f.options)
	if err != nil {
		return err
	}
	return writeTable(w, l.Cells, f.format, l.Notes...)
}

// complete checks the arguments and fills in what flags do not say.
func (f *runFlags) complete(cmd *cobra.Command, args []string) error {
	o := &f.options
	switch {
	case len(args) == 1:
		o.Plan, o.Level = args[0], levelOf(args[0], o.Level)
	case o.Resume == "":
		return missing(cmd, "PLAN (metabench plans lists those built in), or --resume DIR")
	}
	o.Command = commandLine(cmd, args)
	if err := recall(cmd, newRunCommand(), o.Resume); err != nil {
		return err
	}
	if cmd.Flags().Changed("seed") {
		o.Seed = &f.seed
	}
	if err := completeOptions(o, cmd); err != nil {
		return err
	}
	if o.Etcd == "" {
		o.Etcd = filepath.Join(filepath.Dir(o.Noop[0]), "peer-etcd") // beside this program
	}
	var err error
	if o.Etcd, err = filepath.Abs(o.Etcd); err != nil {
		return fmt.Errorf("--etcd: %w", err)
	}
	return nil
}

// levelOf is the level that a run of a plan has: the one that was given, or else the
// plan's default, which the command that makes the run again then states. "" leaves it
// to the run to say what is wrong with the plan.
func levelOf(name, given string) string {
	if given != "" {
		return given
	}
	p, err := plan.Load(name, nil)
	if err != nil {
		return ""
	}
	return p.DefaultLevel()
}

// completeOptions fills in what every command that runs trials needs.
func completeOptions(o *benchrun.Options, cmd *cobra.Command) error {
	store, self, err := programs(o.Metastore)
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.Name(), err)
	}
	o.Metastore, o.Noop = store, []string{self, "noop-server"}
	o.DialOptions, o.CeilingRPC = dialOptions, rpc.Tuned
	o.Progress = cmd.ErrOrStderr()
	if file, ok := o.Progress.(*os.File); ok {
		o.Terminal = term.IsTerminal(int(file.Fd()))
	}
	return nil
}

// programs returns the absolute paths of the store's binary, by default the one
// beside this program, and of this program.
func programs(metastore string) (store, self string, err error) {
	if self, err = os.Executable(); err != nil {
		return "", "", fmt.Errorf("find this program: %w", err)
	}
	if metastore == "" {
		metastore = filepath.Join(filepath.Dir(self), "metastore")
	}
	if store, err = filepath.Abs(metastore); err != nil {
		return "", "", fmt.Errorf("--metastore: %w", err)
	}
	return store, self, nil
}

// dialOptions is the client's side of the rpc axis. Names were checked against
// the store's axes; a name that only another store knows gets gRPC's defaults.
func dialOptions(name string) []grpc.DialOption {
	profile, err := rpc.Lookup(name)
	if err != nil {
		return nil
	}
	return profile.Client
}

// execute runs the plan, says what came of it and reports on it.
func execute(ctx context.Context, f *runFlags, w io.Writer) error {
	res, err := benchrun.Run(ctx, f.options)
	if res.Dir == "" {
		return err
	}
	if werr := summarize(w, res); werr != nil || res.Trials < res.Planned {
		return errors.Join(err, werr)
	}
	return errors.Join(err, reportRun(w, res.Dir))
}

func summarize(w io.Writer, res benchrun.Result) error {
	reasons := make(map[string]int)
	var order []string
	for _, s := range res.Skipped {
		if reasons[s.Reason] == 0 {
			order = append(order, s.Reason)
		}
		reasons[s.Reason]++
	}
	for _, reason := range order {
		if _, err := fmt.Fprintf(w, "skipped %d cells: %s\n", reasons[reason], reason); err != nil {
			return err
		}
	}
	if err := tellUnchecked(w, res); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d of %d trials recorded, %d void, in %s\n", res.Trials, res.Planned, len(res.Voids), res.Dir)
	return err
}

// tellUnchecked says what of the trials was not checked.
func tellUnchecked(w io.Writer, res benchrun.Result) error {
	for _, line := range res.Unchecked {
		if _, err := fmt.Fprintf(w, "not checked: %s\n", line); err != nil {
			return err
		}
	}
	return nil
}
