package lsm

import (
	"fmt"
	"runtime"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Machine is what settings are scaled to.
type Machine struct {
	// MemoryBytes is what the process may use; positive.
	MemoryBytes int64
	// CPUs is how many threads may run at a time; positive.
	CPUs int
}

// fallbackMemoryBytes stands for a machine that does not tell its memory: small
// enough for any that runs the store.
const fallbackMemoryBytes = 2 << 30

// ThisMachine returns the smaller of the machine's memory and its control
// group's limit, and Go's GOMAXPROCS, which respects the group's CPU limit.
func ThisMachine() Machine {
	m := Machine{MemoryBytes: fallbackMemoryBytes, CPUs: runtime.GOMAXPROCS(0)}
	system, err := memlimit.FromSystem()
	if err == nil && system > 0 {
		m.MemoryBytes = int64(min(system, 1<<62))
	}
	if group, err := memlimit.FromCgroup(); err == nil && group > 0 && group < uint64(m.MemoryBytes) {
		m.MemoryBytes = int64(group)
	}
	return m
}

// Budget is the part of a Machine that ProfileTuned gives to a library. Both
// libraries get the same, so that a comparison of them is fair.
type Budget struct {
	// MemtableBytes is the size at which a memtable is flushed.
	MemtableBytes int64
	// Memtables is how many may exist before writers wait for a flush.
	Memtables int
	// CacheBytes bounds the cache of uncompressed blocks, those of indexes and
	// filters included.
	CacheBytes int64
	// Jobs is how many flushes and compactions may run at a time.
	Jobs int
}

const (
	mib = 1 << 20
	// maxMemtableBytes is also what CockroachDB gives Pebble, and RocksDB's own
	// default. A node cuts its log, and flushes its engine, after 64 MiB of log
	// (node.Options.SnapshotBytes), so a larger memtable would never fill.
	maxMemtableBytes = 64 * mib
	minMemtableBytes = 4 * mib
	minMemtables     = 2 // one fills while one is flushed
	maxMemtables     = 8 // each one more is one more place that every read looks at
	minCacheBytes    = 8 * mib
)

// Budget divides a sixteenth of the memory: a quarter of it for memtables and
// the rest for the block cache. The remainder of the machine is the Go heap's,
// the load generator's, and the kernel's, whose page cache holds the compressed
// tables a second time. RocksDB's guide ("Setup Options and Basic Tuning") gives
// the cache a third of the memory, and CockroachDB's production checklist a
// quarter or more, on machines that do nothing else.
func (m Machine) Budget() Budget {
	total := m.MemoryBytes / 16
	b := Budget{
		MemtableBytes: min(max(total/4, minMemtableBytes), maxMemtableBytes),
		// Two at least, as the libraries have by default: a flush beside a
		// compaction.
		Jobs: max(m.CPUs, 2),
	}
	b.Memtables = int(min(max(total/4/b.MemtableBytes, minMemtables), maxMemtables))
	b.CacheBytes = max(total-int64(b.Memtables)*b.MemtableBytes, minCacheBytes)
	return b
}

// String returns the budget in a form for logs and records.
func (b Budget) String() string {
	return fmt.Sprintf("memtables=%dx%s cache=%s jobs=%d", b.Memtables, inMiB(b.MemtableBytes), inMiB(b.CacheBytes), b.Jobs)
}

func inMiB(n int64) string { return fmt.Sprintf("%dMiB", n/mib) }
