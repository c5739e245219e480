// Package kv is the vocabulary of the store: commands (what the Raft log
// carries), requests, results, key metadata and the sentinel errors that the
// layers above map to etcd's wire errors. It is a leaf: it imports nothing of
// this module.
//
// Keys and values are bytes. No layer may turn them into text: every byte
// sequence has to survive every codec.
//
// # Revisions
//
// A store starts at revision 1. Each command that changes something adds one,
// and all operations of one transaction share it. Only the newest version of a
// key is kept, so a read at an older revision is answered with ErrCompacted and
// a read at a future one with ErrFutureRevision.
package kv
