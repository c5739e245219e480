//go:build !norocksdb

package rocksdb

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"metastorebench/core/engine"
)

// errStats says that the library's account lacks something that this package
// needs.
var errStats = errors.New("rocksdb statistics")

// Stats reads the library's tickers and properties. The tickers come as text,
// the only form that the C interface of this version has.
func (s *store) Stats() (engine.StorageStats, error) {
	t := tickers(s.opts.GetStatisticsString())
	p := s.db
	var errs []error
	ticker := func(name string) int64 {
		v, err := t.value(name)
		errs = append(errs, err)
		return v
	}
	property := func(name string) int64 {
		v, ok := p.GetIntProperty(name)
		if !ok {
			errs = append(errs, fmt.Errorf("%w: no property %s", errStats, name))
		}
		return int64(v)
	}
	stats := engine.StorageStats{
		FlushedBytes:        ticker("rocksdb.flush.write.bytes"),
		CompactedBytes:      ticker("rocksdb.compact.write.bytes"),
		CompactionReadBytes: ticker("rocksdb.compact.read.bytes"),
		TableBytes:          property("rocksdb.live-sst-files-size"),
		LiveBytes:           property("rocksdb.estimate-live-data-size"),
	}
	return stats, errors.Join(errs...)
}

// tickers is the text of RocksDB's statistics: lines of the form
// "rocksdb.flush.write.bytes COUNT : 12", and histograms in another.
type tickers string

func (t tickers) value(name string) (int64, error) {
	for line := range strings.Lines(string(t)) {
		if text, found := strings.CutPrefix(line, name+" COUNT : "); found {
			v, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%w: %s: %w", errStats, name, err)
			}
			return v, nil
		}
	}
	return 0, fmt.Errorf("%w: no ticker %s", errStats, name)
}
