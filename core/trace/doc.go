// Package trace follows single writes through the store and says how long each
// stage took.
//
// # Life of a span
//
//  1. When a write arrives, the service asks the Tracer, which takes one in so
//     many: that request's context carries a Span from now on.
//  2. Each stage that a request leaves stamps the Span with the time. Stages are
//     the differences of successive stamps, so they follow one another without
//     gap or overlap and their sum is the time from arrival to the reply.
//  3. The last stamp is the reply's. A Span whose command was carried out is
//     given to the Observer, with its total time, which is measured apart from
//     the stamps: both must agree. Any other is dropped.
//
// # Stages
//
//	arrival
//	  | Decode  the request's message is read, decoded and validated
//	  | Encode  the command's bytes are made
//	  | Queue   the command waits until the Raft loop takes it
//	  | Append  its log entry is proposed, appended and synced, other entries of
//	  |         the same Ready included
//	  | Commit  the entry is committed and waits for the apply stage
//	  | Apply   the run of entries that holds it is decoded, executed and
//	  |         committed to the engine
//	  | Reply   the caller wakes up and encodes its reply
//	reply's bytes are ready for the transport
//
// # Invariants
//
//   - A nil *Tracer and a nil *Span do nothing: a store that does not trace pays
//     for nil checks alone, without reading a clock or allocating.
//   - A Span belongs to one goroutine at a time. It is handed on with its request,
//     over the request's own locks and channels.
//   - A Span is never used again: a stage that is late for a request that was
//     given up stamps garbage that nobody reads.
//
// Not covered: reading the request from the socket and writing the reply to it.
// Both are in the client's service time only.
package trace
