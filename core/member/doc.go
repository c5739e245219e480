// Package member is a cluster's membership as data: who belongs to it, where each
// member is reached, and who never may come back. It is a leaf.
//
// A Set changes only by a Change that a majority has committed to the Raft log,
// one at a time and at the same index on every member, so that all of them hold
// the same sets in the same order. A Set is part of the engine's State, of every
// snapshot and of the log's marks; there is no other copy that could differ.
//
// # Life of a member
//
//	(asked for) --Add--> learner or voter --Update--> started: it has a name
//	learner --Promote--> voter
//	learner, voter --Remove--> removed, for ever
//
// A member that has started has told the others the instance of its data
// directory, drawn at random when the directory was created. A directory with
// another instance under the same id has lost what the first one had promised to
// remember, votes and acknowledged entries, and is refused.
package member
