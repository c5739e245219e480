// Package raftnode is the Raft loop: the only importer of the Raft library.
//
// One goroutine (Run) owns the library's RawNode and the log. Everything else
// reaches it through bounded queues.
//
// # Write path
//
//  1. A command waits in package propose; the loop is woken.
//  2. When the loop is free, that is when the log of the last Ready has been
//     written, it takes entries from the Proposer and proposes them.
//  3. It takes the Ready. Committed entries that are in the log already go to
//     the apply stage first: their callers do not wait for the next sync.
//  4. A leader sends its messages to the peers now, in parallel with its own
//     write (Ongaro's thesis, 10.2.1).
//  5. The sync policy (axis --wal) writes and syncs hard state and entries.
//  6. The entries become readable to the library, a follower sends its
//     messages, committed entries of this Ready go to the apply stage.
//  7. Advance.
//
// # Read path (ReadIndex, Ongaro's thesis, 6.4)
//
//  1. Readers that arrive between two turns of the loop share one request.
//  2. The library answers with the commit index at which it knew itself leader.
//  3. The readers go on when the apply stage has passed that index.
//
// # Invariants
//
//   - No entry is applied, and no vote or acknowledgement sent, before the log
//     that it rests on was synced by the policy.
//   - After an error of the log the loop stops for good, and with it the node.
//   - A commit index by itself is not synced: after a restart the engine's
//     applied index, or the leader, tells it again.
package raftnode
