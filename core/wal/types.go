package wal

import "errors"

// Entry is one Raft log entry.
//
// Entries given to [Log.Append] are encoded before it returns and may be reused
// by the caller. Data of entries in [Recovered] belongs to the caller; entries
// that were written in one frame share one allocation.
type Entry struct {
	// Index is the position in the log, from 1, without gaps.
	Index uint64
	// Term is the Raft term; it never falls from one entry to the next.
	Term uint64
	// Type is one of the Entry constants; the log does not interpret it.
	Type uint8
	// Data is the payload and may be empty.
	Data []byte
}

// Types of entries. The first two are the Raft library's (raftpb.EntryType) and
// part of the format; the last one is never in a log.
const (
	// EntryCommands carries commands, or nothing: a new leader's first entry.
	EntryCommands = 0
	// EntryMembership carries a change of the membership. Once committed, Data is
	// the membership after it (member.Set, encoded), changed or not.
	EntryMembership = 1
	// EntryRestored tells the apply stage that a snapshot takes the place of all
	// entries up to Index. Data is the membership.
	EntryRestored = 0x80
)

// HardState is what Raft needs back after a crash besides the entries (Ongaro
// and Ousterhout 2014, figure 2, "persistent state").
type HardState struct {
	// Term is the latest term seen. It never falls.
	Term uint64
	// Vote is the node voted for in Term, 0 for none.
	Vote uint64
	// Commit is an index known to be committed. It never falls, and never
	// exceeds the last entry.
	Commit uint64
}

// SnapshotMark says that a snapshot of the state machine at Index is durable
// elsewhere: the log is complete only after Index.
type SnapshotMark struct {
	// Index and Term name the last entry that the snapshot covers; 0 and 0 mean
	// that there is none yet.
	Index, Term uint64
	// ConfState is the membership at Index in the caller's encoding.
	ConfState []byte
}

// Identity names the one node whose log a directory may hold. Zero values are
// allowed: they are compared like any other.
type Identity struct {
	ClusterID, NodeID uint64
}

// Errors of the package. Each is wrapped with the file, offset and values
// involved; compare with errors.Is.
var (
	// ErrCorrupt says that the log on disk is damaged in a way that no crash
	// explains. Nothing was modified.
	ErrCorrupt = errors.New("wal: corrupt")
	// ErrIdentity says that the directory holds the log of another node.
	// Nothing was modified.
	ErrIdentity = errors.New("wal: identity mismatch")
	// ErrFormat says that the log was written in a format version that this
	// program does not know. Nothing was modified.
	ErrFormat = errors.New("wal: unknown format version")
	// ErrFailed answers every call after a failed write or sync, and wraps the
	// first cause. The log has to be reopened: after a failed fsync the kernel
	// may have dropped the dirty pages, so that a retry would report success
	// for data that is not on disk (Rebello et al., "Can Applications Recover
	// from fsync Failures?", 2020).
	ErrFailed = errors.New("wal: failed earlier")
	// ErrInvalid answers a call that breaks the log's order, such as an entry
	// that leaves a gap. Nothing was written and the log stays usable.
	ErrInvalid = errors.New("wal: invalid argument")
	// ErrClosed answers every call after Close.
	ErrClosed = errors.New("wal: closed")
)
