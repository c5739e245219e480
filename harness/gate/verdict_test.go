package gate

import (
	"encoding/json"
	"encoding/xml"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

const testRules = `
alpha: 0.05
beta: 0.05
looks: [0.5, 1]
gates:
  - {metric: allocs, load: put, floor: 2}
  - {metric: entries_per_ready, load: put, floor: 2}
  - {metric: throughput, load: put, floor: 5}
plants:
  - {name: allocation, metric: allocs, load: put}
  - {name: delay, metric: throughput, load: put}
`

// arms are the means of a simulated store: how it differs from a usual one.
type armTruth struct{ allocs, ops, stage float64 }

// simulated makes the records of a gate of so many blocks.
func simulated(blocks int, truths map[string]armTruth) record.Run {
	m := record.Manifest{Schema: record.Schema, Plan: "gate", Level: "default", Blocks: blocks, Gate: &record.Gate{Rule: Rule, Rules: testRules}}
	rng := rand.New(rand.NewPCG(7, 7))
	var trials []record.Trial
	arms := []string{record.ArmBase, record.ArmHead, record.ArmAgain}
	for _, arm := range slices.Sorted(maps.Keys(truths)) {
		if strings.HasPrefix(arm, record.ArmPlanted) {
			arms = append(arms, arm)
		}
	}
	for _, arm := range arms {
		truth := truths[arm]
		a := record.Arm{Name: arm, Commit: "0123456789abcdef", Subject: "store: " + arm}
		if strings.HasPrefix(arm, record.ArmPlanted) {
			a.Fault = "a known " + arm
		}
		m.Gate.Arms = append(m.Gate.Arms, a)
		cell := record.Cell{ID: "memory/put" + ArmSuffix(arm), Workload: "put", Target: "metastore", Options: map[string]string{record.OptionArm: arm}}
		m.Cells = append(m.Cells, cell)
		for b := range blocks {
			const ops = 10_000
			slow := 1 + 0.01*rng.NormFloat64()
			trials = append(trials, record.Trial{
				Schema: record.Schema, Cell: cell.ID, Block: b, MeasureNS: int64(1e9 / (1 + truth.ops) * slow), Durability: record.TierSynced,
				Workload: record.Workload{Name: "put"}, Ops: []record.OpStats{{Op: record.OpPut, Count: ops}},
				Store:     record.Process{HeapAllocs: int64(ops * (70 + truth.allocs + 0.2*rng.NormFloat64()))},
				Mechanism: &record.Mechanism{AppliedOps: ops, Readys: ops, ReadyEntries: ops, Proposals: ops, ProposedOps: ops, Fsyncs: ops, WALBytes: 300 * ops},
				Stages:    &record.Stages{Samples: 100, SumNS: map[string]int64{record.StageApply: int64(1e6 * (1 + truth.stage)), record.StageEncode: 5e5}},
			})
		}
	}
	return record.Run{Dir: "run", Manifest: m, Trials: trials}
}

// relay adds an arm that is base but for a truth.
func relay(run *record.Run, name string, truth armTruth) {
	base := *run.Manifest.Gate.Arm(record.ArmBase)
	base.Name = name
	run.Manifest.Gate.Arms = append(run.Manifest.Gate.Arms, base)
	for _, c := range run.Manifest.Cells {
		if c.Options[record.OptionArm] == record.ArmBase {
			c.ID, c.Options = strings.Replace(c.ID, record.ArmBase, name, 1), map[string]string{record.OptionArm: name}
			run.Manifest.Cells = append(run.Manifest.Cells, c)
		}
	}
	for _, t := range run.Trials {
		if armOf(run.Manifest, t.Cell) == record.ArmBase {
			t.Cell = strings.Replace(t.Cell, record.ArmBase, name, 1)
			t.MeasureNS = int64(float64(t.MeasureNS) / (1 + truth.ops))
			t.Store.HeapAllocs += int64(truth.allocs * float64(t.Ops[0].Count))
			run.Trials = append(run.Trials, t)
		}
	}
}

// found are the truths of planted arms.
func truths(head armTruth) map[string]armTruth {
	return map[string]armTruth{
		record.ArmHead: head, record.ArmAgain: head,
		record.ArmPlanted + "allocation": {allocs: head.allocs + 5, ops: head.ops},
		record.ArmPlanted + "delay":      {allocs: head.allocs, ops: head.ops - 0.15},
	}
}

func judge(t *testing.T, run record.Run) *Result {
	t.Helper()
	res, err := Judge(run, nil)
	require.NoError(t, err)
	return res
}

func TestEqualRevisionsPass(t *testing.T) {
	res := judge(t, simulated(24, truths(armTruth{})))
	require.Equal(t, Pass, res.Outcome, res.Reason)
	require.Len(t, res.Rows, 3)
	require.Len(t, res.Tests, 3)
	for _, test := range res.Tests {
		require.Empty(t, test.Failures())
	}
}

// TestPlacebo: what another layout of base changes is said, counts included, and a
// time regresses only if it is worse than both layouts.
func TestPlacebo(t *testing.T) {
	run := simulated(24, truths(armTruth{ops: -0.12}))
	require.Contains(t, judge(t, run).Markdown(), "placebo: none;")
	relay(&run, record.ArmPlacebo, armTruth{})
	res := judge(t, run)
	require.Equal(t, Regressed, res.Outcome)
	require.Contains(t, res.Markdown(), "placebo: base under another layout: 0 of 3 gates called different.")

	run = simulated(24, truths(armTruth{ops: -0.12}))
	relay(&run, record.ArmPlacebo, armTruth{ops: -0.12})
	res = judge(t, run)
	require.NotEqual(t, Regressed, res.Outcome, "it is as fast as base in another layout")
	require.InDelta(t, 0.064, res.Rows[2].Layout, 0.005)
	require.Contains(t, res.Markdown(), "placebo: base under another layout: 1 of 3 gates called different (throughput@put -12")
	require.Zero(t, res.Rows[0].Layout, "counts are as they are")
}

// TestOthersOnTheMachine: times of blocks in which others used the machine are left
// out, and that is said; counts stay.
func TestOthersOnTheMachine(t *testing.T) {
	run := simulated(24, truths(armTruth{allocs: 3}))
	for i := range run.Trials {
		m := &record.Machine{UserSeconds: 1, SystemSeconds: 0.5, IdleSeconds: 0.5}
		run.Trials[i].Store.CPUUserSeconds, run.Trials[i].Client.CPUUserSeconds = 0.7, 0.8
		if run.Trials[i].Block%2 == 1 {
			if m.StealSeconds = 0.5; run.Trials[i].Block%4 == 1 {
				m.StealSeconds, m.UserSeconds = 0, 1.5
			}
			run.Trials[i].MeasureNS *= 3
		}
		run.Trials[i].Machine = m
	}
	res := judge(t, run)
	require.Equal(t, []Disturbance{{"put", 12, 24}}, res.Disturbed)
	require.Equal(t, 12, res.Rows[0].N)
	require.Equal(t, Regressed, res.Rows[0].Verdict)
	require.Equal(t, 12, res.Rows[2].N, "of 24 blocks")
	require.Contains(t, res.Markdown(), "used more than 15.0 % of the machine in 12 of 24 blocks of put: their times are left out")

	for i := range run.Trials {
		run.Trials[i].Machine.StealSeconds = 1
		run.Trials[i].Store.HeapAllocs = 700_000
	}
	res = judge(t, run)
	require.Equal(t, Inconclusive, res.Rows[2].Verdict)
	require.Equal(t, Inconclusive, res.Outcome)
}

// TestLossIsNamedWithItsCulprit checks the verdict, the hints and every form of
// output of a head with three more allocations and a longer apply stage.
func TestLossIsNamedWithItsCulprit(t *testing.T) {
	run := simulated(24, truths(armTruth{allocs: 3, ops: -0.12, stage: 0.5}))
	run.Manifest.Gate.Changes = []record.Change{{Commit: "fedcba9876543210", Subject: "apply: look twice", Files: []string{"core/apply/apply.go"}}}
	res := judge(t, run)
	require.Equal(t, Regressed, res.Outcome, res.Reason)
	require.Equal(t, "2 of 3 gates regressed", res.Reason)
	require.Equal(t, Regressed, res.Rows[0].Verdict)
	require.Equal(t, Pass, res.Rows[1].Verdict)
	require.InDelta(t, 0.88, res.Rows[2].Gate.Ratio(res.Rows[2].Mean), 0.01)
	var names []string
	for _, h := range res.Rows[2].Hints {
		names = append(names, h.Metric.Name)
	}
	require.Equal(t, []string{"allocs", "stage_apply"}, names)

	golden := filepath.Join("testdata", "regressed.md")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(res.Markdown()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), res.Markdown(), "UPDATE_GOLDEN=1 go test ./harness/gate rewrites it")

	b, err := res.JSON()
	require.NoError(t, err)
	var parsed resultJSON
	require.NoError(t, json.Unmarshal(b, &parsed))
	require.Equal(t, Regressed, parsed.Outcome)
	require.NotEmpty(t, parsed.Gates[0].Hints)
	require.True(t, parsed.SelfTest[0].OK)

	b, err = res.JUnit()
	require.NoError(t, err)
	var junit suites
	require.NoError(t, xml.Unmarshal(b, &junit))
	require.Equal(t, 3, junit.Suites[0].Tests)
	require.Equal(t, 2, junit.Suites[0].Failures)
	require.Zero(t, junit.Suites[1].Failures)
}

