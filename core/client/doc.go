// Package client drives a store over the wire: by calls over a pool of gRPC
// connections (Pool), on pipelined streams over such a pool (Streams), and by JSON
// over HTTP (HTTP), behind one interface (KV).
//
// It is made for load: no retries, no balancer, no service config and no health
// checks, so that what is measured is the store and every failure is seen by the
// caller. It adds no allocation of its own to a call over gRPC. It speaks etcd's
// v3 API, in etcd's messages, and works against any etcd v3 endpoint; Batch and
// Streams need this project's store.
package client
