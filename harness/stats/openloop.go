package stats

import (
	"fmt"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"metastorebench/harness/record"
)

// Open reports whether the cell was measured in an open loop.
func (c *Cell) Open() bool { return c.Measured() && c.Trials[0].Workload.Loop == record.LoopOpen }

// Pace is how well the generator kept to the schedule of an open loop, over all of
// a cell's trials and operation types: one in which it did not is void.
type Pace struct {
	// SendLag is the time from the intended start to the send, infinite for an
	// operation that was never sent; TimingError that
	// of operations that found a free client.
	SendLag, TimingError Latency
	Due, Unsent          int64 // operations
	MaxBacklog           int64 // the largest of all trials
}

// PaceOf sums up the cell's trials; it is zero for a closed loop. A histogram
// that cannot be decoded gives record.ErrHistogram with the cell and the block.
func PaceOf(c *Cell) (Pace, error) {
	p := Pace{SendLag: Latency{Hist: record.NewHistogram()}, TimingError: Latency{Hist: record.NewHistogram()}}
	for _, t := range c.Recorded() {
		o := t.OpenLoop
		if o == nil {
			continue
		}
		p.Due += o.Due
		p.Unsent += o.Unsent
		p.MaxBacklog = max(p.MaxBacklog, o.MaxBacklog)
		for _, part := range []struct {
			name string
			of   *Latency
			read func() (*hdr.Histogram, error)
		}{
			{"send lag", &p.SendLag, o.SendLags},
			{"timing error", &p.TimingError, func() (*hdr.Histogram, error) { return record.DecodeHDR(o.TimingErrorHDR) }},
		} {
			h, err := part.read()
			if err == nil {
				err = part.of.merge(h)
			}
			if err != nil {
				return Pace{}, fmt.Errorf("cell %q, block %d, %s: %w", c.ID, t.Block, part.name, err)
			}
		}
	}
	return p, nil
}
