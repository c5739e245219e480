package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/ceiling"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	"metastorebench/harness/trial"
)

const testPlan = `
name: tiny
title: a plan for tests
baseline: {propose: perop, engine: memory}
factors:
  - {id: F1, axis: propose, value: batch}
workloads:
  put: {type: put, clients: 1, key_bytes: 8, value_bytes: 64, keys: 100}
groups:
  - {name: all, designs: [factorial], vary: {engine: [memory, rocksdb]}, workloads: [put]}
  - {name: noop, target: noop, designs: [fixed], workloads: [put]}
  - {name: external, target: external, designs: [fixed], workloads: [put]}
levels:
  smoke: {blocks: 1, warmup: 1ms, measure: 1ms}
  default: {blocks: 2, warmup: 1ms, measure: 2ms}
`

const testVariants = `[
 {"axis":"propose","values":[{"name":"perop","available":true},{"name":"batch","available":true}]},
 {"axis":"engine","values":[{"name":"memory","available":true},{"name":"rocksdb","available":false,"reason":"rocksdb engine is not in this build"}]}]`

// bench is a plan, a store that only knows its variants, and a trial that only
// writes down that it was run.
type bench struct {
	t     *testing.T
	opts  Options
	specs []trial.Spec
	// surveys are the options with which ceilings were measured.
	surveys []ceiling.Options
}

func newBench(t *testing.T) *bench {
	dir := t.TempDir()
	b := &bench{t: t}
	b.opts = Options{
		Plan: filepath.Join(dir, "tiny.yaml"), Out: filepath.Join(dir, "out"), Metastore: filepath.Join(dir, "metastore"),
		Trial: b.trial, Survey: b.survey, Command: []string{"metabench", "run", "tiny"},
	}
	require.NoError(t, os.WriteFile(b.opts.Plan, []byte(testPlan), 0o644))
	b.writeStore(testVariants)
	return b
}

func (b *bench) writeStore(variants string) {
	script := fmt.Sprintf("#!/bin/sh\n[ \"$*\" = 'variants --json' ] || { echo \"bad arguments: $*\" >&2; exit 2; }\ncat <<'END'\n%s\nEND\n", variants)
	require.NoError(b.t, os.WriteFile(b.opts.Metastore, []byte(script), 0o755))
}

// trial records the spec and leaves a file behind, as a trial killed with its
// process would.
func (b *bench) trial(_ context.Context, s trial.Spec) (record.Trial, error) {
	b.specs = append(b.specs, s)
	require.NoError(b.t, os.WriteFile(filepath.Join(s.DataRoot, "leftover"), nil, 0o644))
	s.Live(10)
	return record.Trial{
		Cell: s.Cell.ID, Block: s.Block, Order: s.Order, Seed: s.Seed, MeasureNS: int64(s.Measure),
		Durability: record.TierSynced, Workload: s.Workload, Checks: []record.Check{{Name: "errors", OK: true}},
	}, nil
}

// survey finds what a quick disk would give.
func (b *bench) survey(_ context.Context, o ceiling.Options) (*record.Ceilings, error) {
	b.surveys = append(b.surveys, o)
	return &record.Ceilings{Probes: []record.Probe{{
		Name: record.ProbeSyncLatency, Unit: record.UnitNS, Samples: []float64{90e3, 110e3, 100e3},
		Params: map[string]string{record.ParamPercentile: "50", record.ParamSyncs: "60"},
	}}}, nil
}

func (b *bench) run() (Result, error) { return Run(b.t.Context(), b.opts) }

func (b *bench) read() record.Run {
	dir := b.opts.Out
	if b.opts.Resume != "" {
		dir = b.opts.Resume
	}
	r, err := record.ReadRun(dir)
	require.NoError(b.t, err)
	return r
}

