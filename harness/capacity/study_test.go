package capacity_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/capacity"
	"metastorebench/harness/capacity/capacitytest"
	"metastorebench/harness/record"
)

var queues = []capacitytest.Queue{{Rate: 4000}, {Rate: 20_000}}

func TestStudyFindsTheCapacityOfQueues(t *testing.T) {
	spec := capacitytest.Spec()
	m, trials := capacitytest.Run(spec, queues)
	study, err := capacity.Replay(spec, trials)
	require.NoError(t, err)
	require.NoError(t, study.Err())
	for i, o := range study.Outcomes() {
		truth := queues[i].Rate - math.Log(100)/0.005 // p99 = ln(100)/(service - offered) = 5 ms
		require.True(t, o.Done)
		require.InEpsilon(t, truth, o.Met, 0.06, o)
		require.LessOrEqual(t, o.NotMet/o.Met, 1.05)
	}
	require.InEpsilon(t, 0.8*study.Outcomes()[0].Met, study.CommonRate(), 1e-3)

	count := map[string]int{}
	for _, tr := range trials {
		count[tr.Cell]++
	}
	for i := range spec.Variants {
		require.Len(t, study.Loads(i), 9)
		require.Equal(t, "110%", study.Loads(i)[7].Load)
		for _, a := range study.Loads(i) {
			require.Equal(t, spec.Blocks, count[spec.Cell(a).ID], "%v", a)
			require.Equal(t, capacity.GroupCompare, spec.Cell(a).Group)
		}
	}
	require.Equal(t, "memory/put/baseline/rate=1000", spec.Cell(capacity.Ask{Rate: 1000}).ID)
	require.Len(t, m.Cells, len(count))
	n, planned := study.Left()
	require.Zero(t, n)
	require.Zero(t, planned)
}

// TestStudyIsInterleaved looks at the first rounds: each has one trial of every
// variant.
func TestStudyIsInterleaved(t *testing.T) {
	_, trials := capacitytest.Run(capacitytest.Spec(), queues)
	for i := 0; i < 12; i += 2 {
		require.NotEqual(t, trials[i].Workload.Name+trials[i].Cell[:16], trials[i+1].Workload.Name+trials[i+1].Cell[:16], "trials %d and %d", i, i+1)
	}
}

// TestReplayResumes cuts the records at every place: what the study asks next is
// what was asked the first time.
func TestReplayResumes(t *testing.T) {
	spec := capacitytest.Spec()
	spec.Blocks = 1
	_, trials := capacitytest.Run(spec, queues)
	for cut := range trials {
		study, err := capacity.Replay(spec, trials[:cut])
		require.NoError(t, err)
		a, ok := study.Next()
		require.True(t, ok)
		require.Equal(t, trials[cut].Cell, spec.Cell(a).ID)
		require.Equal(t, trials[cut].Block, a.Block)
		require.Equal(t, trials[cut].Seed, spec.TrialSeed(a))
	}
}

func TestReplayRefusesOtherRecords(t *testing.T) {
	spec := capacitytest.Spec()
	_, trials := capacitytest.Run(spec, queues)
	other := spec
	other.Seed++
	_, err := capacity.Replay(other, trials)
	require.ErrorIs(t, err, capacity.ErrReplay)
	_, err = capacity.Replay(spec, trials[1:])
	require.ErrorIs(t, err, capacity.ErrReplay)
	_, err = capacity.Replay(spec, append(trials, trials[0]))
	require.ErrorIs(t, err, capacity.ErrReplay)
	require.ErrorContains(t, err, "complete")
}

func TestNothingMeets(t *testing.T) {
	spec := capacitytest.Spec()
	_, trials := capacitytest.Run(spec, []capacitytest.Queue{{Rate: 500}, {Rate: 20_000}})
	study, err := capacity.Replay(spec, trials)
	require.NoError(t, err)
	require.ErrorIs(t, study.Err(), capacity.ErrNothingMeets)
	for _, s := range []string{"baseline", "100 ops/s", "p99 is ", "above 5ms", "--rate-min"} {
		require.ErrorContains(t, study.Err(), s)
	}
	require.Nil(t, study.Loads(0))
	require.InEpsilon(t, 0.8*study.Outcomes()[1].Met, study.CommonRate(), 1e-3)
}

func TestEverythingMeets(t *testing.T) {
	spec := capacitytest.Spec()
	_, trials := capacitytest.Run(spec, []capacitytest.Queue{{Rate: 1e6}, {Rate: 1e6}})
	study, err := capacity.Replay(spec, trials)
	require.NoError(t, err)
	require.NoError(t, study.Err())
	require.Equal(t, "at least 100000 ops/s: the highest rate that was allowed meets the objective", study.Outcomes()[0].String())
}

