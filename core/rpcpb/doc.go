// Package rpcpb is the wire form of the store's own gRPC service
// (metastore.proto, package metastore.v1): batches and pipelines of operations,
// which etcd's KV service does not have. It is a leaf, generated from its
// .proto file by `make generate` but for the bounds and for frames.
//
// # Frames
//
// A busy pipeline carries some hundred thousand operations a second, and a Go
// object for each, and for each of its parts, would be most of its cost. So both
// sides can take a pipeline's messages as a Frame, which is the message in its
// wire form in a pooled buffer:
//
//	message    +---------------+---------------+--
//	           | 0x0a len item | 0x0a len item |      field 1, an Operation or
//	           +---------------+---------------+--    an Outcome, again and again
//
// A Builder appends items to a buffer that goes to the transport as it is, and
// is reused when that has written it. Operations and Outcomes walk through a
// received one with one object for all its items. Codec gives gRPC frames as
// they are and everything else to its own codec, so that a peer that knows
// nothing of frames speaks the same protocol with generated code.
package rpcpb
