// Package conform holds checks of every value of the axis --rpc by programs that
// others wrote: h2spec, grpc-go's interoperability client, and etcd's etcdctl. It is a
// module of its own, so that what they depend on is not the store's. `make
// rpc-conformance` runs it, beside the checks of core/api and core/api/lean.
package conform
