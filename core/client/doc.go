// Package client drives a store over the wire: a pool of gRPC connections
// (Client) and JSON over HTTP (HTTP), behind one interface (KV).
//
// It is made for load: no retries, no balancer, no health checks of its own, so
// that what is measured is the store and every failure is seen by the caller.
// It speaks etcd's v3 API and works against any etcd v3 endpoint.
package client
