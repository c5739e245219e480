// Package perop is --propose=perop: every command is a log entry of its own,
// the plan's baseline.
package perop

import "metastorebench/core/propose"

// Policy implements propose.Policy.
type Policy struct{}

var _ propose.Policy = Policy{}

// Name returns "perop".
func (Policy) Name() string { return "perop" }

// Take returns 1.
func (Policy) Take([]int, propose.Limits) int { return 1 }
