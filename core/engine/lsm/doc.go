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
//     store's own log and without a sync: the Raft log is the log.
//  4. Flush makes what was applied durable. The Raft log may then be cut.
//
// # Invariants
//
//   - Data and State change in one atomic batch, and a Store keeps a prefix of
//     its batches in a crash; so what is found after a crash agrees.
//   - The State is missing only while a Restore is under way. A store that is
//     opened without one is therefore unfinished, and is emptied: the node
//     then restores the snapshot again or replays its log from the start.
//   - A View shows data and State of one moment: it holds up commits for a
//     point read, and takes a snapshot for a scan. While a commit is under way
//     a View is a snapshot at once, so readers never wait for a commit, not
//     even for one that the library stalls. Only Restore makes them wait.
package lsm
