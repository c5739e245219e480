package facts_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/facts"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

// answerOf is the answer of a synthetic run of phase 1.
func answerOf(t *testing.T, asked plan.Asked, edit func(*record.Manifest)) []string {
	t.Helper()
	m, trials := statstest.Phase1(full)
	if edit != nil {
		edit(&m)
	}
	asked.Axes = []string{"engine", "disk"}
	d, err := facts.Of(runOf(t, m, trials), asked)
	require.NoError(t, err)
	return d.Answer
}

// TestAnswerOfItems: what all make on each disk, the one nearest to the claims first,
// which made it, what did nothing, verdicts and checks.
func TestAnswerOfItems(t *testing.T) {
	asked := plan.Asked{
		Claims: []plan.Claim{one("batch", alone("P1.1", 6, 11))},
		Views:  []plan.View{{ID: "shares", Kind: "attribution", Where: plan.Selector{"group": {"factorial"}}}},
	}
	lines := answerOf(t, asked, nil)
	require.Len(t, lines, 5, lines)
	require.Regexp(t, `^All items against none, put throughput: 2\d\.\d \[.*\] times on plan disk \(put50, memory, \d+ to \d,\d+ ops/s\); .* times on native disk \(put50, memory, .* ops/s\)\.$`, lines[0])
	require.Regexp(t, `^What made it: plan disk: P1\.1 propose 2\d\.\d \[.*\] times alone.*; native disk: P1\.1 propose .* times \(\d\d\.\d % of it\)`, lines[1])
	require.Contains(t, lines[2], "P1.4 rpc")
	require.Regexp(t, `(Did nothing, within 5 %: |Not resolved: ).* on plan disk`, lines[2])
	require.Equal(t, "Predictions: partly 1.", lines[3])
	require.Regexp(t, `^[\d,]+ trials in 6 blocks, 1 void; 16 cells could not run\. Checks of the answers: `, lines[4])
}

// TestAnswerStepByStep follows the rungs of a plan beside its items.
func TestAnswerStepByStep(t *testing.T) {
	rung := func(name, propose, codec, apply, rpc string) plan.Rung {
		return plan.Rung{Name: name, Where: plan.Selector{"group": {"ladder"}, "propose": {propose}, "codec": {codec}, "apply": {apply}, "rpc": {rpc}}}
	}
	start, middle, end := rung("start", "perop", "json", "perop", "default"), rung("middle", "batch", "json", "perop", "default"), rung("end", "batch", "protobuf", "batch", "tuned")
	lines := answerOf(t, plan.Asked{Rungs: []plan.Rung{start, middle, end}}, nil)
	require.Regexp(t, `\. Step by step, from \d+ ops/s on plan disk \(put50, memory\): middle 2\d\.\d \[.*\] times start, end .* times middle.*\.$`, lines[0])

	delete(start.Where, "rpc")
	lines = answerOf(t, plan.Asked{Rungs: []plan.Rung{start, middle, end}}, nil)
	require.Contains(t, lines[0], "All items against none")
	require.NotContains(t, lines[0], "Step by step", "two cells are on the first rung")
}

// TestAnswerWithoutItems: the slowest and the fastest cell of what most cells are, with
// what bounds them.
func TestAnswerWithoutItems(t *testing.T) {
	lines := answerOf(t, plan.Asked{Views: []plan.View{{
		ID: "cells", Kind: "cells", Where: plan.Selector{"group": {"sync"}}, Against: plan.Selector{"propose": {"perop"}}, Metrics: []string{"throughput"}, Ratios: []string{"throughput"},
	}}}, func(m *record.Manifest) { m.PlanYAML = "name: own" })
	require.Len(t, lines, 2, lines)
	require.Regexp(t, `^Put throughput under put50 goes from \d+ ops/s \(memory, plan disk, .*propose=perop, .*; bound by the device\) to .* ops/s \(.*native disk, .*propose=batch, .*\)\. The latter is .* times that of propose=perop`, lines[0])
}

// TestAnswerOfNothing: a run without a trial says so.
func TestAnswerOfNothing(t *testing.T) {
	m, _ := statstest.Phase1(full)
	run, err := stats.NewRun(m, nil)
	require.NoError(t, err)
	d, err := facts.Of(run, plan.Asked{})
	require.NoError(t, err)
	require.Equal(t, []string{"0 trials in 6 blocks, 0 void; 16 cells could not run. Checks of the answers: none."}, d.Answer)
	require.False(t, strings.Contains(d.Answer[0], "n/a"))
}
