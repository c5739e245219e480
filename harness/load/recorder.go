package load

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// SeriesStep is the resolution of the throughput over time.
const SeriesStep = 100 * time.Millisecond

// window is the measured part of a run, in time since its start.
type window struct{ from, to time.Duration }

func (w window) holds(at time.Duration) bool { return at >= w.from && at < w.to }

// event is one operation that has ended, or several of one call that ended
// alike. Times are since the start of the run.
type event struct {
	kind        workload.Kind
	ops         int64
	due         time.Duration // intended start; when it was sent, in a closed loop
	free        time.Duration // since when the client had nothing else to do
	sent, ended time.Duration
	err         error
}

// recorder records the operations of the workers that share it. There are as many
// recorders as processors: with one for each of a thousand workers, hardly any
// operation found its place of the histograms in a cache, and recording took a
// fifth of the client's CPU time. What is below mu may be read without it once the
// workers have ended; completed at any time.
type recorder struct {
	window    window
	completed atomic.Int64 // operations that succeeded, warm-up included

	mu     sync.Mutex
	open   *lateness // nil in a closed loop
	kinds  [workload.Kinds]*outcomes
	series []int64
}

// outcomes of one operation type.
type outcomes struct {
	count      int64
	outOfRange int64
	errors     map[codes.Code]int64
	service    *hdr.Histogram
	response   *hdr.Histogram // nil in a closed loop
}

func newOutcomes(open bool) *outcomes {
	o := &outcomes{errors: make(map[codes.Code]int64), service: record.NewHistogram()}
	if open {
		o.response = record.NewHistogram()
	}
	return o
}

// newRecorders returns the recorders of so many workers: worker i has that of
// place i modulo their number.
func newRecorders(workers int, w window, open bool) []*recorder {
	recorders := make([]*recorder, min(workers, runtime.GOMAXPROCS(0)))
	for i := range recorders {
		recorders[i] = newRecorder(w, open)
	}
	return recorders
}

func newRecorder(w window, open bool) *recorder {
	r := &recorder{window: w, series: make([]int64, seriesLen(w))}
	if open {
		r.open = newLateness()
	}
	return r
}

func seriesLen(w window) int { return int((w.to - w.from + SeriesStep - 1) / SeriesStep) }

// record takes note of an event. Each of its operations counts, with the time of
// the call.
func (r *recorder) record(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.kinds[e.kind]
	if o == nil { // in the warm-up, when there is one
		o = newOutcomes(r.open != nil)
		r.kinds[e.kind] = o
	}
	if e.err == nil {
		r.completed.Add(e.ops)
		if r.window.holds(e.ended) {
			r.series[(e.ended-r.window.from)/SeriesStep] += e.ops
		}
	}
	start := e.sent
	if r.open != nil {
		start = e.due
	}
	if !r.window.holds(start) {
		return
	}
	if e.err == nil {
		o.count += e.ops
	} else {
		o.errors[status.Code(e.err)] += e.ops
	}
	o.add(o.service, e.ended-e.sent, e.ops)
	if r.open != nil {
		o.add(o.response, e.ended-e.due, e.ops)
		r.open.add(e)
	}
}

// add puts the duration of n operations into one of the histograms, or counts
// them as out of range.
func (o *outcomes) add(h *hdr.Histogram, took time.Duration, n int64) {
	if ns := took.Nanoseconds(); ns < record.HDRMinNS || ns > record.HDRMaxNS || h.RecordValues(ns, n) != nil {
		o.outOfRange += n
	}
}

// merge adds another's outcomes to o.
func (o *outcomes) merge(other *outcomes) error {
	o.count += other.count
	o.outOfRange += other.outOfRange
	for code, n := range other.errors {
		o.errors[code] += n
	}
	if o.response != nil {
		if err := record.MergeHDR(o.response, other.response); err != nil {
			return err
		}
	}
	return record.MergeHDR(o.service, other.service)
}

// stats returns the outcomes in the form of a record.
func (o *outcomes) stats(kind workload.Kind) (record.OpStats, error) {
	s := record.OpStats{Op: kind.String(), Count: o.count, OutOfRange: o.outOfRange}
	for code, n := range o.errors {
		if s.Errors == nil {
			s.Errors = make(map[string]int64)
		}
		s.Errors[code.String()] = n
	}
	var err error
	if s.ServiceHDR, err = record.EncodeHDR(o.service); err != nil || o.response == nil {
		return s, err
	}
	s.ResponseHDR, err = record.EncodeHDR(o.response)
	return s, err
}

// merge sums up all recorders, once the workers have ended: the operation types in their
// order, and the throughput series.
func merge(recorders []*recorder) (ops []record.OpStats, series []int64, err error) {
	for kind := range workload.Kind(workload.Kinds) {
		var sum *outcomes
		for _, r := range recorders {
			if r.kinds[kind] == nil {
				continue
			}
			if sum == nil {
				sum = newOutcomes(r.open != nil)
			}
			if err := sum.merge(r.kinds[kind]); err != nil {
				return nil, nil, err
			}
		}
		if sum == nil {
			continue
		}
		s, err := sum.stats(kind)
		if err != nil {
			return nil, nil, err
		}
		ops = append(ops, s)
	}
	for _, r := range recorders {
		if series == nil {
			series = make([]int64, len(r.series))
		}
		for i, n := range r.series {
			series[i] += n
		}
	}
	return ops, series, nil
}
