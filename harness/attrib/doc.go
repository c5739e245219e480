// Package attrib attributes a total gain to its causes, from a full factorial of
// two-level items. It is pure: numbers in, numbers out.
//
// # Model
//
// The response is a logarithm (of throughput, of latency, of CPU per operation),
// so effects are log-ratios and add where ratios multiply. y[S] is the response
// with exactly the items of the set S on. Of one block of trials come the 2^k
// responses, and from them, each a linear function of y:
//
//   - alone of i: y[{i}] - y[{}].
//   - last of i: y[all] - y[all but i].
//   - ladder of i: y[{0..i}] - y[{0..i-1}], in the plan's order.
//   - main effect of i: the mean over all settings of the others of the
//     difference that i makes (Box, Hunter and Hunter, Statistics for
//     Experimenters, 2nd ed., chapter 5).
//   - interaction of i and j: the mean over all settings of the others of
//     y[+i+j] - y[+i] - y[+j] + y[]: by what the effect of i changes when j is
//     on. 0 if the two multiply.
//   - Shapley share of i: the mean over all k! orders of switching the items on
//     of the difference that i makes when its turn comes (Shapley, A Value for
//     n-Person Games, 1953). The shares add up to y[all] - y[{}] exactly.
//   - residual: y[all] - y[{}] minus the sum of what the items do alone: the log
//     of the measured total over the product of the individual effects.
//
// # Intervals
//
// A block is one sample. Each quantity is computed in each block and its mean
// and Student's t interval over the blocks are reported: what all cells of a
// block share (a slow minute of the machine) cancels, and means, unlike medians,
// keep the shares' sum exact. The t interval assumes that the blocks are
// independent and the quantity's noise is not far from normal, which the mean of
// many logs mostly is; the tests measure the coverage, with skewed noise too.
package attrib
