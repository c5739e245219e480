// Package rpcpb is the wire form of the store's own gRPC service
// (metastore.proto, package metastore.v1): batches and pipelines of operations,
// which etcd's KV service does not have. It is a leaf, generated from its
// .proto file by `make generate` but for this file and the bounds.
//
// Package api serves the batches; pipelines are spoken by the ceiling's no-op
// server and its probes alone.
package rpcpb
