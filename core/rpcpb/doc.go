// Package rpcpb is the wire form of the store's own gRPC service
// (metastore.proto, package metastore.v1): batches and pipelines of operations,
// which etcd's KV service does not have. It is a leaf, generated but for this
// file by `make generate`.
//
// Today the ceiling's no-op server and its probes speak it.
package rpcpb
