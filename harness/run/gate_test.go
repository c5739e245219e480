package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/gate"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	"metastorebench/harness/trial"
)

const gatePlan = `
name: tiny-gate
title: a gate for tests
baseline: {propose: batch, engine: memory}
workloads:
  put: {type: put, operations: 100, clients: 1, key_bytes: 8, value_bytes: 64, keys: 100}
  other: {type: put, operations: 100, clients: 1, key_bytes: 8, value_bytes: 64, keys: 100}
groups:
  - {name: all, designs: [fixed], workloads: [put, other]}
levels:
  default: {blocks: 12, warmup: 1ms, measure: 1s}
`

const gateRules = `
alpha: 0.05
beta: 0.05
looks: [0.5, 1]
gates:
  - {metric: allocs, load: put, floor: 2}
plants:
  - {name: allocation, fault: allocations, floors: 3, metric: allocs, load: put}
`

// gateBench is a gate whose trials only say how many allocations each arm has.
type gateBench struct {
	*bench
	opts   GateOptions
	allocs map[string]int64
	shown  map[string][]string // counters of the arms' stores
}

func newGateBench(t *testing.T) *gateBench {
	g := &gateBench{bench: newBench(t), allocs: map[string]int64{"planted-allocation": 10}}
	g.bench.opts.Trial = g.trial
	require.NoError(t, os.WriteFile(g.bench.opts.Plan, []byte(gatePlan), 0o644))
	g.shown = map[string][]string{record.ArmBase: {"metastore_a_total", "metastore_b_total"}, record.ArmHead: {"metastore_a_total", "metastore_b_total"}}
	g.opts = GateOptions{Options: g.bench.opts, Rules: gateRules, Command: []string{"metabench", "gate"}}
	g.opts.Counters = func(_ context.Context, s trial.Spec) ([]string, error) {
		return g.shown[s.Cell.Options[record.OptionArm]], nil
	}
	for _, name := range []string{record.ArmBase, record.ArmHead, record.ArmAgain, "planted-allocation"} {
		g.opts.Arms = append(g.opts.Arms, GateArm{Arm: record.Arm{Name: name}, Binary: g.bench.opts.Metastore})
	}
	return g
}

func (g *gateBench) trial(ctx context.Context, s trial.Spec) (record.Trial, error) {
	t, err := g.bench.trial(ctx, s)
	t.Ops = []record.OpStats{{Op: record.OpPut, Count: 100}}
	t.Store.HeapAllocs = 7000 + 100*g.allocs[s.Cell.Options[record.OptionArm]] + int64(s.Block)
	return t, err
}

// TestGateRunsWhatIsUndecided checks that blocks hold each arm once, in one
// stretch, with a seed of their own, and that nothing runs once all is decided;
// loads that no gate is about are left out.
func TestGateRunsWhatIsUndecided(t *testing.T) {
	g := newGateBench(t)
	dir, err := Gate(t.Context(), g.opts)
	require.NoError(t, err)
	require.Len(t, g.specs, 1+4*6, "a pilot of head; decided at the first look, of six blocks")
	pilot := g.specs[0]
	require.Equal(t, record.ArmHead, pilot.Cell.Options[record.OptionArm])
	g.specs = g.specs[1:]
	for _, s := range g.specs {
		want, contend := "", ""
		if s.Cell.Options[record.OptionArm] == "planted-allocation" {
			want = "allocations=5" // three floors of 2 % of 70
			contend = record.ContendOff
		}
		require.Equal(t, want, s.Plant)
		require.Equal(t, contend, s.Cell.Options[record.OptionContend])
	}
	seeds := make(map[uint64]bool)
	for b := range 6 {
		arms := make(map[string]bool)
		for _, s := range g.specs[4*b : 4*b+4] {
			require.Equal(t, b, s.Block)
			require.Equal(t, g.specs[4*b].Seed, s.Seed)
			require.Equal(t, "put", s.Workload.Name)
			arms[s.Cell.Options[record.OptionArm]] = true
		}
		require.Len(t, arms, 4)
		seeds[g.specs[4*b].Seed] = true
	}
	require.Len(t, seeds, 6)
	run, err := record.ReadRun(dir)
	require.NoError(t, err)
	require.Len(t, run.Manifest.Gate.Arms, 4)
	require.Len(t, run.Trials, 4*6, "the pilot is not recorded")
	require.Equal(t, "5 allocations of 32 bytes more in every write, of 70", run.Manifest.Gate.Arm("planted-allocation").Fault)
	require.False(t, run.Manifest.Finished.IsZero())
	res, err := gate.Judge(run, nil)
	require.NoError(t, err)
	require.Equal(t, gate.Pass, res.Outcome, res.Reason)

	// Against that run's head, a new one with an allocation more per operation.
	g2 := newGateBench(t)
	g2.opts.Arms, g2.opts.Baseline = g2.opts.Arms[1:], &run
	g2.allocs = map[string]int64{record.ArmHead: 5, record.ArmAgain: 5, "planted-allocation": 15}
	dir, err = Gate(t.Context(), g2.opts)
	require.NoError(t, err)
	next, err := record.ReadRun(dir)
	require.NoError(t, err)
	require.Equal(t, run.Dir, next.Manifest.Gate.Baseline)
	res, err = gate.Judge(next, &run)
	require.NoError(t, err)
	require.Equal(t, gate.Regressed, res.Outcome, res.Reason)
}

