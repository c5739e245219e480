// Package attrib attributes a total gain to its causes, from a full or fractional
// factorial of two-level items, and says whether effects multiply. It is pure:
// numbers in, numbers out.
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
// # Fractions
//
// Of more than five items a fraction of the settings is measured (package
// fraction), and effects of three or more items are taken to be nil: sparsity,
// an assumption. Main effects and interactions are the same contrasts over the
// settings there are; each estimates the sum of its alias set. Shapley shares
// need all settings. Under the assumption, though, the share of i is its effect
// alone plus half of its interactions, and that is its main effect, so that main
// effects stand for the shares and add up to the model's total. Total - model is
// the lack of fit: where it excludes 0, the assumption is wrong. Where it does
// not, the assumption need not be right: at resolution IV an effect of three
// items can pass for the main effect of a fourth.
//
// # Intervals
//
// A block is one sample. Each quantity is computed in each block, and its mean over
// the blocks is an infer.Effect, to be judged in the family of its question: what all
// cells of a block share (a slow minute of the machine) cancels, and means, unlike
// medians, keep the shares' sum exact.
//
// The tests measure the coverage of single 95 % intervals for each of five systems
// (multiplicative, masking, two bottlenecks, a pure interaction, no effect), full
// factorials of 4 and fractions of 6 and 9 items, with normal and with skewed noise.
// Estimates are linear in the responses, so coverage depends on the noise and not on
// the system.
package attrib
