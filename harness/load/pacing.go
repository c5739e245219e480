package load

import (
	"errors"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"metastorebench/harness/record"
)

// pacing is the pacers of a run.
type pacing struct {
	of    []pacer // by worker
	lanes []*openLoop
}

func newPacing(c Config, epoch time.Time, win window) (*pacing, error) {
	p := &pacing{of: make([]pacer, c.Workload.Clients)}
	for i := range p.of {
		p.of[i] = closedLoop{epoch: epoch, until: win.to}
	}
	alarms := c.alarms
	if alarms == nil {
		alarms = newAlarm
	}
	for _, lane := range c.Workload.Lanes() {
		a, err := alarms()
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		l := newOpenLoop(epoch, win, lane, a)
		p.lanes = append(p.lanes, l)
		for _, i := range lane.Clients {
			p.of[i] = l
		}
	}
	return p, nil
}

func (p *pacing) open() bool { return len(p.lanes) > 0 }

// patience is how long the last operations may wait for a client.
func (p *pacing) patience() time.Duration {
	if p.open() {
		return Patience
	}
	return 0
}

// close frees what the pacers hold.
func (p *pacing) close() error {
	var errs []error
	for _, l := range p.lanes {
		errs = append(errs, l.alarm.close())
	}
	return errors.Join(errs...)
}

// report says how well the lanes kept to their schedules, once all workers have
// ended.
func (p *pacing) report(recorders []*recorder) (*record.OpenLoop, error) {
	o := &record.OpenLoop{}
	for _, l := range p.lanes {
		l.end()
		o.Due += l.due
		o.Unsent += l.unsent
		o.MaxBacklog += l.maxBacklog
	}
	o.Sent = o.Due - o.Unsent
	sum := newLateness()
	for _, r := range recorders {
		if err := sum.merge(r.open); err != nil {
			return nil, err
		}
	}
	var err error
	if o.SendLagHDR, err = record.EncodeHDR(sum.lag); err != nil {
		return nil, err
	}
	o.TimingErrorHDR, err = record.EncodeHDR(sum.fault)
	return o, err
}

// lateness is how long after their intended start operations were sent.
type lateness struct {
	lag   *hdr.Histogram // all
	fault *hdr.Histogram // those that found a free client
}

func newLateness() *lateness {
	return &lateness{lag: record.NewHistogram(), fault: record.NewHistogram()}
}

// add takes note of an operation of the window. Patience keeps the lag in the
// histogram's range.
func (l *lateness) add(e event) {
	lag := max(record.HDRMinNS, (e.sent - e.due).Nanoseconds())
	_ = l.lag.RecordValue(lag)
	if e.free <= e.due {
		_ = l.fault.RecordValue(lag)
	}
}

func (l *lateness) merge(other *lateness) error {
	return errors.Join(record.MergeHDR(l.lag, other.lag), record.MergeHDR(l.fault, other.fault))
}
