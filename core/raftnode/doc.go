// Package raftnode is the Raft loop: the only importer of the Raft library.
//
// One goroutine (Run) owns the library's RawNode and, unless it is written behind
// the loop, the log. Everything else reaches it through bounded queues.
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
// # Write path of a log behind the loop (a wal.Background, or Pipeline.WriteBehind)
//
// The library's asynchronous storage writes take the place of steps 2 to 7; the
// files are behind.go and appender.go. The loop owns the RawNode and what the
// library reads (MemoryStorage), the appender owns the log.
//
//  1. When the appender is free, and with a linger has been for that long, or
//     when a crowd waits (propose.Crowd), the loop proposes what waits and takes
//     the Ready. Its messages to peers are sent, its committed entries go to the
//     apply stage. What that has no room for waits, bounded by the library
//     (maxApplyingBytes), while the loop goes on ticking and answering.
//  2. What the Ready wants written is pending, with the messages that depend on
//     it: votes, acknowledgements, the leader's own count towards the majority. A
//     commit index by itself goes with the next write. Pending writes are bounded;
//     at the bound the loop waits.
//  3. When the appender is free, the loop gives it all that is pending; with a
//     linger, after having waited for more, but not if an election waits. The
//     appender joins it into one frame and syncs it once. Entries that replace
//     earlier ones of the same batch begin a frame and a sync of their own. A
//     policy that is no wal.Background is given one write at a time, and saves it
//     as it would in the loop; so that this makes no more syncs, commands and a
//     leader's appends wait outside while the appender is busy (pipeline.go).
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
// # Pipelining (axis --pipeline, Config.Pipeline)
//
// A leader has up to Pipeline.Appends messages with entries in flight to each
// follower, which the library counts. With one, what is proposed meanwhile shares
// the next message; with many, an entry leaves when it is proposed, which is when
// the leader's appender is free: acknowledgements of followers are never waited
// for. A message that is lost makes the library probe, one append at a time, until
// the follower has answered; so the transport's queue must hold a whole window.
// flight.go counts what is in flight for the metrics.
//
// # Membership and snapshots
//
//  1. A change of the membership is an entry like any other (membership.go). When
//     it is committed, the loop applies it to the library and hands the new
//     membership to the apply stage in the entry's place.
//  2. A follower that needs entries which are gone gets a snapshot (snapshot.go):
//     the message is taken out of the stream and the node sends the state.
//  3. At the follower, the data are durable before the loop hears of the
//     snapshot. The loop writes the mark, lets the library go on behind it, and
//     has the apply stage restore the engine, in the order of the entries.
//
// # Read path (ReadIndex, Ongaro's thesis, 6.4)
//
//  1. Readers that arrive between two turns of the loop share one request.
//  2. The library answers with the commit index at which it knew itself leader.
//  3. The readers go on when the apply stage has passed that index.
//
// For a sole voter that is a round through the loop, behind the Ready that it is
// busy with and its sync. With more voters it is a heartbeat to a majority, too.
//
// # Leases (ReadLease, the same thesis, 6.4.1)
//
// An answer of step 2 says that a majority has heard of this leader since it was
// asked for. None of those votes for anybody else before an election timeout has
// passed. So for nearly that long the leader answers reads without asking again:
// they wait for its commit index only, and do not meet the loop. Reads renew the
// lease when it is half over. A follower asks the leader, as in step 2.
//
// The library's own ReadOnlyLeaseBased is not used: it takes a leader's word until
// the next of its quorum checks, up to two election timeouts after the last
// contact, when another may have been elected for one, however good the clocks.
// It also counts ticks, which a process that is stopped (SIGSTOP) does not get.
//
// A lease assumes that
//
//   - the clocks of any two members run at rates that differ by less than a tenth.
//     They need not show the same time, and steps of the wall clock do no harm.
//   - the clock goes on while the process is stopped. It does for SIGSTOP and a
//     long pause of the collector; it does not while a whole virtual machine is
//     suspended or moved: after that a leader may answer with what is stale.
//   - all members have the same --read, --election-timeout and --heartbeat-interval:
//     they do not talk to one that has not (transport.ErrLease).
//
// What ends a lease, beside time: another term, the loss of leadership, a change
// of members, and a hand-over of leadership, after which this leader grants itself
// no more in its term, for the member that was told to campaign may do so late. A
// member that has started again votes for nobody for an election timeout, for it
// does not remember whom it has confirmed. A reader that is paused after it has
// read the clock answers with what was current when it asked, or later.
//
// # Invariants
//
//   - No entry is applied, and no vote or acknowledgement sent, before the log
//     that it rests on was synced by the policy (but for entries under a policy
//     that acknowledges first).
//   - What peers send waits within bounds of number and bytes (inbox.go), and a
//     leader takes no more than Config.UncommittedBytes that no majority has.
//   - After an error of the log the loop stops for good, and with it the node.
//   - A commit index by itself is not synced: after a restart the engine's
//     applied index, or the leader, tells it again.
package raftnode
