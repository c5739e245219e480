package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/stats"
	"metastorebench/plots"
)

// BenchmarkSave's names for the device, the store's log, and the plan's value
// size; and the log's goal, a share of the device at a busy store's batch.
const (
	rawDevice  = "raw"
	ownLog     = "wal"
	planValue  = 256
	goalBytes  = 64 << 10
	deviceGoal = 0.7
)

// shape is a batch of BenchmarkSave.
type shape struct{ entryBytes, entries int }

func (s shape) bytes() int { return s.entryBytes * s.entries }

// rates returns a log's throughput at the shape in MB/s.
func (s shape) rates(f *benchFile, log string) []float64 {
	return f.find("MB/s", "entry", strconv.Itoa(s.entryBytes), "batch", strconv.Itoa(s.entries), "log", log)
}

// shapes are those of the file, by entry size and batch.
func shapes(f *benchFile) ([]shape, error) {
	var all []shape
	for _, sample := range f.samples {
		var s shape
		for key, to := range map[string]*int{"entry": &s.entryBytes, "batch": &s.entries} {
			var err error
			if *to, err = strconv.Atoi(sample.keys[key]); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", sample.name, key, err)
			}
		}
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(x, y shape) int {
		return cmp.Or(cmp.Compare(x.entryBytes, y.entryBytes), cmp.Compare(x.entries, y.entries))
	})
	return all, nil
}

// device shows BenchmarkSave: logs beside what the device gives at most.
func (b *benchBuilder) device(f *benchFile) error {
	all, err := shapes(f)
	if err != nil {
		return err
	}
	logs := leading(f.all("log"), rawDevice, ownLog)
	b.WriteString(deviceAnswer(f, all))
	b.WriteString(deviceTable(f, all, logs).markdown(nil, ""))
	return b.draw(deviceFigure(f, all, logs))
}

// deviceAnswer holds the store's log against its goal.
func deviceAnswer(f *benchFile, all []shape) string {
	var parts []string
	for _, s := range all {
		if c := repeats(s.rates(f, ownLog), s.rates(f, rawDevice)); s.bytes() == goalBytes && c.N > 0 {
			parts = append(parts, fmt.Sprintf("entries of %s B %s, %s", format.Count(int64(s.entryBytes)), estimate(c), ratioRange(c).atLeast(deviceGoal)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("The store's log in batches of 64 KiB, as a share of the raw device, and the goal of at least %s: %s.\n\n", format.Number(deviceGoal), strings.Join(parts, "; "))
}

// deviceTable has a row for each shape and a share of the device for each log.
func deviceTable(f *benchFile, all []shape, logs []string) *table {
	t := &table{
		caption: "Each batch is written and synced before the next. raw: the payload alone, in one write over space that was written before, and fdatasync. wal, the store's: files recycled, fdatasync. etcd's and raft-wal: new files, reserved with fallocate; fdatasync and fsync. " +
			"MB/s of payload; /raw: share of the device, paired by repeat, with its 95 % interval.",
		head: []column{num("entry, B"), num("entries"), num("batch, KiB"), num("n"), num("raw, MB/s"), num("wal, MB/s")},
	}
	others := slices.DeleteFunc(slices.Clone(logs), func(l string) bool { return l == rawDevice })
	for _, l := range others {
		t.head = append(t.head, num(l+"/raw"))
	}
	for _, s := range all {
		raw := s.rates(f, rawDevice)
		row := t.row(format.Count(int64(s.entryBytes)), format.Count(int64(s.entries)), format.Separate(strconv.FormatFloat(float64(s.bytes())/1024, 'f', -1, 64)), fmt.Sprint(len(raw)),
			interval(stats.Summarize(raw)), interval(stats.Summarize(s.rates(f, ownLog))))
		for _, l := range others {
			row.text(estimate(repeats(s.rates(f, l), raw)))
		}
	}
	return t
}

// deviceFigure draws throughput against the batch at the plan's value size.
func deviceFigure(f *benchFile, all []shape, logs []string) (*plots.Figure, error) {
	var curves []plots.Curve
	for _, l := range logs {
		c := plots.Curve{Name: l}
		for _, s := range all {
			if s.entryBytes == planValue {
				c.Points = appendPoint(c.Points, float64(s.bytes())/1024, 1, s.rates(f, l))
			}
		}
		curves = append(curves, c)
	}
	return plots.Curves(plots.CurvesText{
		Name: "bench-wal-device", Title: fmt.Sprintf("Logs against the raw device, entries of %d B, a sync for each batch", planValue),
		XLabel: "batch (KiB)", YLabel: "payload made durable (MB/s)",
		Caption: fmt.Sprintf("Throughput of synced batches of entries of %d B against the size of the batch: the raw device, the store's log (wal), hashicorp/raft-wal and etcd's. Geometric means of the repeats with their 95 %% intervals; one writer.", planValue),
	}, curves)
}