func TestRunRecordsEveryTrialOnce(t *testing.T) {
	b := newBench(t)
	res, err := b.run()
	require.NoError(t, err)
	require.Equal(t, 6, res.Trials, "(2 memory cells + noop) x 2 blocks")
	require.Equal(t, 6, res.Planned)
	require.Equal(t, []record.Skipped{
		{Cell: "rocksdb/put/propose=perop", Reason: "rocksdb engine is not in this build"},
		{Cell: "rocksdb/put/propose=batch", Reason: "rocksdb engine is not in this build"},
		{Cell: "external/put", Reason: "no endpoint of the external store was given; name it with --external HOST:PORT"},
	}, res.Skipped)

	run := b.read()
	require.Len(t, run.Trials, 6)
	seen := make(map[string]bool)
	for i, tr := range run.Trials {
		key := fmt.Sprint(tr.Cell, tr.Block)
		require.False(t, seen[key], key)
		seen[key] = true
		require.Equal(t, i/3, tr.Block, "blocks follow each other")
		require.Equal(t, record.Schema, tr.Schema)
	}
	m := run.Manifest
	require.Equal(t, "tiny", m.Plan)
	require.Equal(t, testPlan, m.PlanYAML)
	require.Equal(t, uint64(DefaultSeed), m.Seed)
	require.Equal(t, b.opts.Command, m.Command)
	require.Len(t, m.Env.Harness.SHA256, 64)
	require.Len(t, m.Cells, 6)
	require.Equal(t, res.Skipped, m.Skipped)
	require.False(t, m.Finished.Before(m.Started))
	require.Len(t, m.StoreSHA256, 64)
	require.Equal(t, int64(100e3), m.Env.SyncLatencyP50NS)
	require.Equal(t, 60, m.Env.SyncSamples)
	require.Len(t, m.Ceilings.Probes, 1)
	require.Len(t, b.surveys, 1)
	require.Equal(t, []ceiling.Load{{Clients: 1, Conns: 1, KeyBytes: 8, ValueBytes: 64}}, b.surveys[0].Loads)
	require.Equal(t, b.opts.Metastore, b.surveys[0].Metastore)
	require.Equal(t, 5, b.surveys[0].Effort.Repeats)

	entries, err := os.ReadDir(b.opts.Out)
	require.NoError(t, err)
	require.Len(t, entries, 2, "manifest and records; the trials' data are gone")
	require.Equal(t, 2*time.Millisecond, b.specs[0].Measure)
	require.Equal(t, b.opts.Metastore, b.specs[0].Metastore)
}

// TestRunOfNothing: what skips every cell is an error before anything is written.
func TestRunOfNothing(t *testing.T) {
	for only, reason := range map[string]string{"target=external": "name it with --external HOST:PORT", "engine=rocksdb": "rocksdb engine is not in this build"} {
		b := newBench(t)
		b.opts.Only = []string{only}
		_, err := b.run()
		require.ErrorIs(t, err, ErrNothing)
		require.ErrorContains(t, err, reason)
		require.NoDirExists(t, b.opts.Out)
		require.Empty(t, b.specs)
	}
}

func TestRunPassesTheExternalEndpoint(t *testing.T) {
	b := newBench(t)
	b.opts.External, b.opts.Only = "127.0.0.1:2379", []string{"target=external"}
	res, err := b.run()
	require.NoError(t, err)
	require.Empty(t, res.Skipped)
	require.Len(t, b.specs, 2)
	require.Equal(t, "127.0.0.1:2379", b.specs[0].External)
	require.Equal(t, []string{"target=external"}, b.read().Manifest.Only)
}

