// Package stats turns the records of one run into summaries: medians over
// blocks, paired ratios, merged histograms and per-operation quantities. It is
// pure: it reads records that are already in memory, starts nothing and writes
// nothing.
//
// # From records to numbers
//
//  1. NewRun indexes the trials by cell and block. Void trials are taken out
//     and counted; a run that contradicts itself (an unknown cell, a block
//     twice, two durability tiers in one cell) is refused.
//  2. A metric.Func reads one number out of one trial, or says that the trial does
//     not have it. Nothing is invented for a missing counter.
//  3. Summarize gives the median of a cell's blocks with minimum and maximum, and
//     the mean with its interval (package infer).
//  4. Compare divides two cells block by block: an infer.Effect. Blocks run close
//     together in time, so that a slow stretch of the machine falls on both sides
//     of the quotient.
//  5. A report asks the run's Questions, which give every comparison one interval
//     and one word.
//  6. Warnings looks for what makes a cell's numbers doubtful: too few samples,
//     drift, two modes, a load generator at its limit, a noisy neighbour.
//  7. LatencyOf merges the histograms of a cell's blocks. Percentiles come out
//     of the merged histogram; percentiles are never averaged.
//  8. BoundOf says what bounds a cell, from counters of the trials alone, and
//     CeilingsOf how near it came to what the machine can do at best.
//
// # Invariants
//
//   - Operation types are never added up into one rate: a put and the get that
//     follows it are two operations of two kinds. (Calls, the work of the RPC
//     layer, is only ever compared with that layer's ceiling.)
//   - Numbers of different durability tiers or workloads are never compared:
//     ErrTier, ErrWorkload.
//   - A comparison has no word before its question was judged.
//   - A percentile with fewer than MinBeyond samples beyond it does not exist.
//   - Every Summary carries its n and its warnings.
package stats
