package rocksdb

import (
	"fmt"

	"metastorebench/core/engine/lsm"
)

// The fixed settings of lsm.ProfileTuned. The memory and threads are
// lsm.Machine's. The source is the RocksDB Wiki's tuning guide: "Setup Options
// and Basic Tuning", where it says what to set and why.
const (
	// bloomBits are per key: about 1 % of the gets of a key that a table does
	// not hold read the table nonetheless. Default: no filters. The guide's
	// value. Each put first gets its key, which a new key misses on every level.
	// It costs 1.25 bytes a key.
	bloomBits = 10
	// blockBytes is the unit of reading, caching and compressing. Default 4 KiB.
	// The guide's value: a quarter of the index, for more to decompress on a
	// get that misses the cache.
	blockBytes = 16 << 10
	// memtableBloomRatio is the size of a filter of a memtable's keys, as a part
	// of the memtable. Default 0. A get of a key that is not in it, of which every
	// put makes one, skips the walk down its skip list. 0.02 makes 10 bits a key
	// for entries of 64 bytes, and more for larger ones, in 1.3 MiB; see
	// memtable_prefix_bloom_size_ratio in rocksdb/advanced_options.h.
	memtableBloomRatio = 0.02
	// bytesPerSync makes the kernel write tables out while they grow, and not
	// all at once when they are done, which would hold up syncs of the Raft log
	// on the same device. Default 0. The guide's value; Pebble's default is
	// 512 KiB.
	bytesPerSync = 1 << 20
)

// Settings says in one line what opts make of the library's settings, for logs
// and records; "" if they are the library's own.
func Settings(opts lsm.Options) (string, error) {
	opts, err := opts.Resolve()
	if err != nil || opts.Profile == lsm.ProfileDefault {
		return "", err
	}
	return fmt.Sprintf("%s bloom=%d block=%dKiB memtable-bloom=%g compression=lz4 dynamic-levels bytes-per-sync=%dKiB",
		opts.Machine.Budget(), bloomBits, blockBytes>>10, memtableBloomRatio, bytesPerSync>>10), nil
}
