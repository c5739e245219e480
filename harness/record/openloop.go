package record

import (
	"fmt"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Limits past which the numbers of an open-loop trial must not be used.
const (
	// MaxUnsentShare is the share of the operations due that may stay unsent.
	// The longest response times are missing by that much.
	MaxUnsentShare = 0.001
	// MaxTimingErrorNS is the timing error that 99 of 100 operations must keep,
	// unless the median service time is longer: the generator may be as late as
	// that. Response times count from the intended start, so they show what it
	// was late; they are never too good. Where load and store share cores a
	// thread that wakes up may wait for a slice of the other's, which Linux's
	// fair scheduler makes about 3 ms long; a lower limit would void trials for
	// the machine's being small.
	MaxTimingErrorNS = int64(3 * time.Millisecond)
	// MinLate is how many operations must have been late for a verdict: one
	// pause of the machine in a short trial is none.
	MinLate = 10
)

// UnsentShare is the share of the operations due that were never sent, 0 to 1.
func (o *OpenLoop) UnsentShare() float64 {
	if o.Due == 0 {
		return 0
	}
	return float64(o.Unsent) / float64(o.Due)
}

// Saturated reports whether the target could not take the offered rate with as
// many operations in flight as there were clients: more than MaxUnsentShare of
// the operations were given up. That is a property of the target and of the
// rate, not a failure of the measurement, although the latencies of such a trial
// are of no use.
func (o *OpenLoop) Saturated() bool { return o.UnsentShare() > MaxUnsentShare }

// Lateness is the generator's own timing error in one trial.
type Lateness struct {
	P99NS   int64 // of the operations that found a free client
	LimitNS int64 // MaxTimingErrorNS, or the median service time if that is longer
	Samples int64 // operations that found a free client
	// Beyond counts those that were later than LimitNS.
	Beyond int64
}

// Late reports whether the generator could not keep up, whatever the target did:
// more than 1 % of the operations that found a free client, and at least
// MinLate, were sent later than the limit.
func (l Lateness) Late() bool {
	return l.Beyond >= MinLate && float64(l.Beyond) > 0.01*float64(l.Samples)
}

// Lateness returns the timing error of an open-loop trial, zero for one of a
// closed loop. A histogram that cannot be decoded is ErrHistogram.
func (t *Trial) Lateness() (Lateness, error) {
	if t.OpenLoop == nil || t.OpenLoop.TimingErrorHDR == "" {
		return Lateness{}, nil
	}
	service := NewHistogram()
	for i := range t.Ops {
		h, err := DecodeHDR(t.Ops[i].ServiceHDR)
		if err != nil {
			return Lateness{}, fmt.Errorf("service time of %s: %w", t.Ops[i].Op, err)
		}
		if err := MergeHDR(service, h); err != nil {
			return Lateness{}, err
		}
	}
	timing, err := DecodeHDR(t.OpenLoop.TimingErrorHDR)
	if err != nil {
		return Lateness{}, fmt.Errorf("timing error: %w", err)
	}
	l := Lateness{
		P99NS: timing.ValueAtPercentile(99), Samples: timing.TotalCount(),
		LimitNS: max(MaxTimingErrorNS, service.ValueAtPercentile(50)),
	}
	l.Beyond = above(timing, l.LimitNS)
	return l, nil
}

// above counts the values whose bucket lies above limit.
func above(h *hdr.Histogram, limit int64) (n int64) {
	for _, bar := range h.Distribution() {
		if bar.From > limit {
			n += bar.Count
		}
	}
	return n
}

// OpenLoopFault says why the numbers of an open-loop trial must not be used, or
// "": nothing was due, the target was saturated, or the generator could not keep
// up. It looks at the record alone.
func (t *Trial) OpenLoopFault() (string, error) {
	o := t.OpenLoop
	if o == nil {
		return "", nil
	}
	if o.Due == 0 {
		return fmt.Sprintf("open loop: at %v operations a second none was due in the window", t.Workload.OfferedOpsPerSecond), nil
	}
	l, err := t.Lateness()
	if err != nil {
		return "", err
	}
	switch {
	case l.Late():
		return fmt.Sprintf("open loop: the generator could not keep up: p99 timing error %v over %d operations that found a free client, limit %v",
			time.Duration(l.P99NS), l.Samples, time.Duration(l.LimitNS)), nil
	case o.Saturated():
		return fmt.Sprintf("open loop: the target was saturated: %d of %d operations (%.2g %%) were given up after waiting too long for one of %d clients, limit %.2g %%; lower the rate or raise clients",
			o.Unsent, o.Due, o.UnsentShare()*100, t.Workload.Clients, MaxUnsentShare*100), nil
	}
	return "", nil
}
