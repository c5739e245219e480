package wal

import corewal "metastorebench/core/wal"

// Group lets the log run behind the Raft loop (group commit): what the loop wants
// saved during a sync, over many Readys, is appended as one frame with the next.
// It is safe: nothing is acknowledged before the sync that covers it.
//
// It has no state and is safe for concurrent use.
type Group struct{ PerReady }

var _ corewal.Background = Group{}

// AcknowledgesFirst implements wal.Background.
func (Group) AcknowledgesFirst() bool { return false }

// Async is Group, but entries are acknowledged when they are handed over, before
// they are written or synced. It is UNSAFE: whatever the log had not yet been
// synced for is lost in a crash of the process or of the machine, although the
// callers were told that it is there. An engine that keeps its data on disk may
// get ahead of the log; after a crash the log then goes on behind the engine, see
// package node. Term and vote are synced as by Group: writes are lost, the
// election's rules are not.
//
// It has no state and is safe for concurrent use.
type Async struct{ PerReady }

var _ corewal.Background = Async{}

// AcknowledgesFirst implements wal.Background.
func (Async) AcknowledgesFirst() bool { return true }
