package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"metastorebench/harness/facts"
	"metastorebench/harness/gate"
	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/harness/revision"
	benchrun "metastorebench/harness/run"
	"metastorebench/plots"
)

const gateLong = `Build two revisions of the store, run them against each other in interleaved
blocks on this machine, and decide metric by metric whether head is worse than
base by more than a floor: pass, regressed, improved or inconclusive. What is not
decided after a twelfth of the plan's blocks runs on to the next look; the error
rate over looks and metrics is kept (package gate has the rule and its sources).

Each revision brings its own store, built in a worktree; this program's generator
drives both. Without --head the working tree is judged as it is, changes that are
not committed included.

Every run tests itself: head against itself must pass, and a build of head with
faults (CPU time in every put, an allocation, batches cut in two), as large as the
floors ask for, must be called regressed. If not, and head did not regress, the run
says that this machine cannot gate today. Base runs once more with its functions in
another order, a placebo: what that changes is said, and times allow for it.

A wrong answer of head's fails, and so does a counter that base shows and head does
not.

A commit between base and head may accept a loss by a trailer:

  Gate-accept: allocs - pooled buffers removed, see #12
  Gate-accept: metastore_wal_bytes_total - nobody read it

Results are a run's directory with gate.md, gate.json, gate.xml (JUnit) and a figure
of the paired ratios, which "metabench gate --report DIR" remakes from its records.
With --record what was measured of head is added to a history, in which
"metabench trend" looks for steps.

Exit status: 0 pass, 1 regressed, 3 inconclusive, 2 misuse: an unknown revision,
one that does not build, stores that cannot be compared, a budget that is too small.`

const gateExamples = `  metabench gate --base HEAD~1
  metabench gate --base origin/main --merge-base --head HEAD
  metabench gate --base HEAD~1 --level smoke --steady-only    about three minutes, no times
  metabench gate --base v1 --head v2 --record                 and append to results/history.jsonl
  metabench gate --baseline results/gate-20260102T030405Z     against the head of a stored run
  metabench gate --report results/gate-20260102T030405Z
  metabench gate --power 50 --out results/gate-power          false alarms and detection rates, some hours`

// statusInconclusive is the exit status of a gate that could not decide.
const statusInconclusive = 3

// runBytes is the room that a run's records and its stores' data take, with some to
// spare.
const runBytes = 1 << 28

// gateFlags are the flags of the gate command as they were given.
type gateFlags struct {
	options   benchrun.GateOptions
	base      string
	head      string
	mergeBase bool
	optional  bool
	baseline  string
	report    string
	power     int
	rules     string
	tags      string
	seed      uint64
	record    bool
	history   string
	log       io.Writer
}

func newGateCommand() *cobra.Command {
	f := &gateFlags{}
	cmd := &cobra.Command{
		Use: "gate", Short: "Decide whether a revision is slower than another, or costs more",
		Long: gateLong, Example: gateExamples,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.log = cmd.ErrOrStderr()
			return gateStatus(f.run(cmd))
		},
	}
	o, fl := &f.options, cmd.Flags()
	fl.StringVar(&f.base, "base", "", "the revision to compare with: a commit, branch or tag")
	fl.StringVar(&f.head, "head", "", "the revision to judge (default: the working tree as it is)")
	fl.BoolVar(&f.mergeBase, "merge-base", false, "compare with the newest commit that base and head have in common")
	fl.BoolVar(&f.optional, "skip-without-base", false, "exit with 0, and say so, if base is not in this clone, or this is none")
	fl.StringVar(&f.baseline, "baseline", "", "compare with the head of the gate's run in this directory, of the same machine and plan")
	fl.IntVar(&f.power, "power", 0, "measure the gate itself: so many runs of head against itself, with planted faults of rising size")
	fl.StringVar(&f.report, "report", "", "remake the outputs of the run in this directory, and exit as it did")
	fl.StringVar(&o.Plan, "plan", "gate", "the loads: a built-in plan, or a YAML file")
	fl.StringVar(&o.Level, "level", "default", "effort: smoke, default or full")
	fl.StringVar(&f.rules, "rules", "", "a YAML file of floors and error rates (default: the built-in harness/gate/floors.yaml)")
	fl.BoolVar(&o.SteadyOnly, "steady-only", false, "decide by counts alone, not by times: where others use the machine")
	fl.DurationVar(&o.Budget, "budget", 9*time.Minute, "begin no block that would end later, builds included; what is undecided then is inconclusive")
	fl.Uint64Var(&f.seed, "seed", benchrun.DefaultSeed, "seed of every random choice")
	fl.StringVar(&f.tags, "tags", "norocksdb", "build tags of both stores")
	fl.BoolVar(&f.record, "record", false, "append what was measured of head to the history")
	fl.StringVar(&f.history, "history", historyFile, "the history, one JSON document a line")
	fl.StringVar(&o.Out, "out", "", "directory to make for the results (default results/gate-TIME)")
	fl.StringVar(&o.DataDir, "data-dir", "", "where trials keep their data while they run (default: inside the results)")
	return cmd
}

// gateStatus gives an error that is no verdict the status of misuse.
func gateStatus(err error) error {
	if _, has := errors.AsType[statusError](err); has || err == nil || errors.Is(err, benchrun.ErrInterrupted) {
		return err
	}
	return misuse(err)
}

