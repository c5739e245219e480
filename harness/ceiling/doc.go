// Package ceiling measures what this machine can do at best, in the respects
// that bound a store: RPC, device, network, codec. A throughput means little
// until it is seen as a share of the ceiling above it.
//
// # Measuring
//
//  1. Survey starts the no-op server (Serve) as a child process, so that CPU is
//     divided between client and server as in a trial.
//  2. Each probe is a task that carries out n rounds of work. n is doubled until
//     the rounds last half as long as a repeat should, which is also the
//     warm-up, and then fixed; the repeats that follow are the samples.
//  3. grpc-unary drives the server with the client of the trials (core/client),
//     with the clients, connections and sizes of each workload of the plan.
//     grpc-batch and grpc-stream use the store's own service (core/rpcpb).
//  4. sync-latency and sync-bandwidth write into a file in the data directory
//     over zeros written before, as the log does.
//  5. loopback is TCP without gRPC: the no-op server's second port.
//  6. codec is measured by the store's binary (metastore bench-codec), whose
//     business it is.
//
// # The no-op server
//
// It has etcd's KV service with Put alone, and the store's own service. Every
// put is answered with the next number of a counter as its revision, so that the
// harness's checks of revisions hold. The raw port speaks
//
//	0          4          8
//	+----------+----------+---------------------
//	| length   | answer   | length bytes
//	+----------+----------+---------------------
//	  4 bytes LE 4 bytes LE
//
// and answers each request with that many zero bytes, once it is read whole.
//
// # Not protected
//
// A ceiling is of the moment it was measured in; a neighbour on the same machine
// lowers it. A target that is faster than its ceiling shows that, and nothing
// else. Where a plan has no-op cells, their trials stand in the same blocks as
// the store's and are the better ceiling.
package ceiling
