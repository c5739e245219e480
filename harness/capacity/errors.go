package capacity

import "errors"

// Errors of this package, each wrapped with what was found and what is accepted.
var (
	// ErrObjective says that an objective cannot be read or measured.
	ErrObjective = errors.New("bad objective")
	// ErrSpec says that a Spec cannot be carried out; all violations are joined.
	ErrSpec = errors.New("bad capacity study")
	// ErrReplay says that records are not the answers to the Spec's questions.
	ErrReplay = errors.New("records do not follow from the study")
	// ErrNothingMeets says that a variant misses the objective even at the lowest
	// rate.
	ErrNothingMeets = errors.New("no rate meets the objective")
)