func (f *gateFlags) run(cmd *cobra.Command) error {
	ctx, given := cmd.Context(), 0
	f.options.Began = time.Now()
	for _, is := range []bool{f.base != "", f.baseline != "", f.report != "", f.power != 0} {
		if is {
			given++
		}
	}
	if given != 1 {
		return missing(cmd, "one of --base REF, --baseline DIR, --report DIR and --power RUNS")
	}
	if f.power < 0 {
		return fmt.Errorf("gate: --power %d; accepted: 1 or more runs", f.power)
	}
	if f.report != "" {
		return f.conclude(cmd.OutOrStdout(), f.report)
	}
	if err := f.complete(cmd); err != nil {
		return err
	}
	dir, err := f.measure(ctx)
	switch {
	case err == nil:
	case ctx.Err() != nil && !errors.Is(err, benchrun.ErrInterrupted):
		return fmt.Errorf("%w: %w", benchrun.ErrInterrupted, err)
	case f.optional && (errors.Is(err, revision.ErrUnknown) || errors.Is(err, revision.ErrRepository)):
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "gate skipped: %v\n", err)
		return err
	default:
		return err
	}
	return f.conclude(cmd.OutOrStdout(), dir)
}

// complete fills in what flags do not say.
func (f *gateFlags) complete(cmd *cobra.Command) error {
	o := &f.options
	if err := completeOptions(&o.Options, cmd); err != nil {
		return err
	}
	o.Seed = &f.seed
	o.Command = append([]string{"metabench"}, os.Args[1:]...)
	if o.Out == "" {
		o.Out = filepath.Join("results", "gate-"+time.Now().UTC().Format("20060102T150405Z"))
	}
	text := gate.DefaultText()
	if f.rules != "" {
		var err error
		if text, err = os.ReadFile(f.rules); err != nil {
			return fmt.Errorf("--rules: %w", err)
		}
	}
	o.Rules, o.Power = string(text), f.power > 0
	if f.baseline == "" {
		return nil
	}
	stored, err := record.ReadRun(f.baseline)
	if err != nil {
		return fmt.Errorf("--baseline: %w", err)
	}
	o.Baseline = &stored
	return nil
}

// conclude judges the run in dir, writes what it came to and returns its status.
func (f *gateFlags) conclude(w io.Writer, dir string) error {
	if gate.IsPower(dir) {
		return concludePower(w, dir)
	}
	res, err := judgeDir(dir)
	if err != nil {
		return err
	}
	if err := writeGate(dir, res); err != nil {
		return err
	}
	if f.record {
		if err := gate.AppendHistory(f.history, res.Entry()); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(w, "%s\nResults: %s\n", res.Text(lineWidth(w)), dir); err != nil {
		return err
	}
	switch res.Outcome {
	case gate.Pass:
		return nil
	case gate.Regressed:
		return statusError{1, errors.New("gate: regressed: " + res.Reason)}
	}
	return statusError{statusInconclusive, errors.New("gate: inconclusive: " + res.Reason)}
}

// judgeDir reads a run, and the one that it was compared with, and judges it.
func judgeDir(dir string) (*gate.Result, error) {
	run, err := record.ReadRun(dir)
	if err != nil {
		return nil, err
	}
	var stored *record.Run
	if g := run.Manifest.Gate; g != nil && g.Baseline != "" {
		s, err := record.ReadRun(g.Baseline)
		if err != nil {
			return nil, fmt.Errorf("the baseline of %s: %w", dir, err)
		}
		stored = &s
	}
	return gate.Judge(run, stored)
}

// writeGate writes the result's files into the run's directory.
func writeGate(dir string, res *gate.Result) error {
	files := map[string]func() ([]byte, error){
		"gate.md":   func() ([]byte, error) { return []byte(res.Markdown()), nil },
		"gate.json": res.JSON,
		"gate.xml":  res.JUnit,
	}
	for name, encode := range files {
		b, err := encode()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o644)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return saveFigures(dir, res.Figure())
}

// saveFigures draws figures where reports keep theirs in dir. Those without anything to
// draw are left out: a run may have ended before there was.
func saveFigures(dir string, figures ...facts.Figure) error {
	dir = filepath.Join(dir, report.FiguresDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the figures' directory: %w", err)
	}
	for _, f := range figures {
		if err := plots.Save(dir, f); err != nil && !errors.Is(err, plots.ErrNoData) {
			return err
		}
	}
	return nil
}

// measure builds the arms and runs them.
func (f *gateFlags) measure(ctx context.Context) (dir string, err error) {
	repository, err := revision.Find(ctx, ".")
	if err != nil {
		return "", err
	}
	sides, err := f.resolve(ctx, repository)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(f.options.Out, 0o755); err != nil {
		return "", fmt.Errorf("make run directory: %w", err)
	}
	if err := revision.CheckSpace(f.options.Out, runBytes); err != nil {
		return "", err
	}
	shop, err := revision.Open(ctx, repository, "")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, shop.Close()) }()
	b := builder{gateFlags: f, repository: repository, shop: shop}
	if f.options.Arms, err = b.arms(ctx, sides); err != nil {
		return "", err
	}
	if f.power > 0 {
		return f.options.Out, b.repeat(ctx)
	}
	return benchrun.Gate(ctx, f.options)
}
