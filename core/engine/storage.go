package engine

// StorageStats are a storage library's own account of the bytes it moves and
// holds. The first four are totals since the engine was opened and never fall;
// LiveBytes and TableBytes describe the moment. From them follow
//
//	write amplification: (FlushedBytes + CompactedBytes) / WrittenBytes
//	space amplification: TableBytes / LiveBytes
//
// both without the Raft log, whose bytes the node counts by themselves.
type StorageStats struct {
	// WrittenBytes is what batches brought in: keys and values as they are
	// stored, deletions by their keys, before any encoding of the library's.
	WrittenBytes int64
	// FlushedBytes is what memtables became as table files.
	FlushedBytes int64
	// CompactedBytes is what compactions wrote.
	CompactedBytes int64
	// CompactionReadBytes is what compactions read.
	CompactionReadBytes int64
	// TableBytes is the size of all table files that hold data now.
	TableBytes int64
	// LiveBytes estimates what TableBytes would be without overwritten and
	// deleted data: the sizes of the largest set of files, taken from the lowest
	// level up, whose key ranges do not overlap. It is RocksDB's property
	// rocksdb.estimate-live-data-size, computed alike for every library. The
	// estimate is low where files of upper levels hold new keys.
	LiveBytes int64
	// VisitedKeys is a total, as the first four are: the stored keys that scans and
	// counts have stepped over.
	VisitedKeys int64
}

// Metered is an Engine over a storage library that keeps account.
type Metered interface {
	Engine
	// StorageStats returns the present account. It may be called from any
	// goroutine, and waits for a Restore that is under way. After Close the
	// error is ErrClosed.
	StorageStats() (StorageStats, error)
}
