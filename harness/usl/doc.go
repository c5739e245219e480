// Package usl fits the Universal Scalability Law to throughput measured at
// several numbers of clients. It is pure: numbers in, numbers out.
//
// # The model
//
//	X(N) = lambda * N / (1 + sigma*(N-1) + kappa*N*(N-1))
//
// lambda is the throughput of one client in operations per second; sigma >= 0 is
// contention, the share of the work that is serial (kappa = 0 gives Amdahl's
// law); kappa >= 0 is coherency, a cost that grows with the pairs of clients and
// makes throughput fall beyond a peak at N* = sqrt((1-sigma)/kappa).
//
// Source: N. J. Gunther, Guerrilla Capacity Planning, Springer 2007, chapters 4
// and 5; "A General Theory of Computational Scalability Based on Rational
// Functions", arXiv:0808.1431.
//
// # The fit
//
//  1. Every measurement is a point; the sum of squares of log X - log X(N) is
//     minimized, so that a point counts by its relative error. N/X is linear in
//     1/lambda, sigma/lambda and kappa/lambda, which Gauss-Newton steps find; if
//     sigma or kappa comes out negative, the best curve with a 0 there is taken.
//  2. The fit is repeated without each block in turn, sigma and kappa free of
//     bounds; the jackknife's pseudo-values, one for each block, give Student's
//     interval of each coefficient: of log lambda, sigma, kappa and log N*. It is
//     cut off at 0. The block is the unit because its measurements share a stretch
//     of time.
//
// Over simulated runs of 3 to 10 blocks the intervals at 95 % hold the truth in 93
// to 99 %; go test -v -run TestIntervalsCover logs the table.
//
// # What is not claimed
//
//   - With fewer than MinBlocks blocks there is no interval.
//   - A peak is claimed only if the interval of kappa stays clear of 0, and is
//     marked as extrapolated if it lies beyond the largest N measured. Of all runs
//     some 5 % claim one whose interval misses the truth. Where few runs claim one
//     at all, those are a larger part of the claims.
//   - The law has no superlinear part: batching that makes a client's operation
//     cheaper when there are more of them shows in the residuals alone. So does
//     everything else that is not in its three terms.
package usl
