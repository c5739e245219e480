// Package raftnode is the Raft loop: the only importer of the Raft library.
//
// One goroutine (Run) owns the library's RawNode and, unless the policy writes it
// behind the loop, the log. Everything else reaches it through bounded queues.
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
// # Write path of a log behind the loop (wal.Background)
//
// The library's asynchronous storage writes take the place of steps 2 to 7; the
// files are behind.go and appender.go. The loop owns the RawNode and what the
// library reads (MemoryStorage), the appender owns the log.
//
//  1. When the appender is free, and with a linger has been for that long, or
//     when a crowd waits (propose.Crowd), the loop proposes what waits and takes
//     the Ready. Its messages to peers are sent, its committed entries go to the
//     apply stage.
//  2. What the Ready wants written is pending, with the messages that depend on
//     it: votes, acknowledgements, the leader's own count towards the majority. A
//     commit index by itself goes with the next write. Pending writes are bounded;
//     at the bound the loop waits.
//  3. When the appender is free, the loop gives it all that is pending; with a
//     linger, after having waited for more, but not if an election waits. The
//     appender joins it into one frame and syncs it once. Entries that replace
//     earlier ones of the same batch begin a frame and a sync of their own.
//  4. Back on the loop, in order: the entries become readable in MemoryStorage,
//     the dependent messages are delivered. Until then the library reads these
//     entries from its own memory.
//  5. Compactions are pending among the writes, so that a mark never names an
//     entry that is not in the log yet.
//  6. Stop has the appender write what is pending. If it fails, it is given
//     nothing more, no dependent message is delivered, and the loop stops.
//
// A policy that acknowledges first (--wal=async, unsafe) does step 4 before step
// 3, except for changes of term and vote and for what follows them.
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
//     that it rests on was synced by the policy (but for entries under a policy
//     that acknowledges first).
//   - After an error of the log the loop stops for good, and with it the node.
//   - A commit index by itself is not synced: after a restart the engine's
//     applied index, or the leader, tells it again.
package raftnode
