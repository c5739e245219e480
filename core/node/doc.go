// Package node is the composition root: it opens a data directory, recovers the
// state machine from it, starts the stages and stops them.
//
// # Data directory
//
//	LOCK       held while a process uses the directory
//	meta.json  format version, ids of cluster and member, engine, and the
//	           directory's own instance; written once
//	wal/       the Raft log (package wal)
//	snap/      snapshots of an engine that is not persistent, newest only; and
//	           the leader's, until the engine holds it
//	engine/    an engine that is persistent
//
// # Start
//
//  1. Lock the directory and compare meta.json with the options. A member that
//     joins a cluster asks its members who it is.
//  2. Open the log; a torn tail is repaired, other damage refuses.
//  3. Open the engine; load the snapshot that the log names if the engine keeps
//     nothing itself, or a crash came before it had taken over the leader's.
//  4. An engine ahead of the log refuses, but with a sync policy that acknowledges
//     first (--wal=async, unsafe), which explains it: then the log goes on behind
//     the engine.
//  5. Give log and engine to the Raft loop. It hands out again what is
//     committed and not in the engine.
//  6. Serve the peers and dial them. Once there is a leader, tell the cluster the
//     member's name, client URLs and instance, if it does not know them.
//
// # Peers
//
// peers.go says who may talk to this node, transfer.go how the state reaches a
// member that is too far behind, join.go what members ask each other. A member that
// was removed, or whose data directory is not the one that it ran with before, is
// told so by the others and stops; so does one whose log has lost entries that it
// had acknowledged (raftnode.ErrLogLost).
//
// # Bounding the log
//
// After SnapshotCount entries, or SnapshotBytes of log, the apply stage captures
// the state. In the background an engine that is not persistent is written to
// snap/, a persistent one is flushed. Then the log records the mark and drops
// what lies before it. For an engine that is written whole, the byte bound is at
// least the size of its last snapshot, so that snapshots at most double the
// bytes written.
//
// # Failure
//
// An error of the log, of the engine or of a snapshot stops the node for good:
// Failed is closed, everything that waits is answered with kv.ErrStopped.
package node
