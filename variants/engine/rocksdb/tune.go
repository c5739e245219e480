//go:build !norocksdb

package rocksdb

import (
	"github.com/linxGnu/grocksdb"

	"metastorebench/core/engine/lsm"
)

// tune sets what lsm.ProfileTuned changes. Left as they are by default:
//
//   - The triggers of L0 (4 files to compact, 20 to slow down, 36 to stop) and
//     max_bytes_for_level_base, 256 MiB, which is 4 memtables of 64 MiB: the
//     guide wants L1 as large as L0.
//   - max_subcompactions, 1: on few cores the memtables' flushes and the clients
//     want the others.
//   - compaction_pri, kMinOverlappingRatio since RocksDB 6, and format_version
//     5, which are what the guide asks for.
//   - compression of the lowest level: zstd, which the guide proposes there,
//     takes less space and more of the CPU that the store shares with its
//     clients.
func tune(o *grocksdb.Options, b lsm.Budget) {
	// Default 64 MiB and 2. More memtables absorb a burst while one is flushed.
	o.SetWriteBufferSize(uint64(b.MemtableBytes))
	o.SetMaxWriteBufferNumber(b.Memtables)
	o.SetMemTablePrefixBloomSizeRatio(memtableBloomRatio)
	o.SetMemtableWholeKeyFiltering(true)
	// Default 2.
	o.SetMaxBackgroundJobs(b.Jobs)
	// Default off. The lowest level holds nine tenths of the data at any size,
	// which bounds the space for overwritten data to about a tenth.
	o.SetLevelCompactionDynamicLevelBytes(true)
	// Default Snappy. About the same ratio, and cheaper to undo.
	o.SetCompression(grocksdb.LZ4Compression)
	o.SetBytesPerSync(bytesPerSync)

	table := grocksdb.NewDefaultBlockBasedTableOptions()
	defer table.Destroy()
	// Default 8 MiB.
	cache := grocksdb.NewLRUCache(uint64(b.CacheBytes))
	defer cache.Destroy() // the tables hold it
	table.SetBlockCache(cache)
	table.SetBlockSize(blockBytes)
	table.SetFilterPolicy(grocksdb.NewBloomFilterFull(bloomBits))
	// Default: outside the cache and without a bound. Within it they can be
	// evicted, so those of L0, which every get needs, are pinned.
	table.SetCacheIndexAndFilterBlocks(true)
	table.SetPinL0FilterAndIndexBlocksInCache(true)
	o.SetBlockBasedTableFactory(table)
}
