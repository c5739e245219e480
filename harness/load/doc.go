// Package load sends a workload's operations to a store and records what came
// of them. Pacing, sending and recording are separate small types:
//
//	pacer     when is the next operation due?      (closedLoop, openLoop)
//	sender    one operation: bytes, call, judgement (check.Observer)
//	recorder  histograms, counts and throughput, of the workers that share it
//
// With the API of batches a client's next operations go in one call (sendBatch).
// Each is judged and counted by itself, with the time of its batch: an operation
// waits for its whole batch to be answered.
//
// # The run
//
//  1. One goroutine per client, each with its own stream and sender;
//     a recorder for each processor and the model of package check are shared, and in an
//     open loop the sequence of arrivals.
//  2. Warm-up: operations are sent and checked, but not recorded.
//  3. The window opens. An operation belongs to the window if it was *sent*
//     inside it (closed loop), or *due* inside it (open loop). One that is still
//     under way when the window closes is waited for and recorded in full, so
//     that a stall at the end is not left out.
//  4. Operations of an open loop that still wait for a free client are given up
//     after Patience and counted as unsent. After a grace, operations without an
//     answer are cancelled and recorded as errors.
//  5. The histograms are merged.
//
// A workload with Operations has the window in step 3 begin when all clients have
// stopped after the warm-up, and end when each has sent its share and has been
// answered. What a counter shows is then due to exactly those operations, which
// no window of a given time can promise.
//
// # Contention
//
// After the run, Contend has clients meet on a few keys behind the workload's own,
// so that linearizability can be checked (package check says how and why then). Its
// operations are in no result of Run.
//
// # Closed and open loop
//
// In a closed loop a client sends its next operation when the previous one has
// been answered. It slows down with the store: the operations that would have
// suffered from a stall are never sent, so its latencies are service times of
// the operations that it did send. This is what Gil Tene named coordinated
// omission ("How NOT to Measure Latency", 2013).
//
// In an open loop operations are due at times that do not depend on answers.
// Each is measured by two clocks:
//
//	due           sent            ended
//	 |--- lag ----->|-- service -->|
//	 |---------- response -------->|
//
// The two loops answer different questions and differ by orders of magnitude
// near saturation (Schroeder, Wierman and Harchol-Balter, "Open Versus Closed: A
// Cautionary Tale", NSDI 2006): a closed one what a fixed number of clients gets
// done, an open one how long users wait at a given rate.
//
// The clients of an open loop bound the operations in flight. An operation that
// is due while all are busy waits, with its response time running. The lag of
// one that found a free client is the generator's own fault: its timing error.
//
// # Precision and cost
//
// Up to 20,000 operations a second each is sent when it is due; beyond, they go out
// in ticks of 50 us. There is no spinning: on a machine that client and store share, it would take
// the CPU from what is measured. BenchmarkPaced shows what the generator keeps
// with one core and how late it is, BenchmarkRecord what recording costs. At
// rest a wake-up costs some tens of microseconds of CPU in the kernel, which is
// part of the client's CPU time in the record.
//
// Failed operations are recorded with their latencies like any other, and
// counted by gRPC code.
package load
