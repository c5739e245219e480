// Package api serves a Store to clients: etcd's v3 KV service over gRPC, the
// same as JSON over HTTP, as much of etcd's other services as its tools need to
// work, and the store's own service (rpcpb.MetaStore): batches, over gRPC and as
// JSON under /v3/batch/, and streams of operations, over gRPC.
//
// # The life of a request
//
//  1. gRPC (or the gateway) decodes it into etcd's own message.
//  2. It is validated in etcd's order, with etcd's codes and texts: empty key,
//     options that exclude each other, sort options, number of operations,
//     duplicate keys, size.
//  3. It is converted to package kv's types. The conversion takes over the
//     message's byte slices instead of copying them: the decoder made them for
//     this request alone.
//  4. A write, and a transaction that may write, is proposed; a read runs on a
//     view of the store.
//  5. The result is converted to etcd's message, under a header with the ids of
//     cluster and member, the Raft term and the revision.
//  6. The Observer is told.
//
// # Transports
//
// What carries calls over gRPC is a seam (clientPort) of its own: grpc-go, or package
// lean with grpc-go's handler behind it (ServerOptions.Lean). Lean hands the unary calls
// of keys and batches to a unarySession for each connection, which enters the path above
// at step 2, without a goroutine for a write of one command or a get; everything else
// goes through grpc-go as ever, and plain HTTP to the gateway, on the same port.
//
// The transports are equal on the wire: the same calls get the same codes, texts and
// replies, and the same limits hold; a test compares them. Two things differ. A write
// over lean whose caller gives up is not withdrawn (as one of a stream), and a call over
// lean whose deadline passes is answered with DeadlineExceeded where grpc-go may only
// reset it.
//
// # Batches
//
// A batch goes the same way, with these differences. Every operation is
// validated by itself: one without a key, or larger than any request may be,
// gets an error of its own and the others go on. What counts against
// MaxRequestBytes is the others' keys and values, and 16 bytes for each. All
// commands of a batch are one proposal and one log entry, so a crash or a lost
// leader leaves all of them or none; they are executed one after another, each
// with its own revision, and with --apply=perop, or across an engine batch's
// bound, a reader may see the first ones before the last. A BatchGet runs on one
// view. A batch whose caller has gone before it was proposed is withdrawn.
//
// # Streams of operations
//
// One stream (MetaStore/Pipeline) carries many operations in flight.
//
//  1. The server's first message says how many: rpcpb.PipelineWindow.
//  2. Messages are received one at a time, and not while a window's worth, or 4
//     MiB of keys and values, is in flight: the rest waits in the client, held up
//     by HTTP/2's flow control. An operation is in flight until its outcome has been
//     given to gRPC, which takes none from a client that does not read.
//  3. Each operation is checked by itself, and answered by itself if it is wrong.
//     Ids must grow, so that none can be claimed twice.
//  4. Writes are proposed one by one (not as a batch: the axis --propose decides
//     what becomes an entry) in the order of the stream, straight from the received
//     bytes. The store hands their results over by a call (kv.Sink): no goroutine
//     waits for any of them.
//  5. Reads wait for the writes that were sent before them on the stream, and then
//     run many on a view. Writes do not wait for reads, so a read may see one that
//     was sent after it. An answer holds up to 3 MiB of keys and values.
//  6. Whatever has an outcome when the sender comes round goes in one message.
//
// A server has up to Limits.MaxPipelines streams open, and one connection up to a
// quarter of them; others are refused with ResourceExhausted. A stream whose
// operations are in flight holds up to some 10 MiB whatever its client does, for
// the most part what gRPC has received for it.
//
// When a stream ends by fault, what is in flight is answered first if the client is
// still there. When the server shuts down it takes in no more, answers what is in
// flight and ends the streams with Unavailable: what has no outcome then is
// unknown to the client. In the stage trace, a write of a stream arrives with its
// message, and its reply is ready when it is in a message of outcomes.
//
// # Errors
//
// A client must be able to tell "did not happen" from "unknown" by code and
// text alone. A write did not happen if its error is in the first part of the
// table; client.Unknown decides by the same table.
//
//	cause                      code                text ("etcdserver: ...")          happened
//	failed validation          InvalidArgument     etcd's own                        no
//	kv.ErrKeyNotFound          InvalidArgument     key not found                     no
//	kv.ErrTooLarge             InvalidArgument     request is too large              no
//	kv.ErrLeaseNotFound        NotFound            requested lease not found         no
//	kv.ErrCompacted            OutOfRange          required revision ... compacted   no
//	kv.ErrFutureRevision       OutOfRange          ... is a future revision          no
//	kv.ErrTooManyRequests      ResourceExhausted   too many requests                 no
//	kv.ErrDropped              Unavailable         no leader                         no
//	kv.ErrNotProposed          Canceled            metastore: cancelled before ...   no
//	unsupported method         Unimplemented       (ours, says what is accepted)     no
//	too many streams           ResourceExhausted   metastore: ...                    no
//
//	package member's           FailedPrecondition  etcd's own of membership          no
//	  ErrBadURLs               InvalidArgument     given member URLs are invalid     no
//	  ErrNotFound, ErrRemoved  NotFound            member not found                  no
//	ErrNotLeader, ErrBadTransferee  FailedPrecondition  not leader; bad leader ...   no
//
//	kv.ErrLeaderLost           Unavailable         leader changed                    unknown
//	kv.ErrOvertaken            Unavailable         metastore: outcome unknown: ...   unknown
//	kv.ErrTimeout              Unavailable         request timed out                 unknown
//	kv.ErrStopped              Unavailable         server stopped                    unknown
//	context cancelled          Canceled            (gRPC's)                          unknown
//	context deadline           DeadlineExceeded    (gRPC's)                          unknown
//	anything else              Unknown             the error's text                  unknown
//
// A message above MaxRequestBytes plus 512 KiB is refused by gRPC itself before
// it is decoded (ResourceExhausted, "received message larger than max"), as in
// etcd. The HTTP side answers etcd's "request is too large" at any size.
//
// # Not served
//
// There are no watches, leases, users or alarms: those calls answer Unimplemented
// and say what is accepted instead. A put with
// a lease id answers etcd's "requested lease not found".
//
// # Not protected
//
// There is no authentication but TLS client certificates, and no rate limit but
// the Store's bounded queue. A range without a limit is answered whole, in
// memory, as in etcd.
package api
