// Package verdict says in one word what a measurement makes of a prediction, and
// why in one sentence. It is pure: two ranges in, words out.
//
// # The rule
//
// A prediction is a range; a measurement is a value with an interval at
// stats.Confidence. Only the interval decides, never the value in its middle.
//
//  1. Without an interval (fewer than stats.MinInterval blocks) nothing is
//     decided: inconclusive.
//
//  2. An effect (a ratio, where 1 is no effect; a share, where less than
//     Negligible is none) has four cases. "Meets" is: shares a point.
//
//     interval          | holds no effect | right sign | wrong sign
//     meets prediction  | inconclusive    | confirmed  | -
//     misses prediction | refuted         | partly     | refuted
//
//  3. A target is a bound to reach. All of the interval beyond it: confirmed. The
//     bound within the interval: inconclusive. All of it short of the bound:
//     partly if the change against the same run's baseline has the plan's sign
//     for certain, otherwise refuted.
//
//  4. A level (CPU use) is a point that the plan expects to reach, from a point
//     that it starts at. Its interval meets it: confirmed. Otherwise as a target
//     that was missed.
//
//  5. The bottleneck claim has two halves; see Bottleneck.
//
// confirmed, partly, refuted and "not measurable here" are the words of the list
// of claims. It has none for an interval that is too wide to tell "no effect"
// from the predicted one, nor for what has no records yet: Inconclusive and
// NotYet are added. A confirmation says that the prediction was not excluded; how
// sharply it was tested is the width of the interval beside it.
//
// # Not protected
//
// Intervals are per row, at 95 % each: of a hundred rows about five miss their
// true value. A claim is judged in each environment by itself; nothing is
// averaged over environments.
package verdict