func TestAcceptedLossPasses(t *testing.T) {
	run := simulated(24, truths(armTruth{allocs: 3}))
	run.Manifest.Gate.Accepted = []record.Accepted{{Metric: "allocs", Reason: "pooled buffers removed", Commit: "c0ffee"}}
	res := judge(t, run)
	require.Equal(t, Pass, res.Outcome, res.Reason)
	require.Equal(t, "1 of 3 gates regressed, which commits accept", res.Reason)
	require.Contains(t, res.Markdown(), "Accepted by commit c0ffee: allocs@put - pooled buffers removed")
	b, err := res.JUnit()
	require.NoError(t, err)
	require.Contains(t, string(b), `message="accepted: pooled buffers removed"`)
}

// TestMachineThatCannotGate checks that a fault which is not found, and a build
// that seems worse than itself, make a run inconclusive that found nothing. What it
// did find stays, with a warning.
func TestMachineThatCannotGate(t *testing.T) {
	blind := truths(armTruth{})
	blind[record.ArmPlanted+"delay"] = armTruth{}
	res := judge(t, simulated(24, blind))
	require.Equal(t, Inconclusive, res.Outcome)
	require.Contains(t, res.Reason, "this machine cannot gate today: 1 rows")

	differs := truths(armTruth{})
	differs[record.ArmAgain] = armTruth{ops: -0.2}
	res = judge(t, simulated(24, differs))
	require.Equal(t, Inconclusive, res.Outcome)
	require.Contains(t, res.Markdown(), "|head against itself|throughput@put|")

	// 50 allocations more: what was planted, 5, is then below its floor.
	large := truths(armTruth{allocs: 350})
	res = judge(t, simulated(24, large))
	require.NotEmpty(t, res.Tests[1].Failures())
	require.Equal(t, Regressed, res.Outcome)
	require.Equal(t, "1 of 3 gates regressed; 1 rows of the self-test failed too, so that sizes are uncertain", res.Reason)
}

