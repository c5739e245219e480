// Package walbench compares the log of package wal with two others that Raft
// stores use, github.com/hashicorp/raft-wal and etcd's own
// (go.etcd.io/etcd/server/v3/storage/wal), and with the device. It holds
// benchmarks only, and is a module of its own so that what it depends on stays
// out of the store's.
//
// Every log gets the same entries in the same batches, on the same file system,
// and makes each batch durable before the next with one call: fdatasync, in
// raft-wal fsync. All use segments of 64 MiB, their default, and are told to drop
// what is behind them after about as much, so that each works in the way it would
// in a store that takes snapshots. All write to preallocated space, and that is
// where they differ:
//
//   - wal recycles files, whose blocks need no new metadata.
//   - raft-wal makes new files, with fallocate, whose blocks the file system marks
//     as written in each sync, and keeps an index of the entries in each, which it
//     writes when a file is full.
//   - etcd's makes new files ahead, with fallocate, in the background. It never
//     removes a file itself; a server does, and so does the benchmark.
//
// "raw" writes the entries' bytes alone, over data that were written before, and
// syncs them: the most that any log can do that syncs every batch.
//
// etcd's entries are protobuf messages, raft-wal's carry a time; ours neither.
// The benchmark counts the payload only.
package walbench
