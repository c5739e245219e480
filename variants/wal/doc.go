// Package wal holds the values of the axis --wal: when the Raft log is synced.
//
//	perentry  every entry is appended and synced on its own (the plan's baseline)
//	perready  all entries of a Ready in one frame with one sync (what etcd does)
//	group     all entries of the Readys that came during a sync, in the next one
//	async     as group, but acknowledged before it: UNSAFE
//
// All but async are safe: they keep the contract of wal.Policy in core/wal, and
// pass its conformance suite, core/wal/waltest. They differ only in the number of
// syncs and in who waits for them; without the first two, batched proposals and
// group commit could not be told apart.
package wal