// TestLostCounters: what base shows and head does not fails by its name, unless a
// commit accepts it; what base does not show yet is no fault.
func TestLostCounters(t *testing.T) {
	run := simulated(24, truths(armTruth{}))
	run.Manifest.Gate.Lost = []string{"metastore_wal_bytes_total"}
	run.Manifest.Gate.Changes = []record.Change{{Commit: "fedcba9876543210", Subject: "wal: fewer counters", Files: []string{"core/wal/log.go"}}}
	run.Trials = nil // there is nothing to run
	res := judge(t, run)
	require.Equal(t, Regressed, res.Outcome)
	require.Equal(t, "head no longer has counter metastore_wal_bytes_total, which no commit accepts", res.Reason)
	require.Contains(t, res.Markdown(), "`fedcba987654` (wal: fewer counters): core/wal/log.go")

	untold := func(arms ...string) record.Run {
		run := simulated(24, truths(armTruth{}))
		for i := range run.Trials {
			if slices.Contains(arms, armOf(run.Manifest, run.Trials[i].Cell)) {
				run.Trials[i].Mechanism.Readys = record.Untold
			}
		}
		return run
	}
	res = judge(t, untold(record.ArmBase))
	require.Equal(t, Untold, res.Rows[1].Verdict)
	require.Equal(t, Pass, res.Outcome, res.Reason)
	head := []string{record.ArmHead, record.ArmAgain}
	require.Equal(t, Inconclusive, judge(t, untold(head...)).Outcome, "head must tell what base does")
	accepted := untold(head...)
	accepted.Manifest.Gate.Lost = []string{"metastore_raft_ready_entries"}
	accepted.Manifest.Gate.Accepted = []record.Accepted{{Metric: "metastore_raft_ready_entries", Reason: "nobody read it", Commit: "c0ffee"}}
	res = judge(t, accepted)
	require.Equal(t, Pass, res.Outcome, res.Reason)
	require.Contains(t, res.Markdown(), "head has lost counter metastore_raft_ready_entries - nobody read it")
}