// TestLostCounterEndsTheGate: there is nothing to run when head has lost a counter,
// unless a commit accepts it; only base, and what is accepted, may lack counters.
func TestLostCounterEndsTheGate(t *testing.T) {
	g := newGateBench(t)
	g.shown[record.ArmHead] = []string{"metastore_a_total", "metastore_new_total"}
	for i := range g.opts.Arms {
		g.opts.Arms[i].Ref = "v2" // as with --head
	}
	dir, err := Gate(t.Context(), g.opts)
	require.NoError(t, err)
	require.Empty(t, g.specs)
	run, err := record.ReadRun(dir)
	require.NoError(t, err)
	res, err := gate.Judge(run, nil)
	require.NoError(t, err)
	require.Equal(t, gate.Regressed, res.Outcome)
	require.Contains(t, res.Reason, "head no longer has counter metastore_b_total")

	for _, lost := range []bool{false, true} {
		g = newGateBench(t)
		if lost {
			g.shown[record.ArmHead] = nil
			g.opts.Accepted = []record.Accepted{{Metric: "metastore_a_total", Reason: "why"}, {Metric: "metastore_b_total", Reason: "why"}}
		}
		_, err = Gate(t.Context(), g.opts)
		require.NoError(t, err)
		require.NotEmpty(t, g.specs)
		for _, s := range g.specs {
			require.Equal(t, lost || s.Cell.Options[record.OptionArm] == record.ArmBase, s.Older)
		}
	}
}

// TestWrongAnswerEndsTheGate: nothing else matters, and the block is finished.
func TestWrongAnswerEndsTheGate(t *testing.T) {
	g := newGateBench(t)
	usual := g.opts.Trial
	g.opts.Trial = func(ctx context.Context, s trial.Spec) (record.Trial, error) {
		r, err := usual(ctx, s)
		if s.Block == 2 && s.Cell.Options[record.OptionArm] == record.ArmHead {
			r.Void, r.Checks = "check answers failed: a get missed a put", []record.Check{{Name: "answers"}}
		}
		return r, err
	}
	dir, err := Gate(t.Context(), g.opts)
	require.NoError(t, err)
	run, err := record.ReadRun(dir)
	require.NoError(t, err)
	require.Equal(t, "head failed a check in block 2", run.Manifest.Gate.Stopped)
	require.Len(t, run.Trials, 3*4)
	res, err := gate.Judge(run, nil)
	require.NoError(t, err)
	require.Equal(t, gate.Regressed, res.Outcome)
}