func TestInterruptedRunResumesWhereItStopped(t *testing.T) {
	b := newBench(t)
	whole := newBench(t)
	_, err := whole.run()
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	b.opts.Trial = func(ctx context.Context, s trial.Spec) (record.Trial, error) {
		if len(b.specs) == 4 {
			cancel()
			return record.Trial{}, ctx.Err()
		}
		return b.trial(ctx, s)
	}
	res, err := Run(ctx, b.opts)
	require.ErrorIs(t, err, ErrInterrupted)
	require.ErrorContains(t, err, "2 of 6 trials left; continue with: metabench run --resume "+b.opts.Out)
	require.Equal(t, 4, res.Trials)
	require.True(t, b.read().Manifest.Finished.IsZero())

	// A process killed in the middle leaves half a line and its data.
	f, err := os.OpenFile(filepath.Join(b.opts.Out, record.RecordsFile), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"schema":1,"cell":"mem`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.Mkdir(filepath.Join(b.opts.Out, "metabench-data-1"), 0o755))

	b.opts.Resume, b.opts.Plan, b.opts.Trial = b.opts.Out, "", b.trial
	res, err = b.run()
	require.NoError(t, err)
	require.Equal(t, 6, res.Trials)
	require.NoDirExists(t, filepath.Join(b.opts.Out, "metabench-data-1"))
	got := b.read()
	require.False(t, got.Manifest.Finished.IsZero())
	for i, tr := range whole.read().Trials {
		require.Equal(t, tr.Cell, got.Trials[i].Cell, "the same order as without an interruption")
		require.Equal(t, tr.Seed, got.Trials[i].Seed)
		require.Equal(t, tr.Order, got.Trials[i].Order)
	}

	before := len(b.specs)
	_, err = b.run()
	require.NoError(t, err)
	require.Len(t, b.specs, before, "a complete run has nothing to do")
	require.Len(t, b.surveys, 1, "the ceilings are those of the start")
}

// Ceilings that were not measured to the end are measured by the resumed run; a
// probe that fails ends the run before any trial.
func TestInterruptedSurvey(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.opts.Survey = func(ctx context.Context, _ ceiling.Options) (*record.Ceilings, error) {
		cancel()
		return nil, ctx.Err()
	}
	_, err := Run(ctx, b.opts)
	require.ErrorIs(t, err, ErrInterrupted)
	require.ErrorContains(t, err, "before the first trial; continue with: metabench run --resume "+b.opts.Out)
	require.Nil(t, b.read().Manifest.Ceilings)

	dead := errors.New("no-op server: exit status 7")
	b.opts.Resume = b.opts.Out
	b.opts.Survey = func(context.Context, ceiling.Options) (*record.Ceilings, error) { return nil, dead }
	_, err = b.run()
	require.ErrorIs(t, err, dead)
	require.Empty(t, b.specs)

	b.opts.Survey = b.survey
	res, err := b.run()
	require.NoError(t, err)
	require.Equal(t, 6, res.Trials)
	require.NotNil(t, b.read().Manifest.Ceilings)
}

func TestResumeRefusesAnotherExperiment(t *testing.T) {
	b := newBench(t)
	_, err := b.run()
	require.NoError(t, err)
	out := b.opts.Out
	b.opts.Resume, b.opts.Out = out, ""

	seed := uint64(2)
	o := b.opts
	o.Seed = &seed
	_, err = Run(t.Context(), o)
	require.ErrorIs(t, err, ErrResume)
	require.ErrorContains(t, err, "the seed differs (2, was 1)")
	require.NotContains(t, err.Error(), "plan differs")

	o = b.opts
	o.Level = "smoke"
	_, err = Run(t.Context(), o)
	require.ErrorIs(t, err, ErrResume)
	require.ErrorContains(t, err, "the plan differs")

	b.writeStore(testVariants + "\n")
	_, err = Run(t.Context(), b.opts)
	require.ErrorIs(t, err, ErrResume)
	require.ErrorContains(t, err, "the store's binary differs")

	require.NoError(t, record.Pack(out))
	b.writeStore(testVariants)
	_, err = Run(t.Context(), b.opts)
	require.ErrorContains(t, err, "packed run")

	b.opts.Resume = t.TempDir()
	_, err = Run(t.Context(), b.opts)
	require.ErrorIs(t, err, ErrResume)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestFailedTrialsAreVoidAndTheRunGoesOn(t *testing.T) {
	b := newBench(t)
	crash := errors.New("store exited: signal killed")
	b.opts.Trial = func(ctx context.Context, s trial.Spec) (record.Trial, error) {
		tr, err := b.trial(ctx, s)
		switch {
		case s.Cell.Target == plan.TargetNoop && s.Block == 0:
			return record.Trial{}, crash
		case s.Cell.Target == plan.TargetNoop:
			tr.Void = "check end state: 3 keys differ"
		}
		return tr, err
	}
	res, err := b.run()
	require.ErrorIs(t, err, ErrVoid)
	require.ErrorContains(t, err, "2 of 6 trials")
	require.ErrorContains(t, err, "noop/put block 0: trial failed: store exited: signal killed")
	require.ErrorContains(t, err, "noop/put block 1: check end state: 3 keys differ")
	require.Len(t, res.Voids, 2)
	require.Len(t, b.read().Trials, 6)

	require.ErrorContains(t, err, "1 of them were not made, for want of something that is not the store's; make them with --resume "+b.opts.Out)

	// The one that was not made is made; the other was, and its failure stays.
	b.opts.Resume, b.opts.Trial, b.specs = b.opts.Out, b.trial, nil
	res, err = b.run()
	require.ErrorIs(t, err, ErrVoid, "resuming does not whitewash")
	require.NotContains(t, err.Error(), "--resume")
	require.Len(t, b.specs, 1)
	require.Equal(t, []int{6, 6, 1}, []int{res.Trials, res.Planned, len(res.Voids)})
	run := b.read()
	require.Len(t, run.Trials, 6)
	require.Equal(t, record.Trial{Cell: "noop/put", Block: 0}, record.Trial{Cell: run.Trials[5].Cell, Block: run.Trials[5].Block})
	require.Empty(t, run.Trials[5].Void)
	text, err := os.ReadFile(filepath.Join(b.opts.Out, record.RecordsFile))
	require.NoError(t, err)
	require.Equal(t, 7, strings.Count(string(text), "\n"), "the record of the failure is kept")

	finished := run.Manifest.Finished
	_, err = b.run()
	require.ErrorIs(t, err, ErrVoid)
	require.Len(t, b.specs, 1)
	require.Equal(t, finished, b.read().Manifest.Finished, "there was nothing left to do")
}

func TestUnavailableOptionSkipsTheCell(t *testing.T) {
	b := newBench(t)
	b.opts.Trial = func(ctx context.Context, s trial.Spec) (record.Trial, error) {
		if s.Cell.Target == plan.TargetNoop {
			return record.Trial{}, fmt.Errorf("rpc tuned: %w", trial.ErrUnavailable)
		}
		return b.trial(ctx, s)
	}
	res, err := b.run()
	require.NoError(t, err)
	require.Equal(t, 4, res.Trials)
	require.Contains(t, b.read().Manifest.Skipped, record.Skipped{Cell: "noop/put", Reason: "rpc tuned: " + trial.ErrUnavailable.Error()})
}

func TestRunRefusals(t *testing.T) {
	b := newBench(t)
	_, err := b.run()
	require.NoError(t, err)
	_, err = b.run()
	require.ErrorIs(t, err, ErrExists)
	require.ErrorContains(t, err, "--resume")

	b = newBench(t)
	b.opts.Metastore = filepath.Join(t.TempDir(), "none")
	_, err = b.run()
	require.ErrorIs(t, err, ErrNoStore)
	require.ErrorContains(t, err, "make build")
	require.NoDirExists(t, b.opts.Out, "nothing is written before the run can start")

	b = newBench(t)
	b.writeStore(strings.Replace(testVariants, `"batch"`, `"group"`, 1))
	_, err = b.run()
	require.ErrorIs(t, err, plan.ErrInvalid)
	require.ErrorContains(t, err, `tiny.yaml:6: unknown value "batch" of axis propose; accepted: perop, group`)

	b = newBench(t)
	b.writeStore("not JSON")
	_, err = b.run()
	require.ErrorIs(t, err, ErrNoStore)

	b = newBench(t)
	require.NoError(t, os.WriteFile(b.opts.Metastore, []byte("#!/bin/sh\necho boom >&2; exit 3\n"), 0o755))
	_, err = b.run()
	require.ErrorIs(t, err, ErrNoStore)
	require.ErrorContains(t, err, "boom")
}

func TestDataDirIsLeftAsItWas(t *testing.T) {
	b := newBench(t)
	b.opts.DataDir = filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.MkdirAll(b.opts.DataDir, 0o755))
	mine := filepath.Join(b.opts.DataDir, "mine")
	require.NoError(t, os.WriteFile(mine, nil, 0o644))
	_, err := b.run()
	require.NoError(t, err)
	require.Equal(t, b.opts.DataDir, filepath.Dir(b.specs[0].DataRoot))
	left, err := os.ReadDir(b.opts.DataDir)
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func TestList(t *testing.T) {
	b := newBench(t)
	l, err := List(t.Context(), b.opts)
	require.NoError(t, err)
	require.Contains(t, l.Cells.Rows, []any{"all", "memory/put/propose=batch", "1ms", "2ms", ""})
	require.Contains(t, l.Cells.Rows, []any{"all", "rocksdb/put/propose=perop", "1ms", "2ms", "rocksdb engine is not in this build"})
	planned := 6 * (3*time.Millisecond + plan.TrialOverhead)
	require.Equal(t, []string{
		fmt.Sprintf("tiny at level default, seed 1: 3 cells x 2 blocks = 6 trials, about %v", planned.Round(time.Second)), "3 more cells are skipped",
	}, l.Notes)
	require.NoDirExists(t, b.opts.Out)

	b.opts.Metastore = ""
	l, err = List(t.Context(), b.opts)
	require.NoError(t, err, "listing works before the store is built")
	require.Contains(t, l.Notes[0], "5 cells x 2 blocks")
}

func TestLinesAreFew(t *testing.T) {
	b := newBench(t)
	p, err := plan.Load(b.opts.Plan, nil)
	require.NoError(t, err)
	m, err := p.Expand("default")
	require.NoError(t, err)
	var clock atomic.Int64
	now := func() time.Time { return time.Unix(0, clock.Load()) }
	todo := m.Schedule(1)
	var out strings.Builder
	l := newLines(&out, newTally(m, todo, now), "dir", "ext4")
	for _, s := range todo {
		l.trialStarts(s)
		for i := range 10 {
			clock.Add(int64(100 * time.Millisecond))
			l.live(int64(i+1) * 250)
		}
		l.trialEnds(record.Trial{Cell: "c"})
	}
	l.finish()
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	planned := m.Planned().Round(time.Second)
	require.Equal(t, fmt.Sprintf("tiny: 12 trials, about %v, into dir (ext4)", planned), got[0])
	require.Len(t, got[1:], 3, "the first trial, and two for 12 seconds:\n%s", out.String())
	require.Contains(t, got[1], fmt.Sprintf("0/12 trials, block 1/2, %v left", planned))
	require.Contains(t, got[2], "2500 ops/s")
	require.Contains(t, got[3], "9/12 trials, block 2/2")
}

func TestBarFitsTheTerminal(t *testing.T) {
	b := newBench(t)
	var out strings.Builder
	b.opts.Progress, b.opts.Terminal = &out, true
	b.opts.Trial = func(ctx context.Context, s trial.Spec) (record.Trial, error) {
		tr, err := b.trial(ctx, s)
		tr.Void = "on purpose"
		return tr, err
	}
	_, err := b.run()
	require.ErrorIs(t, err, ErrVoid)
	require.Contains(t, out.String(), "0/6 trials, block 1/2")
	require.Contains(t, out.String(), "void: noop/put block 0: on purpose")
	for _, line := range strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\r' || r == '\n' }) {
		require.LessOrEqual(t, len([]rune(strings.TrimRight(line, " "))), assumedColumns, line)
	}
}

// TestStatusKeepsTheCell: a narrow line says less beside it.
func TestStatusKeepsTheCell(t *testing.T) {
	b := newBench(t)
	p, err := plan.Load(b.opts.Plan, nil)
	require.NoError(t, err)
	m, err := p.Expand("default")
	require.NoError(t, err)
	m.Entries = m.Entries[:1]
	m.Entries[0].Cell.ID = "memory/put/propose=perop"
	now := time.Unix(0, 0)
	tally := newTally(m, m.Schedule(1), func() time.Time { return now })
	tally.start(m.Schedule(1)[0])
	now = now.Add(time.Second)
	tally.update(2500)
	for room, want := range map[int]string{
		0:  "0/2 trials, block 1/2, 2500 ops/s, 0s left: memory/put/propose=perop",
		60: "0/2 trials, block 1/2, 0s left: memory/put/propose=perop",
		50: "0/2 trials, 0s left: memory/put/propose=perop",
		40: "0/2 trials: memory/put/propose=perop",
		24: "memory/put/propose=perop",
		15: "memory/…e=perop",
		1:  "…",
	} {
		require.Equal(t, want, tally.status(room), room)
	}
}
