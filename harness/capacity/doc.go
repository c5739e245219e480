// Package capacity finds the highest offered rate at which a store meets a
// latency objective, and compares the latency of variants at rates that follow
// from it. It decides what to measure next and what measurements mean; it
// measures nothing and keeps no clock, so that a report can follow the same
// decisions from records alone.
//
// # A study
//
//  1. A Spec says everything that the outcome depends on but the measurements:
//     objectives, variants, workload, repeats, resolution, seed.
//  2. Study.Next asks for a trial, an open loop at a rate; Study.Tell takes its
//     record. Variants take turns, one trial each, in a seeded order per round.
//  3. Spec.Judge decides one trial: Met, NotMet, Late or Unusable. The majority of
//     Repeats trials decides a rate, and no more trials are asked for once it
//     stands.
//  4. Search starts at a rate, doubles while the objective is met or halves
//     while it is not, then bisects on the log scale until the lowest rate that
//     did not meet it is within Resolution of the highest that did. The latter
//     is the capacity.
//  5. When all searches have ended, the comparison begins: blocks in which every
//     variant that has a capacity runs once at one common rate and at each share
//     of its own capacity, in a seeded order.
//
// # Invariants
//
//   - The same Spec and the same records give the same questions and the same
//     outcome. Replay relies on it: to resume a run, and to report on one.
//   - The bracket's ends are rates that were decided by a majority each; the
//     capacity is never interpolated.
//   - A trial is as long as the objective's percentile needs samples for
//     (Spec.MeasureFor).
//
// # Not protected
//
// The search takes for granted that a rate that is too high stays too high. A
// noisy machine can break this; the majority makes a wrong turn rarer, and
// nothing mends it afterwards.
package capacity
