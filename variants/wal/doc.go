// Package wal holds the values of the axis --wal: when the Raft log is synced.
//
//	perentry  every entry is appended and synced on its own (the plan's baseline)
//	perready  all entries of a Ready in one frame with one sync (what etcd does)
//
// Both are safe: they keep the contract of wal.Policy in core/wal, and pass its
// conformance suite, core/wal/waltest. They differ only in the number of syncs;
// without both, batched proposals and group commit could not be told apart.
package wal
