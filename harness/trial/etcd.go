package trial

import "metastorebench/harness/record"

// etcd reads the counters of an etcd v3.7 member that mean what ours do:
//
//   - Writes applied: puts and deletes of the MVCC store. A transaction counts by
//     its writes, if it has any.
//   - Syncs of the log and the bytes written to it.
//   - Commits of the backend (bbolt), which are synced too, every
//     backend-batch-interval or after backend-batch-limit writes.
//
// It counts neither proposals nor what is in a Ready or in an append, and measures no waiting
// for locks. The committed index, which it does show, is no count of proposals:
// entries of its own and of new terms are in it.
func (r *reader) etcd() (c counters) {
	c.AppliedOps = r.counter("etcd_mvcc_put_total") + r.counter("etcd_mvcc_delete_total")
	c.Fsyncs, c.FsyncNS = r.histogram("etcd_disk_wal_fsync_duration_seconds", 1e9)
	c.WALBytes = r.number("etcd_disk_wal_write_bytes_total")
	c.StorageCommits, c.StorageCommitNS = r.histogram("etcd_disk_backend_commit_duration_seconds", 1e9)
	c.Proposals, c.ProposedOps, c.Readys, c.ReadyEntries = record.Untold, record.Untold, record.Untold, record.Untold
	c.Appends, c.AppendEntries, c.AppendsInFlight = record.Untold, record.Untold, record.Untold
	c.LockWaitNS = record.Untold
	return c
}
