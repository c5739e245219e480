package pebble

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"metastorebench/core/engine/lsm"
)

// The fixed settings of lsm.ProfileTuned. The memory and threads are
// lsm.Machine's. Sources are the comments of pebble.Options and CockroachDB's
// DefaultPebbleOptions (pkg/storage/pebble.go), which serves a load like ours:
// small values, a get before each put, a Raft log beside the store.
const (
	// bloomBits are per key: about 1 % of the gets of a key that a table does
	// not hold read the table nonetheless. Default: no filters. CockroachDB has
	// none on the lowest level, to save nine tenths of their memory, since its
	// gets mostly hit. Here each put first gets its key, which a new key misses
	// on every level, so all levels have them: 1.25 bytes a key.
	bloomBits = 10
	// blockBytes is the unit of reading, caching and compressing: more of them
	// mean a larger index, larger ones more to decompress for one get. Default
	// 4 KiB. CockroachDB takes 32 KiB, for scans and for ratio; 16 KiB is what
	// RocksDB's guide gives, and what RocksDB has here, so that the two compare.
	blockBytes = 16 << 10
	// indexBlockBytes keeps the index of a table in one block, so that a get
	// looks up one block of it and not two. Default: the size of a data block.
	// CockroachDB's value.
	indexBlockBytes = 256 << 10
	// l0CompactionThreshold is the number of sublevels of L0, each of which a
	// get has to look at, that starts a compaction. Default 4. CockroachDB's
	// value: gets are cheaper and compactions more frequent, but no larger,
	// because L0 is compacted in parts.
	l0CompactionThreshold = 2
	// l0StopWrites is the number of sublevels at which writes stop. Default 12,
	// which a burst reaches; CockroachDB's value leaves it to the caller, here
	// the bounded propose queue, to hold up its clients.
	l0StopWrites = 1000
	// tableFormat is the format in which tables are written. Default: the oldest
	// that the library supports, so that older programs can read them. This one
	// has blocks in columns, with cheaper seeks. A store that was written with
	// it is read with either profile, and never by a Pebble before v2.
	tableFormat = pebble.FormatTableFormatV6
)

// tune sets what lsm.ProfileTuned changes. Left as they are by default:
//
//   - Compression: Snappy on all levels, skipped for blocks that shrink by less
//     than an eighth. zstd on the lowest level would take less space and more of
//     the CPU that the store shares with its clients.
//   - LBaseMaxBytes, 64 MiB, and the level multiplier, 10: CockroachDB's as well.
//   - TargetFileSizes, 2 MiB in L0 and doubling; flushes are split at 4 MiB, so
//     that L0 can be compacted in parts.
func tune(o *pebble.Options, b lsm.Budget) {
	// Default 4 MiB and 2. The larger a memtable, the fewer and larger the
	// tables of L0, and the more overwrites never reach one; more of them
	// absorb a burst while one is flushed.
	o.MemTableSize = uint64(b.MemtableBytes)
	o.MemTableStopWritesThreshold = b.Memtables
	// Default 8 MiB.
	o.CacheSize = b.CacheBytes
	o.L0CompactionThreshold = l0CompactionThreshold
	o.L0StopWritesThreshold = l0StopWrites
	// Default 1 and 1. One flush runs beside the compactions.
	o.CompactionConcurrencyRange = func() (lower, upper int) { return 1, b.Jobs }
	o.FormatMajorVersion = tableFormat
	for i := range o.Levels {
		o.Levels[i].BlockSize = blockBytes
		o.Levels[i].IndexBlockSize = indexBlockBytes
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
}

// Settings says in one line what opts make of the library's settings, for logs
// and records; "" if they are the library's own.
func Settings(opts lsm.Options) (string, error) {
	opts, err := opts.Resolve()
	if err != nil || opts.Profile == lsm.ProfileDefault {
		return "", err
	}
	return fmt.Sprintf("%s bloom=%d block=%dKiB index-block=%dKiB l0-compaction=%d l0-stop=%d format=%d",
		opts.Machine.Budget(), bloomBits, blockBytes>>10, indexBlockBytes>>10, l0CompactionThreshold, l0StopWrites, int(tableFormat)), nil
}
