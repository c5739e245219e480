// Package lsm is the state machine over any ordered byte store with atomic
// batches and snapshots: pebble and RocksDB are thin adapters to its Store.
// What the two engines share is here once, so that a comparison of them
// compares the libraries and nothing else.
//
// # Keys
//
//	'k' key       AppendValue's encoding of a pair
//	'm' "format"  1 byte, the version of this layout
//	'm' "state"   AppendState's encoding of the State
//
// # Write path
//
//  1. NewBatch opens a Store batch and an overlay of pending changes.
//  2. Put and Delete go to both: encoded into the Store's batch, and as pairs
//     into the overlay, from which the batch's own reads are answered.
//  3. Commit adds the State to the Store's batch and applies it, without the
//     store's own log and without a sync: the Raft log is the log. Then it makes
//     the keys that came and went known to the key index, if there is one.
//  4. Flush makes what was applied durable. The Raft log may then be cut.
//
// # Key index
//
// A Store counts the keys of a range by a walk. With a KeyIndex, a set of all keys
// in memory that knows the size of its parts (seam of the axis --key-index), Count
// asks that, and a limited range reads only what it returns. The index is never
// stored: Open fills it by one scan of all keys, and Restore from the snapshot.
// keySet says how a view counts what it scans while batches are applied.
//
// # Invariants
//
//   - Data and State change in one atomic batch, and a Store keeps a prefix of
//     its batches in a crash; so what is found after a crash agrees.
//   - The State is missing only while a Restore is under way. A store that is
//     opened without one is therefore unfinished, and is emptied: the node
//     then restores the snapshot again or replays its log from the start.
//   - A View shows data, State and counts of one moment: it holds up commits for a
//     point read, and takes a snapshot for a scan. While a commit is under way
//     a View is a snapshot at once, so readers never wait for a commit, not
//     even for one that the library stalls: but for the moment in which the key
//     index changes, in memory. Only Restore makes them wait.
package lsm
