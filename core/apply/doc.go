// Package apply is what commands mean, and how committed entries reach the
// engine.
//
// The meaning is in pure functions over the engine seam: Exec carries out a
// command on a batch, Range and ReadTxn answer reads from a reader. They follow
// etcd's applier (server/etcdserver/txn and server/storage/mvcc of v3.7), in a
// store that keeps only the newest version of each key.
//
// Invariants:
//
//   - the outcome depends on nothing but the data and the command, so replicas
//     that apply the same log agree;
//   - a command either fails before it has changed anything (Result.Err), or is
//     carried out whole; a failing engine stops the node;
//   - the revision grows by one for each command that changes something, and
//     every pair written by it has that revision as its mod revision.
//
// The way is the Applier's: see its steps.
package apply
