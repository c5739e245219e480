package trial

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/trial/fakestore"
	"metastorebench/harness/workload"
)

// tracedSpec is a trial of a store that traces every write.
func tracedSpec(t *testing.T, fault string) Spec {
	s := spec(t, workload.TypePut, fault)
	s.Cell.Options[optionStageSample] = "1"
	return s
}

func TestStagesAreRecorded(t *testing.T) {
	got, err := Run(t.Context(), tracedSpec(t, fakestore.FaultNone))
	require.NoError(t, err)
	require.Empty(t, got.Void)
	require.Contains(t, checks(got), "stages")
	s := got.Stages
	require.NotNil(t, s)
	require.Equal(t, int64(1), s.SampleEvery)
	require.Equal(t, got.Mechanism.AppliedOps, s.Samples)
	require.Len(t, s.SumNS, len(record.StageNames()))
	for _, stage := range record.StageNames() {
		require.InDelta(t, 1000*s.Samples, s.SumNS[stage], float64(s.Samples), stage)
	}
	require.InDelta(t, 7000*s.Samples, s.TotalNS, float64(s.Samples))
}

func TestStagesThatDoNotAddUpVoidTheTrial(t *testing.T) {
	got, err := Run(t.Context(), tracedSpec(t, fakestore.FaultStages))
	require.NoError(t, err)
	require.Contains(t, got.Void, "check stages failed")
	require.Contains(t, got.Void, "differ by 7000 ns per write")
}

// tracedStages are those of one write in 16: each stage of so many ns, and their total.
func tracedStages(samples, each, total int64) *record.Stages {
	s := &record.Stages{SampleEvery: 16, Samples: samples, TotalNS: total * samples, SumNS: map[string]int64{}}
	for _, name := range record.StageNames() {
		s.SumNS[name] = each * samples
	}
	return s
}

func TestCheckStages(t *testing.T) {
	client := moments{n: 16_000, mean: 800_000, deviation: 100_000, max: 1_200_000}
	for _, tc := range []struct {
		name       string
		stages     *record.Stages
		incomplete int64
		ok         bool
	}{
		{"sound", tracedStages(1000, 100_000, 700_000), 0, true},
		{"apart by the clock's readings", tracedStages(1000, 100_000, 700_900), 0, true},
		{"one incomplete", tracedStages(1000, 100_000, 700_000), 1, false},
		{"sum above the total", tracedStages(1000, 110_000, 700_000), 0, false},
		{"sum below the total", tracedStages(1000, 90_000, 700_000), 0, false},
		{"slower than the client says", tracedStages(1000, 120_000, 840_000), 0, false},
		{"slower, by chance: few samples", tracedStages(100, 120_000, 840_000), 0, true},
		{"none traced", tracedStages(0, 0, 0), 0, false},
	} {
		c := checkStages(tc.stages, tc.incomplete, client, 4)
		require.Equal(t, "stages", c.Name)
		require.Equal(t, tc.ok, c.OK, "%s: %s", tc.name, c.Detail)
	}
}

// TestTooFewStages: what is right of too few writes is not OK, and no failure either.
func TestTooFewStages(t *testing.T) {
	client := moments{n: 16_000, mean: 800_000, deviation: 100_000, max: 1_200_000}
	for _, tc := range []struct {
		name       string
		stages     *record.Stages
		incomplete int64
		service    moments
		clients    int
		want       string
	}{
		{"too few writes for one in 16 to be sure", tracedStages(0, 0, 0), 0, moments{n: 159}, 4, "too few"},
		{"one in 16 is sure", tracedStages(0, 0, 0), 0, moments{n: 160}, 4, record.OutcomeFailed},
		{"a handful", tracedStages(5, 100_000, 700_000), 0, client, 4, record.OutcomeOK},
		{"less", tracedStages(4, 100_000, 700_000), 0, client, 4, "too few"},
		{"less, one incomplete", tracedStages(4, 100_000, 700_000), 1, client, 4, record.OutcomeFailed},
		{"all may be of the window's edges", tracedStages(8, 100_000, 700_000), 0, client, 64, "too few"},
		{"one is not", tracedStages(8, 100_000, 700_000), 0, client, 63, record.OutcomeOK},
		{"slow ones of the edges", tracedStages(8, 500_000, 500_000*7), 0, client, 64, "too few"},
		{"one is not", tracedStages(8, 500_000, 500_000*7), 0, client, 63, record.OutcomeFailed},
	} {
		c := checkStages(tc.stages, tc.incomplete, tc.service, tc.clients)
		require.Equal(t, tc.want, c.Outcome(), "%s: %s", tc.name, c.Detail)
	}
}

func TestStageCountersAreWholeOrAbsent(t *testing.T) {
	const traced = page + `# TYPE metastore_stage_seconds summary
metastore_stage_seconds_sum{stage="decode"} 0.001
metastore_stage_seconds_count{stage="decode"} 5
# TYPE metastore_stage_total_seconds summary
metastore_stage_total_seconds_sum 0.002
metastore_stage_total_seconds_count 6
`
	c, err := parsePage(strings.NewReader(page))
	require.NoError(t, err)
	require.Nil(t, c.stages)
	_, err = parsePage(strings.NewReader(traced))
	require.ErrorIs(t, err, ErrMetrics)
	for _, want := range []string{
		"metastore_stage_incomplete_total: missing", "metastore_stage_seconds: missing encode",
		"metastore_stage_seconds: stage decode counts 5 writes, the total 6",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = parsePage(strings.NewReader(strings.ReplaceAll(traced, "metastore_stage_total_seconds summary", "metastore_stage_total_seconds gauge")))
	require.ErrorIs(t, err, ErrMetrics)
}