// alone runs the search of one variant on a queue, with changes to its trials.
func alone(t *testing.T, change func(capacity.Ask, *record.Trial)) capacity.Outcome {
	t.Helper()
	spec := capacitytest.Spec()
	spec.Variants = spec.Variants[:1]
	study, err := capacity.NewStudy(spec)
	require.NoError(t, err)
	for {
		a, ok := study.Next()
		if !ok || a.Load != "" {
			return study.Outcomes()[0]
		}
		tr := capacitytest.Queue{Rate: 8000}.Trial(spec, a)
		change(a, &tr)
		require.NoError(t, study.Tell(&tr))
	}
}

func TestUnusableTrialsAreRepeatedAndThenGivenUp(t *testing.T) {
	once := alone(t, func(a capacity.Ask, tr *record.Trial) {
		if a.Order == 3 {
			tr.Void = "the store ended"
		}
	})
	require.Empty(t, once.AtLeast())
	require.InEpsilon(t, 8000-921, once.Met, 0.06)

	voids := 0
	o := alone(t, func(a capacity.Ask, tr *record.Trial) {
		if a.Rate > 4000 {
			require.Equal(t, voids, a.Block, "every attempt is a repeat of its own")
			voids++
			tr.Void = "the store ended"
		}
	})
	require.Equal(t, 3, voids)
	require.Equal(t, 4000.0, o.Met)
	require.Zero(t, o.NotMet)
	require.Contains(t, o.String(), "at least 4000 ops/s: 3 unusable trials in a row at 8000 ops/s: the store ended")
}

// TestALateGenerator cannot lower a capacity unnoticed.
func TestALateGenerator(t *testing.T) {
	late := func(tr *record.Trial) {
		tr.OpenLoop.TimingErrorHDR = capacitytest.Durations(20*time.Millisecond, 1000)
		tr.Void = "open loop: the generator could not keep up"
	}
	everywhere := alone(t, func(_ capacity.Ask, tr *record.Trial) { late(tr) })
	require.InEpsilon(t, 8000-921, everywhere.Met, 0.06, "what meets the objective all the same has met it")
	require.Contains(t, everywhere.String(), "at least ")
	require.Contains(t, everywhere.AtLeast(), "the generator was late at ")

	below := alone(t, func(a capacity.Ask, tr *record.Trial) {
		if a.Rate < 7000 {
			late(tr)
		}
	})
	require.Equal(t, everywhere.Met, below.Met)
	require.Empty(t, below.AtLeast())
}

func TestJudge(t *testing.T) {
	spec := capacitytest.Spec()
	at := func(rate float64) record.Trial {
		return capacitytest.Queue{Rate: 20_000}.Trial(spec, capacity.Ask{Variant: 1, Rate: rate})
	}
	for name, c := range map[string]struct {
		rate   float64
		change func(*record.Trial)
		want   capacity.Verdict
		says   string
	}{
		"idle":              {5000, func(*record.Trial) {}, capacity.Met, ""},
		"slow":              {19_900, func(*record.Trial) {}, capacity.NotMet, "p99 is "},
		"saturated":         {21_000, func(*record.Trial) {}, capacity.NotMet, "never sent"},
		"saturated, void":   {21_000, func(t *record.Trial) { t.Void = "unsent operations" }, capacity.NotMet, "never sent"},
		"failures":          {5000, func(t *record.Trial) { t.Ops[0].Count -= 200 }, capacity.NotMet, "200 of 10,000 due operations did not succeed"},
		"few failures":      {5000, func(t *record.Trial) { t.Ops[0].Count -= 50 }, capacity.Met, ""},
		"failed error rate": {5000, func(t *record.Trial) { t.Checks[0] = record.Check{Name: "errors", Detail: "50 of 10000 failed"} }, capacity.NotMet, "50 of 10000"},
		"wrong answers":     {21_000, func(t *record.Trial) { t.Checks[0].OK = false }, capacity.Unusable, "end-state"},
		"void":              {5000, func(t *record.Trial) { t.Void = "timing error" }, capacity.Unusable, "timing error"},
		"closed loop":       {5000, func(t *record.Trial) { t.OpenLoop = nil }, capacity.Unusable, "no open loop"},
		"beyond the range":  {5000, func(t *record.Trial) { t.Ops[0].OutOfRange = 500 }, capacity.NotMet, "p99 is infinite: of 10,000 due operations 0 were never sent, 500 times"},
		"few unsent":        {5000, func(t *record.Trial) { t.OpenLoop.Unsent = 10 }, capacity.Met, ""},
	} {
		tr := at(c.rate)
		c.change(&tr)
		j, err := spec.Judge(&tr)
		require.NoError(t, err, name)
		require.Equal(t, c.want, j.Verdict, "%s: %s", name, j.Reason)
		require.Contains(t, j.Reason, c.says, name)
	}

	strict := spec
	strict.Objectives = []capacity.Objective{{Percentile: 99.99, Limit: time.Second}}
	tr := at(5000)
	j, err := strict.Judge(&tr)
	require.NoError(t, err)
	require.Equal(t, capacity.Judgement{Verdict: capacity.Unusable, Reason: "p99.99 needs 100000 operations, the trial has 12000"}, j)

	// Ten operations in 10,000 that were never sent saturate nothing, but they have
	// their place in a percentile.
	strict.Objectives[0].Percentile = 99.9
	tr.OpenLoop.Unsent = 10
	j, err = strict.Judge(&tr)
	require.NoError(t, err)
	require.Equal(t, capacity.Met, j.Verdict, "10 of 12,010 are less than 0.1 %%: %s", j.Reason)
	tr.Ops[0].ResponseHDR, tr.Ops[0].OutOfRange = capacitytest.Durations(time.Millisecond, 9989), 1
	j, err = strict.Judge(&tr)
	require.NoError(t, err)
	require.Equal(t, capacity.NotMet, j.Verdict)
	require.Contains(t, j.Reason, "p99.9 is infinite: of 10,000 due operations 10 were never sent")
	tr.Ops[0].ResponseHDR = "nonsense"
	_, err = strict.Judge(&tr)
	require.ErrorIs(t, err, record.ErrHistogram)
}

