package facts

import (
	"metastorebench/harness/metric"
	"metastorebench/harness/record"
)

// reading is what a metric reads out of trials, kept: tables, figures, ratios and cells
// ask for the same numbers, and most of the time goes into decoding histograms.
type reading struct {
	of     map[string]metric.Func // by metric and operation type
	merged map[timesKey]map[string]float64
}

type timesKey struct {
	trial    *record.Trial
	op       string
	response bool
}

func newReading() reading {
	return reading{of: map[string]metric.Func{}, merged: map[timesKey]map[string]float64{}}
}

// read is a metric of one operation type; op is ignored unless the metric has one.
func (b *builder) read(m metric.Metric, op string) metric.Func {
	if !m.PerOp {
		op = ""
	}
	key := m.Name + " " + op
	if f := b.reading.of[key]; f != nil {
		return f
	}
	f := kept(m.Of(b.machine, op))
	if m.Summary == metric.Merged {
		f = func(t *record.Trial) (float64, bool) {
			v, ok := b.reading.percentiles(t, op, m.Response)[m.Name]
			return v, ok
		}
	}
	b.reading.of[key] = f
	return f
}

// kept is f, which is asked once of each trial.
func kept(f metric.Func) metric.Func {
	type value struct {
		v  float64
		ok bool
	}
	known := map[*record.Trial]value{}
	return func(t *record.Trial) (float64, bool) {
		k, found := known[t]
		if !found {
			k.v, k.ok = f(t)
			known[t] = k
		}
		return k.v, k.ok
	}
}

// percentiles are all of the registry's that one histogram has, by metric, in
// milliseconds: it is decoded once.
func (r reading) percentiles(t *record.Trial, op string, response bool) map[string]float64 {
	key := timesKey{t, op, response}
	if found, known := r.merged[key]; known {
		return found
	}
	values := map[string]float64{}
	r.merged[key] = values
	o := t.Op(op)
	if o == nil {
		return values
	}
	h, err := o.ServiceTimes()
	if response {
		h, err = t.ResponseTimes(o)
	}
	for _, m := range metric.All() {
		if m.Summary != metric.Merged || m.Response != response {
			continue
		}
		if ns, ok := metric.PercentileOf(h, err, m.Percentile); ok {
			values[m.Name] = ns / 1e6
		}
	}
	return values
}
