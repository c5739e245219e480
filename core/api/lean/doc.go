// Package lean serves unary gRPC calls over HTTP/2 with as little as possible
// between a request's bytes and the code that answers it. It knows frames, header
// blocks and gRPC's message framing, and nothing about keys and values: what it
// serves is a Session for each connection. Everything else that comes over the same
// port and connection goes to http.Handlers: other gRPC calls to grpc-go, plain HTTP
// to the gateway.
//
// # The life of a unary call
//
//  1. The connection's reader parses frames from one buffer. A header block is
//     decoded, or recognised: one that has only indexed fields means what it meant
//     before as long as no other kind of block has come in between.
//  2. The call is admitted: not while the connection drains, and not above the limit
//     of streams. It gets a slot, a small number by which the session knows it.
//  3. When its message is complete, Session.Begin is given the bytes, in the buffer
//     if they came in one frame. When all that had been read is parsed, the session
//     is told so (Flush) and hands over what it has gathered.
//  4. Whoever has the outcome calls Conn.Answer, from any goroutine. It only queues.
//  5. The connection's writer takes all that is queued, has Session.AppendReply
//     encode each reply behind its header, and sends all of it in one system call.
//
// No goroutine belongs to a call. Two belong to a connection.
//
// # Who owns what
//
//	reader   the input buffer, HPACK's decoder, the open calls by stream id, the
//	         slots, what the peer may still send
//	writer   the output, HPACK's encoder (two entries, never more), what may still be
//	         sent on the connection and on each stream
//	mu       the queue of events to the writer, which orders what happens to a call;
//	         the calls that have ended, on their way back; drain and deadlines
//
// An event is in the queue for each thing that the reader, a timer, a handler or an
// answer wants of the writer. A call ends in one place, Conn.release, on the writer.
// Its slot is free from then on, and not before its answer has come.
//
// A stream counts against the limit until it is closed, as HTTP/2 says: the reader
// takes it off when it is reset, and the writer before it sends the last frame. What is
// still under way for closed streams has a limit of its own, of the same size.
//
// # What is bounded, and how
//
//	frames          16 KiB, the least that HTTP/2 allows; a connection's input buffer is
//	                4 KiB, and 32 KiB while much comes in
//	header blocks   64 KiB in all, compressed and decoded, and 64 frames
//	streams         Options.MaxConcurrentStreams of a connection, and as many calls
//	                that are still under way though their streams are closed; others
//	                are refused
//	requests        Options.MaxMessageBytes each; what waits to be complete, or to be
//	                read by a handler, is bounded for the whole server
//	slow requests   a message must be complete in a minute
//	slow readers    replies wait unencoded, or as far as windows allow; nothing is read
//	                from a peer that does not take what it asked for, and a write that
//	                makes no progress for half a minute ends the connection
//	handlers        64 KiB of each answer wait to be sent, 16 MiB of all, and 4 KiB of each
//	                then
//	floods          frames that ask for nothing are counted, and so are pings, which
//	                answers pardon, and resets, which as many answered calls pardon
//	silence         a peer that answers no ping is gone
//
// A connection that breaks a rule is told which with GOAWAY and closed. What it has
// under way in the store goes on there, as after any lost connection.
//
// # Not protected
//
// There is no bound on the number of connections, and a peer may keep one busy with
// calls that it is allowed to make.
package lean
