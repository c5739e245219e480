// Package perop is --apply=perop: one engine batch, and so one lock and one
// commit, for each command: the plan's baseline.
package perop

import "metastorebench/core/apply"

// Policy implements apply.Policy.
type Policy struct{}

var _ apply.Policy = Policy{}

// Name returns "perop".
func (Policy) Name() string { return "perop" }

// BatchOps returns 1.
func (Policy) BatchOps(int) int { return 1 }
