// Package batch is --propose=batch: all commands that wait when the Raft loop
// becomes free share one log entry, up to the bounds on an entry's operations
// and bytes (the plan's P1.1).
//
// There is no timer and no target size: at low load a command finds the loop
// free and is proposed alone, at once; under load, batches grow to what arrives
// while the loop is busy.
package batch

import "metastorebench/core/propose"

// Policy implements propose.Policy.
type Policy struct{}

var _ propose.Policy = Policy{}

// Name returns "batch".
func (Policy) Name() string { return "batch" }

// Take returns as many commands as the bounds allow, at least one.
func (Policy) Take(sizes []int, l propose.Limits) int {
	n, bytes := 1, sizes[0]
	for n < len(sizes) && n < l.MaxEntryOps && bytes+sizes[n] <= l.MaxEntryBytes {
		bytes += sizes[n]
		n++
	}
	return n
}
