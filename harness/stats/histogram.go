package stats

import (
	"fmt"
	"slices"
	"sync"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"metastorebench/harness/metric"
	"metastorebench/harness/record"
)

// Latency is the merged latency of one operation type over a cell's blocks.
type Latency struct {
	// Hist holds nanoseconds. It is shared: read it only.
	Hist *hdr.Histogram
	// Blocks counts the trials that were merged.
	Blocks int
}

// LatencyOf merges the service-time histograms of op over c's valid trials.
// Without any such operation it returns a Latency with Blocks 0. A histogram
// that cannot be decoded gives record.ErrHistogram with the cell and the block.
func LatencyOf(c *Cell, op string) (Latency, error) {
	return c.merged.get(c, "service "+op, func() (Latency, error) {
		return latency(c, op, func(_ *record.Trial, o *record.OpStats) (*hdr.Histogram, error) { return o.ServiceTimes() })
	})
}

// ResponseOf is LatencyOf with response times, from the intended start. A cell
// of a closed loop has none: Blocks is 0.
func ResponseOf(c *Cell, op string) (Latency, error) {
	return c.merged.get(c, "response "+op, func() (Latency, error) {
		return latency(c, op, (*record.Trial).ResponseTimes)
	})
}

// latencies keeps a cell's merged histograms: a report asks for each several
// times, and decoding them is most of a report's time. One takes about 200 KB; a
// nil latencies keeps none.
type latencies struct {
	mu   sync.Mutex
	kept map[string]Latency
	// of are the trials that all of kept was merged from. A part of the cell is
	// a copy with fewer trials, and is merged anew.
	of []*record.Trial
}

func (l *latencies) get(c *Cell, key string, merge func() (Latency, error)) (Latency, error) {
	if l == nil {
		return merge()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.of, c.Trials) {
		return merge()
	}
	if kept, ok := l.kept[key]; ok {
		return kept, nil
	}
	merged, err := merge()
	if err == nil {
		l.kept[key] = merged
	}
	return merged, err
}

func latency(c *Cell, op string, times func(*record.Trial, *record.OpStats) (*hdr.Histogram, error)) (Latency, error) {
	l := Latency{Hist: record.NewHistogram()}
	for _, t := range c.Trials {
		o := t.Op(op)
		if o == nil {
			continue
		}
		h, err := times(t, o)
		if err == nil && h != nil {
			err = l.merge(h)
		}
		if err != nil {
			return Latency{}, fmt.Errorf("cell %q, block %d, %s: %w", c.ID, t.Block, op, err)
		}
	}
	return l, nil
}

// merge adds one trial's histogram.
func (l *Latency) merge(h *hdr.Histogram) error {
	l.Blocks++
	return record.MergeHDR(l.Hist, h)
}

// Percentile returns the p-th percentile in nanoseconds, 0 <= p < 100, and
// false if fewer than MinBeyond samples lie beyond it. It is record.Infinite or more
// where the operation at this place was never sent, or took longer than a histogram
// holds.
func (l Latency) Percentile(p float64) (int64, bool) {
	if l.Blocks == 0 || l.Hist.TotalCount() < metric.MinSamples(p) {
		return 0, false
	}
	return l.Hist.ValueAtPercentile(p), true
}
