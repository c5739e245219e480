// Package load sends a workload's operations to a store and records what came
// of them. Pacing, sending and recording are separate small types:
//
//	pacer     when is the next operation due?      (closedLoop)
//	sender    one operation: bytes, call, judgement (check.Observer)
//	recorder  one worker's histograms, counts and throughput
//
// # The run
//
//  1. One goroutine per client, each with its own stream, sender and recorder;
//     nothing is shared on the way but the model of package check.
//  2. Warm-up: operations are sent and checked, but not recorded.
//  3. The window opens. An operation belongs to the window if it was *sent*
//     inside it. One that is still under way when the window closes is waited
//     for and recorded in full, so that a stall at the end is not left out.
//  4. After a grace, operations without an answer are cancelled and recorded as
//     errors.
//  5. The workers' histograms are merged.
//
// The loop is closed: a client sends its next operation when the previous one
// has been answered. A closed loop slows down with the store, so its latencies
// are service times; response times from an intended start need an open loop.
//
// Failed operations are recorded with their latency like any other, and counted
// by gRPC code.
package load
