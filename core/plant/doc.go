// Package plant has the sizes of faults that are planted on purpose, to see whether
// whoever looks for losses finds them.
//
// They are in builds with the tag metastore_plant only. In any other build they are
// constants of no effect, which the compiler removes: Frames is 0, and no code asks
// for the others.
//
// # Where they take effect
//
//  1. api wraps the node that it serves (planted.go): Delay and Allocations are spent
//     for each write before it is proposed, and a batch is proposed in so many Parts.
//  2. wal makes each frame longer by Frames units of its alignment.
//
// Both hooks are in terms of an interface, or of a format's own unit, so that what is
// behind them can change.
//
// # Sizes
//
// A planted build reads them when it starts, from the environment variable
// METASTORE_PLANT, as NAME=SIZE with NAME one of delay, allocations, frames and
// parts: "delay=20us". Without it nothing is planted, so that one build serves for
// every fault and size. Anything else ends the program.
package plant
