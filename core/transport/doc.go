// Package transport carries messages and snapshots between the replicas of a
// cluster: Transport over TCP, between processes, and Network in memory, for
// tests that own the network. Both promise little: a message may be lost, and
// Raft repeats what matters.
//
// # Connections
//
// Every member dials every other one. A connection carries frames one way, from
// the one who dialled, so that two members share two; what comes back is the
// answer to the handshake, life signs and at the end the reason why. There are
// three kinds: messages (kept open), one snapshot, and one question.
//
//	greeting  = magic (8) | version u16 | length u16 | JSON (length)
//	frame     = kind u8 | length u32 | crc u32 of the payload | payload (length)
//	  'M'  a Raft message (protobuf)        'D'  a piece of a snapshot
//	  'P'  life sign, empty                 'E'  end of the snapshot, empty
//	  'Q'  question   'A'  answer           'X'  a refusal, JSON: the last frame
//
// Integers are little-endian, CRCs CRC-32C. Both sides greet before anything
// else: who they are, of which cluster, whom they mean to talk to. The one who was
// dialled refuses a stranger with a reason that both sides log.
//
// # Life of a message
//
//  1. Send puts it into its peer's queue, bounded in count and bytes, or drops it
//     and says so (Handler.Undelivered). It never blocks the Raft loop.
//  2. The peer's goroutine waits until the message is due (Config.Delay), takes
//     all others that are, and writes them with one call.
//  3. The receiver hands it to Handler.Step, which may block: then the reader
//     stops, TCP's window closes, the sender's queue fills, and it drops.
//  4. When a connection breaks, what was queued is lost, and dialling begins
//     again, with growing pauses that end when the peer dials.
//
// # Invariants
//
//   - A message is delivered at most once: it is written on one connection, once.
//     Raft bears repeated messages with one exception, forwarded proposals, which
//     would be carried out twice.
//   - Messages of one connection arrive in the order of sending. A new connection
//     of a peer ends its old one, and what Handler.Step still has of it.
//   - A member speaks in its own name, but for what it forwards.
//   - Memory is bounded by the queues, by MaxMessageBytes for each connection (less
//     for snapshots and questions), by maxInbound connections, and by maxUnnamed
//     members of whom only they themselves have told.
//   - What is given up, by a context or with its peer, ends at once.
//   - Both sides give a silent connection up after silenceTimeout.
//
// # Not protected
//
// Without TLS whoever reaches the port can pose as a member. With it, and
// --peer-client-cert-auth, whoever has a certificate of the authority can. Either
// may hold all maxInbound connections for connectTimeout.
package transport