func TestStoppedRunIsInconclusive(t *testing.T) {
	run := simulated(24, truths(armTruth{}))
	var kept []record.Trial
	for _, trial := range run.Trials {
		if trial.Block < 4 || trial.Cell != "memory/put/arm=base" && trial.Block < 12 {
			kept = append(kept, trial)
		}
	}
	run.Trials = kept
	run.Manifest.Gate.Stopped = "the budget of 1m0s was used up"
	res := judge(t, run)
	require.Equal(t, Inconclusive, res.Outcome)
	require.Contains(t, res.Reason, "3 of 3 gates could not be decided: the budget of 1m0s was used up")
}

// TestWrongAnswersFail: a check that head fails counts whatever base did, and in
// whatever way base failed. A store that ended by itself may be the machine's fault
// if base's did too.
func TestWrongAnswersFail(t *testing.T) {
	const answers, start = "check answers failed: a get missed a put", "trial failed: target did not start"
	spoiled := func(voids map[string]string) record.Run {
		run := simulated(24, truths(armTruth{}))
		for i := range run.Trials {
			trial := &run.Trials[i]
			if why := voids[armOf(run.Manifest, trial.Cell)]; why != "" && trial.Block == 3 {
				trial.Void = why
				if why == answers {
					trial.Checks = []record.Check{{Name: "errors", OK: true}, {Name: "answers"}}
				}
			}
		}
		return run
	}
	for _, c := range []struct {
		name  string
		voids map[string]string
		want  Verdict
	}{
		{"head answers wrongly", map[string]string{record.ArmHead: answers}, Regressed},
		{"head does in its second arm", map[string]string{record.ArmAgain: answers}, Regressed},
		{"both do", map[string]string{record.ArmHead: answers, record.ArmBase: answers}, Regressed},
		{"base did not start once", map[string]string{record.ArmHead: answers, record.ArmBase: start}, Regressed},
		{"base alone", map[string]string{record.ArmBase: answers}, Pass},
		{"head did not start once", map[string]string{record.ArmHead: start}, Regressed},
		{"neither did", map[string]string{record.ArmHead: start, record.ArmBase: start}, Pass},
		{"a planted build", map[string]string{record.ArmPlanted + "delay": answers}, Pass},
	} {
		res := judge(t, spoiled(c.voids))
		require.Equal(t, c.want, res.Outcome, "%s: %s", c.name, res.Reason)
	}
	run := spoiled(map[string]string{record.ArmHead: answers})
	run.Manifest.Gate.Changes = []record.Change{{Commit: "fedcba9876543210", Subject: "apply: quicker", Files: []string{"core/apply/apply.go"}}}
	res := judge(t, run)
	require.Contains(t, res.Reason, "head failed in 1 trials, first in memory/put/arm=head, block 3: check answers failed")
	require.Contains(t, res.Markdown(), "`fedcba987654` (apply: quicker): core/apply/apply.go")
	// A trace that does not add up is no wrong answer.
	for i := range run.Trials {
		if len(run.Trials[i].Checks) > 0 {
			run.Trials[i].Checks = []record.Check{{Name: "answers", OK: true}, {Name: record.CheckStages}}
		}
	}
	require.Equal(t, Pass, judge(t, run).Outcome)
}

func TestRecordsThatAreNoGate(t *testing.T) {
	run := simulated(24, truths(armTruth{}))
	run.Manifest.Gate.Rule--
	_, err := Judge(run, nil)
	require.ErrorIs(t, err, ErrRecords)
	require.ErrorContains(t, err, "was stopped by version 0 of the rule; accepted: 1")
	run.Manifest.Gate = nil
	_, err = Judge(run, nil)
	require.ErrorIs(t, err, ErrRecords)
	run = simulated(24, truths(armTruth{}))
	run.Trials[0].Cell = "other"
	_, err = Judge(run, nil)
	require.ErrorIs(t, err, ErrRecords)
	run = simulated(24, truths(armTruth{}))
	run.Manifest.Cells[0].Options[record.OptionArm] = "other"
	_, err = Judge(run, nil)
	require.ErrorIs(t, err, ErrRecords)
}

// writeRun writes a run's files, as one that has ended or not.
func writeRun(t *testing.T, dir string, run record.Run, ended bool) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	if !ended {
		run.Manifest.Finished = time.Time{}
	}
	require.NoError(t, record.WriteManifest(dir, run.Manifest))
	log, _, err := record.OpenLog(dir)
	require.NoError(t, err)
	for _, trial := range run.Trials {
		require.NoError(t, log.Append(trial))
	}
	require.NoError(t, log.Close())
}
