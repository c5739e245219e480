// Package batch is --apply=batch: the commands of a run of committed entries
// share engine batches (the plan's P1.3).
package batch

import "metastorebench/core/apply"

// MaxOps bounds one engine batch, so that readers of an engine that locks wait
// for a bounded time.
const MaxOps = 1024

// Policy implements apply.Policy.
type Policy struct{}

var _ apply.Policy = Policy{}

// Name returns "batch".
func (Policy) Name() string { return "batch" }

// BatchOps returns the number of waiting commands, at most MaxOps.
func (Policy) BatchOps(waiting int) int { return min(waiting, MaxOps) }
