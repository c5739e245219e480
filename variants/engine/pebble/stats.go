package pebble

import (
	"bytes"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"metastorebench/core/engine"
)

func (s *store) Stats() (engine.StorageStats, error) {
	levels, err := s.db.SSTables()
	if err != nil {
		return engine.StorageStats{}, err
	}
	var stats engine.StorageStats
	for _, l := range s.db.Metrics().Levels {
		stats.FlushedBytes += int64(l.TableBytesFlushed)
		stats.CompactedBytes += int64(l.TableBytesCompacted)
		stats.CompactionReadBytes += int64(l.TableBytesRead)
		stats.TableBytes += l.TablesSize
	}
	stats.LiveBytes = liveBytes(levels)
	return stats, nil
}

// keyRange is the closed range of a table's user keys.
type keyRange struct{ smallest, largest []byte }

// liveBytes estimates the data without what newer data replace, as RocksDB does
// (VersionStorageInfo::EstimateLiveDataSize): it takes tables from the lowest
// level up, and leaves out each that overlaps with one taken before.
func liveBytes(levels [][]pebble.SSTableInfo) int64 {
	var (
		total int64
		taken []keyRange // in order, without overlap
	)
	for _, level := range slices.Backward(levels) {
		for i := range level {
			t := keyRange{level[i].Smallest.UserKey, level[i].Largest.UserKey}
			// The first one taken that does not end before t begins.
			at, _ := slices.BinarySearchFunc(taken, t.smallest, func(r keyRange, key []byte) int {
				return bytes.Compare(r.largest, key)
			})
			if at < len(taken) && bytes.Compare(taken[at].smallest, t.largest) <= 0 {
				continue
			}
			taken = slices.Insert(taken, at, t)
			total += int64(level[i].Size)
		}
	}
	return total
}
