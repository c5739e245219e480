package ceiling

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"metastorebench/harness/record"
)

const (
	// syncBytes is the append whose sync is timed: a page, about what a batch of
	// small puts makes.
	syncBytes = 4 << 10
	// syncsEach bounds the syncs of a repeat. Five repeats are 1,000, which is
	// what a 99th percentile with ten syncs beyond it needs.
	syncsEach = 200
	// minP99Syncs is the least number of syncs with a 99th percentile.
	minP99Syncs = 1000
	// fileBytes is the size of the probe's file, zeros at first. Writes go round
	// in it.
	fileBytes = 8 << 20
)

// bandwidthBytes are the sizes of the writes of sync-bandwidth: a busy log's, and
// a snapshot's.
var bandwidthBytes = []int{64 << 10, 1 << 20}

// device is a file over zeros in the directory to be measured.
type device struct {
	file *os.File
	at   int64
}

// newDevice makes the file and syncs it. close removes it.
func newDevice(dir string) (*device, error) {
	f, err := os.CreateTemp(dir, "sync-probe-*")
	if err != nil {
		return nil, err
	}
	d := &device{file: f}
	if _, err := f.Write(make([]byte, fileBytes)); err != nil {
		return nil, errors.Join(err, d.close())
	}
	if err := f.Sync(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *device) close() error { return errors.Join(d.file.Close(), os.Remove(d.file.Name())) }

// write overwrites the next bytes of the file and returns how long the sync
// alone took.
func (d *device) write(b []byte) (sync time.Duration, err error) {
	if d.at+int64(len(b)) > fileBytes {
		d.at = 0
	}
	if _, err := d.file.WriteAt(b, d.at); err != nil {
		return 0, err
	}
	d.at += int64(len(b))
	start := time.Now()
	err = unix.Fdatasync(int(d.file.Fd()))
	return time.Since(start), err
}

// disk runs the probes of the data directory.
func (p *prober) disk(ctx context.Context) error {
	d, err := newDevice(p.DataDir)
	if err == nil {
		err = errors.Join(p.syncLatency(ctx, d), p.syncBandwidth(ctx, d))
		err = errors.Join(err, d.close())
	}
	if err != nil {
		return fmt.Errorf("data directory %s: %w", p.DataDir, err)
	}
	return nil
}

// syncLatency times single syncs. One sample is the median of a repeat; the 99th
// percentile needs all repeats together and has one sample.
func (p *prober) syncLatency(ctx context.Context, d *device) error {
	block := bytes.Repeat([]byte{0xa5}, syncBytes)
	var all, medians []float64
	for range p.Effort.Repeats {
		var syncs []float64
		for start := time.Now(); len(syncs) == 0 || len(syncs) < syncsEach && time.Since(start) < p.Effort.Each; {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			took, err := d.write(block)
			if err != nil {
				return err
			}
			syncs = append(syncs, float64(took.Nanoseconds()))
		}
		slices.Sort(syncs)
		medians = append(medians, syncs[len(syncs)/2])
		all = append(all, syncs...)
	}
	params := func(percentile string) map[string]string {
		return map[string]string{
			record.ParamBytes: strconv.Itoa(syncBytes), record.ParamPercentile: percentile, record.ParamSyncs: strconv.Itoa(len(all)),
		}
	}
	p.add(record.Probe{Name: record.ProbeSyncLatency, Unit: record.UnitNS, Params: params("50"), Samples: medians})
	if len(all) >= minP99Syncs {
		slices.Sort(all)
		p.add(record.Probe{Name: record.ProbeSyncLatency, Unit: record.UnitNS, Params: params("99"), Samples: []float64{all[len(all)*99/100]}})
	}
	return nil
}

// syncBandwidth writes and syncs larger blocks.
func (p *prober) syncBandwidth(ctx context.Context, d *device) error {
	for _, size := range bandwidthBytes {
		block := bytes.Repeat([]byte{0xa5}, size)
		params := map[string]string{record.ParamBytes: strconv.Itoa(size)}
		err := p.rate(ctx, record.ProbeSyncBandwidth, record.UnitBytes, size, params, func(ctx context.Context, n int) (time.Duration, error) {
			start := time.Now()
			for range n {
				if err := context.Cause(ctx); err != nil {
					return 0, err
				}
				if _, err := d.write(block); err != nil {
					return 0, err
				}
			}
			return time.Since(start), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