func TestWindowsAreLongEnough(t *testing.T) {
	spec := capacitytest.Spec()
	require.Equal(t, 2*time.Second, spec.MeasureFor(10_000, 1))
	require.Equal(t, 11900*time.Millisecond, spec.MeasureFor(100, 1), "p99 needs 1,000 operations, and 184 more to be safe")
	require.Equal(t, 4*time.Second, spec.MeasureFor(100, 3), "three blocks share them")
	require.Equal(t, 20.0, spec.LowestRate())
}

func TestObjectives(t *testing.T) {
	o, err := capacity.ParseObjective("p99.9=20ms")
	require.NoError(t, err)
	require.Equal(t, capacity.Objective{Percentile: 99.9, Limit: 20 * time.Millisecond}, o)
	require.Equal(t, "p99.9=20ms", o.String())
	for s, says := range map[string]string{
		"p99": "such as p99=5ms", "p98=5ms": "p50, p75, p90, p95, p99, p99.9, p99.99", "p99=5": "with a unit", "p99=0s": "10µs to 10s", "p99=-5ms": "10µs to 10s", "": "such as",
	} {
		_, err := capacity.ParseObjective(s)
		require.ErrorIs(t, err, capacity.ErrObjective, s)
		require.ErrorContains(t, err, says, s)
	}
}

func TestSpecRefusals(t *testing.T) {
	for says, change := range map[string]func(*capacity.Spec){
		"no objective":            func(s *capacity.Spec) { s.Objectives = nil },
		"two objectives for p99":  func(s *capacity.Spec) { s.Objectives = append(s.Objectives, s.Objectives[0]) },
		"too short for p99":       func(s *capacity.Spec) { s.Measure = 49 * time.Millisecond },
		"no variant":              func(s *capacity.Spec) { s.Variants = nil },
		"its own, not empty":      func(s *capacity.Spec) { s.Variants[1].Name = "baseline" },
		"puts alone":              func(s *capacity.Spec) { s.Workload.Mix = map[string]float64{record.OpGet: 1} },
		"an odd number":           func(s *capacity.Spec) { s.Repeats = 2 },
		"blocks is 0":             func(s *capacity.Spec) { s.Blocks = 0 },
		"1 % to 50 %":             func(s *capacity.Spec) { s.Resolution = 0.001 },
		"warm-up is":              func(s *capacity.Spec) { s.Warmup = -1 },
		"no more than":            func(s *capacity.Spec) { s.MaxMeasure = time.Second },
		"above 0, up to 1000000":  func(s *capacity.Spec) { s.MinRate = 0 },
		"rates of 100 to 2000000": func(s *capacity.Spec) { s.MaxRate = 2e6 },
		"the beginning":           func(s *capacity.Spec) { s.StartRate = 10 },
		"accepted: 20 ops/s":      func(s *capacity.Spec) { s.MinRate = 5 },
	} {
		s := capacitytest.Spec()
		change(&s)
		err := s.Validate()
		require.ErrorIs(t, err, capacity.ErrSpec, says)
		require.ErrorContains(t, err, says)
	}
	all := capacity.Spec{}
	require.ErrorContains(t, all.Validate(), "no objective")
	require.ErrorContains(t, all.Validate(), "no variant")
}

func TestSpecRoundTrips(t *testing.T) {
	s := capacitytest.Spec()
	text, err := s.Encode()
	require.NoError(t, err)
	got, err := capacity.DecodeSpec(text)
	require.NoError(t, err)
	require.Equal(t, s, got)
	_, err = capacity.DecodeSpec([]byte(`{"objective": "p99"}`))
	require.ErrorIs(t, err, capacity.ErrSpec)
	_, err = capacity.DecodeSpec([]byte(fmt.Sprintf("%s", text[:40])))
	require.ErrorIs(t, err, capacity.ErrSpec)
}
