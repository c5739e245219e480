package trial

import (
	"fmt"
	"math"
	"strconv"
	"time"

	dto "github.com/prometheus/client_model/go"

	"metastorebench/harness/record"
)

// optionStageSample is the store's option that makes it trace one write in so
// many.
const optionStageSample = "stage-sample"

// stageSums are the totals of the store's stage trace since it started.
type stageSums struct {
	samples    int64
	incomplete int64
	total      int64 // ns
	sum        map[string]int64
}

// stages reads the stage trace, nil if the store keeps none. Every stage must
// have traced the same writes as the total.
func (r *reader) stages() *stageSums {
	const stage, total = "metastore_stage_seconds", "metastore_stage_total_seconds"
	if r.families[stage] == nil {
		return nil
	}
	s := &stageSums{sum: make(map[string]int64)}
	s.samples, s.total = r.summary(total, "")
	s.incomplete = r.counter("metastore_stage_incomplete_total")
	for _, name := range record.StageNames() {
		count, sum := r.summary(stage, name)
		if count != s.samples {
			r.fail(stage, fmt.Sprintf("stage %s counts %d writes, the total %d", name, count, s.samples))
		}
		s.sum[name] = sum
	}
	return s
}

// summary takes the count and the sum, in ns of seconds, of a summary, of the
// one whose label "stage" has this value if it is not empty.
func (r *reader) summary(name, stage string) (count, sum int64) {
	for _, m := range r.families[name].GetMetric() {
		if stage != "" && !labelled(m, stage) {
			continue
		}
		if m.GetSummary() == nil {
			r.fail(name, "is a "+r.families[name].GetType().String()+", want a summary")
			return 0, 0
		}
		return int64(m.GetSummary().GetSampleCount()), int64(math.Round(m.GetSummary().GetSampleSum() * 1e9))
	}
	r.fail(name, "missing "+stage)
	return 0, 0
}

func labelled(m *dto.Metric, stage string) bool {
	for _, l := range m.GetLabel() {
		if l.GetName() == "stage" && l.GetValue() == stage {
			return true
		}
	}
	return false
}

// since returns the stages of the window between two readings, nil if the store
// traces none.
func (s *stageSums) since(before *stageSums) *record.Stages {
	if s == nil || before == nil {
		return nil
	}
	w := &record.Stages{Samples: s.samples - before.samples, TotalNS: s.total - before.total, SumNS: make(map[string]int64)}
	for name, sum := range s.sum {
		w.SumNS[name] = sum - before.sum[name]
	}
	return w
}

// Tolerances of the check of stages.
const (
	// clockError and clockShare bound how far the stages' sum may be from the
	// total, per write or as a share: the two read the clock one after the
	// other, and a thread can lose its CPU between.
	clockError = 2 * time.Microsecond
	clockShare = 0.01
	// sampleErrors is how many standard errors of the mean the traced writes may
	// be slower than the client says that all are. They are a sample, and of the
	// writes that end between the two readings of the counters, not of those that
	// the client counts: at each edge of the window one write per client may be
	// in one set and not in the other. If that may be all that were traced, the two
	// sets say nothing about each other.
	sampleErrors = 6
	edges        = 2
	// minTraced is how many writes have to be traced: the mean of fewer says nothing.
	// surelyTraced is how many should be, for none to be a fault.
	minTraced    = 5
	surelyTraced = 10
)

// addStages files the window's stage trace and judges it: every traced write
// has all stages in order, their sum is the time in the store, and that is no
// longer than the client's service time.
func (t *trial) addStages(opened, closed *counters) error {
	every, err := strconv.ParseInt(t.target.line.Options[optionStageSample], 10, 64)
	if err != nil || every == 0 || opened == nil || closed == nil {
		return nil // a store without the option, or that traces none
	}
	s := closed.stages.since(opened.stages)
	if s == nil {
		return fmt.Errorf("%w: the store says --%s=%d, but has no metastore_stage_seconds", ErrMetrics, optionStageSample, every)
	}
	s.SampleEvery = every
	t.record.Stages = s
	service, err := writeTimes(t.record.Ops)
	if err != nil {
		return err
	}
	service.n /= float64(max(1, t.Workload.BatchOps)) // a batch is traced as one write
	t.add(checkStages(s, closed.stages.incomplete, service, t.Workload.Clients))
	return nil
}

// checkStages judges a trace. What is wrong with single writes fails however few they
// are; what is right of too few, or of writes that may all be of the window's edges, is
// not OK.
func checkStages(s *record.Stages, incomplete int64, service moments, clients int) record.Check {
	c := record.Check{Name: record.CheckStages}
	if s.Samples == 0 {
		if service.n < surelyTraced*float64(s.SampleEvery) {
			c.State = record.CheckTooFew
		}
		c.Detail = fmt.Sprintf("no write traced among %.0f, one in %d should be", service.n, s.SampleEvery)
		return c
	}
	var sum int64
	for _, ns := range s.SumNS {
		sum += ns
	}
	n := float64(s.Samples)
	apart := math.Abs(float64(sum - s.TotalNS))
	store := float64(s.TotalNS) / n
	atEdges := edges * float64(clients) / (n * float64(s.SampleEvery))
	limit := service.mean + sampleErrors*service.deviation/math.Sqrt(n) + atEdges*(service.max-service.mean)
	sound := incomplete == 0 && apart <= max(n*float64(clockError), clockShare*float64(s.TotalNS))
	switch {
	case sound && (s.Samples < minTraced || atEdges >= 1):
		c.State = record.CheckTooFew
	case sound:
		c.OK = store <= limit
	}
	c.Detail = fmt.Sprintf("%d writes traced, %d incomplete; their stages and their time in the store differ by %.0f ns per write; "+
		"in the store %.1f us per write, client's service time %.1f us (at most %.1f us with the sampling's error and the window's edges)",
		s.Samples, incomplete, apart/n, store/1e3, service.mean/1e3, limit/1e3)
	return c
}

// moments describe the client's service times of writes, in ns; n counts calls.
type moments struct{ n, mean, deviation, max float64 }

// writeTimes merges the service times of all types of writes.
func writeTimes(ops []record.OpStats) (moments, error) {
	merged := record.NewHistogram()
	for _, o := range ops {
		if o.Op != record.OpPut && o.Op != record.OpDelete {
			continue
		}
		h, err := record.DecodeHDR(o.ServiceHDR)
		if err != nil {
			return moments{}, err
		}
		merged.Merge(h)
	}
	return moments{n: float64(merged.TotalCount()), mean: merged.Mean(), deviation: merged.StdDev(), max: float64(merged.Max())}, nil
}
