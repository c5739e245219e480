package gate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

func TestBaselineMustFit(t *testing.T) {
	stored := simulated(6, truths(armTruth{}))
	stored.Manifest.Env.CPUModel, stored.Manifest.Env.MemoryBytes = "one", 1<<30
	now := stored.Manifest
	now.Gate = &record.Gate{Rules: testRules}
	require.NoError(t, CheckBaseline(stored, now))
	now.Env.CPUModel, now.Env.MemoryBytes, now.Env.GoVersion = "another", 1<<31, "go1.0"
	now.PlanYAML, now.Level, now.Gate.Rules = "other", "full", "other"
	err := CheckBaseline(stored, now)
	require.ErrorIs(t, err, ErrBaseline)
	for _, want := range []string{"CPU model one and another", "memory 1.0 GiB and 2.0 GiB", "Go  and go1.0", "level default and full", "the text of the plan", "the text of the rules"} {
		require.ErrorContains(t, err, want)
	}
	stored.Manifest.Gate = nil
	require.ErrorContains(t, CheckBaseline(stored, now), "was made by plan gate, not by metabench gate")
}
