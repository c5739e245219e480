package load

import (
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

// recorder records one worker's operations. It belongs to the worker until the
// worker has ended; completed may be read at any time.
type recorder struct {
	window    window
	kinds     [workload.Kinds]*outcomes
	series    []int64
	completed atomic.Int64 // operations that succeeded, warm-up included
}

// outcomes of one operation type.
type outcomes struct {
	count      int64
	outOfRange int64
	errors     map[codes.Code]int64
	service    *hdr.Histogram
}

func newOutcomes() *outcomes {
	return &outcomes{errors: make(map[codes.Code]int64), service: record.NewHistogram()}
}

func newRecorder(w window) *recorder {
	return &recorder{window: w, series: make([]int64, seriesLen(w))}
}

func seriesLen(w window) int { return int((w.to - w.from + SeriesStep - 1) / SeriesStep) }

// record takes note of an operation that was sent and ended at the given times.
func (r *recorder) record(kind workload.Kind, sent, ended time.Duration, err error) {
	o := r.kinds[kind]
	if o == nil { // in the warm-up, when there is one
		o = newOutcomes()
		r.kinds[kind] = o
	}
	if err == nil {
		r.completed.Add(1)
		if r.window.holds(ended) {
			r.series[(ended-r.window.from)/SeriesStep]++
		}
	}
	if !r.window.holds(sent) {
		return
	}
	if err == nil {
		o.count++
	} else {
		o.errors[status.Code(err)]++
	}
	took := (ended - sent).Nanoseconds()
	if took < record.HDRMinNS || took > record.HDRMaxNS || o.service.RecordValue(took) != nil {
		o.outOfRange++
	}
}

// add adds another's outcomes to o.
func (o *outcomes) add(other *outcomes) error {
	o.count += other.count
	o.outOfRange += other.outOfRange
	for code, n := range other.errors {
		o.errors[code] += n
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
	s.ServiceHDR, err = record.EncodeHDR(o.service)
	return s, err
}

// merge sums up all workers, once they have ended: the operation types in their
// order, and the throughput series.
func merge(recorders []*recorder) (ops []record.OpStats, series []int64, err error) {
	for kind := range workload.Kind(workload.Kinds) {
		var sum *outcomes
		for _, r := range recorders {
			if r.kinds[kind] == nil {
				continue
			}
			if sum == nil {
				sum = newOutcomes()
			}
			if err := sum.add(r.kinds[kind]); err != nil {
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
