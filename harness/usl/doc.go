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
//     minimized, so that a point counts by its relative error. Given sigma and
//     kappa, lambda follows in closed form; the other two are squares of the
//     variables of a Nelder-Mead search, which keeps them from being negative.
//  2. Blocks are drawn with replacement and the fit is repeated; the middle 95 %
//     of what comes out is each coefficient's interval. The block is the unit
//     because its measurements share a stretch of time.
//
// # What is not claimed
//
//   - With fewer than MinBlocks blocks there is no interval; the range of the
//     fits to single blocks stands in its place.
//   - A peak is claimed only if the interval of kappa stays clear of 0, and is
//     marked as extrapolated if it lies beyond the largest N measured.
//   - The law has no superlinear part: batching that makes a client's operation
//     cheaper when there are more of them shows in the residuals alone. So does
//     everything else that is not in its three terms.
package usl
