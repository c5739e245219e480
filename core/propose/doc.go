// Package propose turns commands into proposals and proposals' outcomes into
// answers. It is where the axis --propose (one command per log entry, or many)
// has its seam.
//
// # Life of a command
//
//  1. Do encodes it on the caller's goroutine: encoding runs in parallel, the
//     queue's byte bound is exact, and forming an entry is a concatenation.
//  2. Do admits it: the commands that wait or are in flight are bounded in
//     count and in bytes. A full Proposer answers kv.ErrTooManyRequests at once.
//  3. The Raft loop, whenever it is free to propose, calls Next. The Policy
//     says how many of the waiting commands the next entry carries. There is no
//     timer: at low load a command is proposed at once, and under load the
//     commands that arrive while the loop is busy form the next entry.
//  4. Next registers the entry under its sequence number. The caller waits.
//  5. The apply stage calls Resolve with the results, or the Raft loop calls
//     Fail: the caller is answered.
//
// DoBatch takes many commands the same way as one request: they are admitted
// together or not at all, never divided between entries, and answered when the
// last of them has its result. One that has not been proposed when its caller
// gives up is withdrawn, so that the caller knows that it did not happen.
//
// DoEach takes many commands for which nobody waits: each is a request of its own,
// and the answers are given to a kv.Sink.
//
// DoWire, DoWireBatch and a Submission with a kv.Wire take a request as it was
// received, for a codec that is a codec.Passer: nothing is encoded, and the bytes go
// from the received frame into the entry. A request that waits holds the frame.
//
// # Invariants
//
//   - Every admitted request is answered exactly once, at the latest by Close,
//     unless it was withdrawn.
//   - A command is answered by its own entry only: the entry carries the origin
//     (random, drawn at each start) and the sequence number.
//   - An error says whether the command may have happened; see kv.Unknown.
package propose
