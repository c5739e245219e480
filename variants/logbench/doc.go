// Package logbench compares the store's commit log with its peers: what a put costs
// from the caller to the state machine and back, without a network or a service. It
// holds benchmarks only, and is a module of its own so that what it depends on stays
// out of the store's.
//
// # What is compared
//
// Every system gets the same puts (8-byte keys, 100,000 of them, 256-byte values that
// do not compress) from the same number of callers, each with one put in flight, and
// acknowledges a put when it is committed, synced and applied. All are alone in their
// cluster, on the same file system, in the same process one after the other, with
// the Go runtime's defaults.
//
//   - metastore is this repository's store, --variant=best, without its services:
//     node.Propose, Raft (go.etcd.io/raft), core/wal, the apply stage, the memory
//     engine with its ordered index.
//   - metastore-hash is the same with --index=hash, a Go map, which the peers' state
//     machine is too: what lies between the two is the price of the order.
//   - hashicorp is github.com/hashicorp/raft on github.com/hashicorp/raft-wal, with
//     its in-memory transport.
//   - etcd is go.etcd.io/raft on etcd's log (go.etcd.io/etcd/server/v3/storage/wal),
//     in a loop like raftexample's: one Ready after the other, one sync for each that
//     has entries, proposals from the callers' goroutines. It is not etcd's server:
//     there are no requests, no backend, no leases. `make peer` compares with that.
//   - tidwall-group is github.com/tidwall/wal as a bare log without consensus, behind
//     a group commit of this benchmark: one goroutine writes in a batch all that
//     waits, and syncs once.
//   - tidwall-each is the same log with a write and a sync for each put, as its
//     README uses it. It has no use for more than one caller; it shows what group
//     commit is worth.
//
// # Settings
//
// Peers have their libraries' defaults, but for these, none of which takes anything
// from them:
//
//   - hashicorp: BatchApplyCh, the option for group commit, and MaxAppendEntries 1024,
//     the most that is accepted (default 64), so that one sync can serve all callers.
//     A batching FSM. Timeouts of 100 ms, so that a lone voter leads soon after a
//     start. Apply without a timeout, which would cost a timer. No log cache: it
//     serves followers. No logger, and no snapshots: the default looks for a reason
//     after two minutes.
//   - etcd: the server's settings of raft (1 MiB for a message, 512 in flight,
//     CheckQuorum, PreVote, ticks of 100 ms), and two things that the server does and
//     raftexample does not: what is committed goes to the goroutine that applies
//     before the next sync begins, and the library's memory is cut to 5,000 entries,
//     every 100. No snapshots.
//   - tidwall: segments of 20 MB, its default, as are all options.
//
// Segments of the others are 64 MiB or MB, the default of each.
//
// # Durability
//
// Nothing is acknowledged before it is synced: fdatasync in metastore's and etcd's
// log, fsync in raft-wal and tidwall. Two checks hold every system to it:
//
//  1. With c callers at most c puts are in flight, so a sync covers at most c. A
//     system that syncs less often than puts/c has acknowledged too early.
//  2. At the end each system is stopped and opened again. It must hold as many puts
//     as were acknowledged, and of each key the newest value.
//
// A stop is no power cut: that a sync reaches the device is each log's own matter
// (for ours, `make power-cuts`). tidwall does not sync the directory when it begins
// a file, so that after a power cut a whole file could be missing.
//
// # Metrics
//
// puts/s; p99-ns, from one answer to the same caller's next; CPU-ns/put, user and
// system time of the process; fsyncs/put; allocs/op and B/op of the process. CPU and
// allocations include the callers, who are the same for all: one allocation and a
// copy of 256 bytes for each put, and one look at the clock.
//
// Syncs are metastore's metastore_wal_fsyncs_total, etcd's
// etcd_disk_wal_fsync_duration_seconds, what raft-wal asks of its file system for
// segments (not for its metadata, which change with a segment), and for tidwall, which
// has no counter, the calls that sync once each (not the sync of a file that is full).
//
// # Bias
//
// Against metastore: its state machine is the store's, with revisions, consistent
// views and (but for metastore-hash) an ordered index; its commands are protobuf messages; its callers have
// timeouts; it takes snapshots (every 64 MiB of log, its default) and keeps metrics.
// The peers' state machine is a Go map, their commands are raw bytes, they take no
// snapshots, and the caller's number in the key spares etcd and tidwall a table of
// those who wait.
//
// For metastore: its authors wrote the benchmark. It makes one log entry of all
// commands that wait, and its files are recycled, both of which the peers could do
// and do not; a caller of theirs could batch by itself. A lone member never shows
// what replication costs. Keys and values are of one size.
//
// Not compared: clusters, reads, recovery time, memory, and dragonboat, which is not
// to be had as a module.
package logbench