// TestGateStopsAtItsBudget: no block is begun that would end behind it, and one that
// cannot hold a block is refused with what is needed. The clock is the test's: builds
// take 30 s, a trial 1 s.
func TestGateStopsAtItsBudget(t *testing.T) {
	timed := func(budget time.Duration) *gateBench {
		g := newGateBench(t)
		now := time.Unix(0, 0)
		g.opts.Budget, g.opts.Began = budget, now
		now = now.Add(30 * time.Second)
		g.opts.Now = func() time.Time { return now }
		usual := g.opts.Trial
		g.opts.Trial = func(ctx context.Context, s trial.Spec) (record.Trial, error) {
			now = now.Add(time.Second)
			return usual(ctx, s)
		}
		return g
	}
	dir, err := Gate(t.Context(), timed(41*time.Second).opts)
	require.NoError(t, err)
	run, err := record.ReadRun(dir)
	require.NoError(t, err)
	require.Equal(t, "the budget of 41s was used up after 2 of 12 blocks, of which the next takes 5s", run.Manifest.Gate.Stopped)
	require.Len(t, run.Trials, 8)

	g := timed(34 * time.Second)
	_, err = Gate(t.Context(), g.opts)
	require.ErrorIs(t, err, ErrBudget)
	require.ErrorContains(t, err, "builds and a trial of each load took 32s, a block takes 5s; accepted: 36s or more, and about 56s for the first verdicts, after 6 blocks")
	require.Len(t, g.specs, 1, "only the pilot")
}

func TestGateIsInterrupted(t *testing.T) {
	g := newGateBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	g.opts.Trial = func(ctx context.Context, s trial.Spec) (record.Trial, error) {
		cancel()
		return record.Trial{}, ctx.Err()
	}
	_, err := Gate(ctx, g.opts)
	require.ErrorIs(t, err, ErrInterrupted)
	left, err := filepath.Glob(filepath.Join(g.opts.Out, tempPattern))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestGateThatCannotBeMade(t *testing.T) {
	g := newGateBench(t)
	g.opts.Arms = g.opts.Arms[:1]
	_, err := Gate(t.Context(), g.opts)
	require.ErrorIs(t, err, ErrArm)
	require.ErrorContains(t, err, "no arm head")

	g = newGateBench(t)
	g.opts.Trial = func(_ context.Context, s trial.Spec) (record.Trial, error) {
		return record.Trial{}, errors.New("no ready line")
	}
	_, err = Gate(t.Context(), g.opts)
	require.ErrorIs(t, err, ErrArm)
	require.ErrorContains(t, err, "load put: store cannot be driven: no ready line")

	g = newGateBench(t)
	usual := g.opts.Trial
	g.opts.Trial = func(ctx context.Context, s trial.Spec) (record.Trial, error) {
		r, err := usual(ctx, s)
		if s.Cell.Options[record.OptionArm] == record.ArmBase {
			r.Void = "store's metrics: metastore_wal_bytes_total: missing"
		}
		return r, err
	}
	_, err = Gate(t.Context(), g.opts)
	require.ErrorIs(t, err, ErrArm)
	require.ErrorContains(t, err, "arm base, load put: store cannot be driven: store's metrics")

	g = newGateBench(t)
	require.NoError(t, os.WriteFile(g.opts.Plan, []byte(strings.Replace(gatePlan, "designs: [fixed],", "designs: [fixed], vary: {propose: [perop, batch]},", 1)), 0o644))
	_, err = Gate(t.Context(), g.opts)
	require.ErrorIs(t, err, ErrGatePlan)
	require.ErrorContains(t, err, "workload put is in more than one cell")
}

// TestOptionsOfAnOlderStore checks that an axis which a store lacks is dropped only
// where that makes both sides the same.
func TestOptionsOfAnOlderStore(t *testing.T) {
	axis := func(name string, values ...string) plan.Axis {
		a := plan.Axis{Name: name}
		for i, v := range values {
			a.Values = append(a.Values, plan.Value{Name: v, Baseline: i == 0, Available: true})
		}
		return a
	}
	head := plan.Catalog{axis("propose", "perop", "batch"), axis("pool", "off", "on")}
	old := plan.Catalog{axis("propose", "perop", "batch")}
	fit, dropped, err := fitOptions(map[string]string{"propose": "batch", "pool": "off"}, head, old)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"propose": "batch"}, fit)
	require.Equal(t, []string{"pool"}, dropped)
	_, _, err = fitOptions(map[string]string{"propose": "batch", "pool": "on"}, head, old)
	require.ErrorContains(t, err, "its store has no axis pool, and the plan asks for on; accepted: off")
	_, _, err = fitOptions(map[string]string{"propose": "batch"}, head, plan.Catalog{axis("propose", "perop")})
	require.ErrorContains(t, err, `unknown value "batch" of axis propose; accepted: perop`)
}
