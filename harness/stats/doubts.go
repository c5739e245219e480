package stats

import (
	"cmp"
	"fmt"
	"slices"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/record"
)

// Limits of the warnings. Each is quiet on a sound cell in 99 of 100 cases or
// more, whatever its noise: TestWarningsAreQuiet measures it.
const (
	// DriftP is the p-value of the trend below which a cell drifted.
	DriftP = 0.01
	// ModesRatio is the least ratio of two modes that are worth a warning, and
	// SeriesRatio that of two modes in the course of one trial.
	ModesRatio, SeriesRatio = 1.05, 1.5
	// MaxClientShare is the share of the machine's CPU time that the load
	// generator of a closed loop may take.
	MaxClientShare = 0.5
	// MaxTimingShare is how much of the median response time the 99th percentile
	// of an open loop's timing error may be; below MinTimingErrorNS it never
	// matters.
	MaxTimingShare   = 0.1
	MinTimingErrorNS = 100_000
	// MaxStealShare is the share of the machine's CPU time that may be stolen.
	MaxStealShare = 0.02
)

// Warnings looks for what makes c's values of m doubtful, beside a sample that
// is too small: drift over the run, two modes among the trials or within them, a
// load generator at its limit, a noisy neighbour. A trial that lacks a counter
// says nothing.
func (r *Run) Warnings(c *Cell, m metric.Func) []Warning {
	var ws []Warning
	for _, w := range []*Warning{
		drifts(c, m), twoModes(c, m), unsteady(c), generatorLimited(c, r.Manifest.Env.CPUs), stolen(c),
	} {
		if w != nil {
			ws = append(ws, *w)
		}
	}
	return ws
}

// drifts warns of values that rise or fall in the order of the trials.
func drifts(c *Cell, m metric.Func) *Warning {
	trials := slices.SortedStableFunc(slices.Values(c.Trials), func(a, b *record.Trial) int { return cmp.Compare(a.Order, b.Order) })
	tau, p := infer.Trend(valuesOf(trials, m))
	if p >= DriftP {
		return nil
	}
	return &Warning{WarnDrift, fmt.Sprintf("tau %.2f, p=%s", tau, format.Number(p))}
}

// twoModes warns of trials that fall into two groups.
func twoModes(c *Cell, m metric.Func) *Warning {
	values := slices.DeleteFunc(valuesOf(c.Trials, m), func(v float64) bool { return v <= 0 })
	g, two := bimodal(values, ModesRatio)
	if !two {
		return nil
	}
	return &Warning{WarnBimodal, fmt.Sprintf("%d trials near %s, %d near %s", g.nLow, format.Number(g.low), g.nHigh, format.Number(g.high))}
}

// unsteady warns if more than a quarter of the trials had two speeds.
func unsteady(c *Cell) *Warning {
	two, searched := 0, 0
	for _, t := range c.Trials {
		series := wholeSteps(t)
		if len(series) < MinModes {
			continue
		}
		searched++
		if _, yes := bimodal(series, SeriesRatio); yes {
			two++
		}
	}
	if two < 2 || 4*two <= searched {
		return nil
	}
	return &Warning{WarnBimodal, fmt.Sprintf("two speeds within %d of %d trials", two, searched)}
}

// stepRounds is how often each client must be answered in a step of the
// throughput series, on average, for steps to be compared: clients that are
// answered together make a series of full and empty steps otherwise.
const stepRounds = 4

// wholeSteps is the throughput series without a last step that is cut short, or
// nil if the steps are too short to compare. A step without any operation counts
// as one operation: it has a logarithm then.
func wholeSteps(t *record.Trial) []float64 {
	if t.SeriesStepNS <= 0 {
		return nil
	}
	n := min(len(t.ThroughputSeries), int(t.MeasureNS/t.SeriesStepNS))
	series := make([]float64, n)
	var sum int64
	for i, v := range t.ThroughputSeries[:n] {
		series[i] = float64(max(1, v))
		sum += v
	}
	if answers := stepRounds * t.Workload.Clients * n; sum < int64(answers*max(1, t.Workload.BatchOps)) {
		return nil
	}
	return series
}

// generatorLimited warns of a generator that could not keep its times, or that
// took the machine from the store.
func generatorLimited(c *Cell, cpus int) *Warning {
	share := Summarize(valuesOf(closedLoop(c), func(t *record.Trial) (float64, bool) {
		all := float64(cpus) * float64(t.MeasureNS) / 1e9
		return (t.Client.CPUUserSeconds + t.Client.CPUSystemSeconds) / all, all > 0
	}))
	if share.N > 0 && share.Median > MaxClientShare {
		return &Warning{WarnGenerator, fmt.Sprintf("the client used %s %% of the machine's CPU time", format.Number(100*share.Median))}
	}
	timing := Summarize(valuesOf(c.Trials, metric.TimingErrorP99))
	response := Summarize(valuesOf(c.Trials, responseMedian))
	if timing.N > 0 && timing.Median > max(MinTimingErrorNS, MaxTimingShare*response.Median) {
		return &Warning{WarnGenerator, fmt.Sprintf("timing error p99 %s us, response p50 %s us", format.Number(timing.Median/1e3), format.Number(response.Median/1e3))}
	}
	return nil
}

// closedLoop are the cell's trials without intended times.
func closedLoop(c *Cell) []*record.Trial {
	return slices.DeleteFunc(slices.Clone(c.Trials), func(t *record.Trial) bool { return t.OpenLoop != nil })
}

// responseMedian is the greatest of the operation types' median response times.
func responseMedian(t *record.Trial) (float64, bool) {
	greatest, found := 0.0, false
	for i := range t.Ops {
		h, err := t.ResponseTimes(&t.Ops[i])
		if v, ok := metric.PercentileOf(h, err, 50); ok {
			greatest, found = max(greatest, v), true
		}
	}
	return greatest, found
}

// stolen warns of CPU time that went to other machines.
func stolen(c *Cell) *Warning {
	var steal, all float64
	for _, t := range c.Trials {
		if m := t.Machine; m != nil {
			steal += m.StealSeconds
			all += m.UserSeconds + m.SystemSeconds + m.IdleSeconds + m.IOWaitSeconds + m.StealSeconds
		}
	}
	if all == 0 || steal/all <= MaxStealShare {
		return nil
	}
	return &Warning{WarnSteal, fmt.Sprintf("%s %% of the CPU time stolen", format.Number(100*steal/all))}
}

// valuesOf are m's values of the trials that have it.
func valuesOf(trials []*record.Trial, m metric.Func) []float64 {
	values := make([]float64, 0, len(trials))
	for _, t := range trials {
		if v, ok := m(t); ok {
			values = append(values, v)
		}
	}
	return values
}
