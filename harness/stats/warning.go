package stats

import (
	"fmt"

	"metastorebench/harness/infer"
)

// Warning is a reservation that belongs to a number. It never changes the
// number; tables print it under the rows that it is about.
type Warning struct {
	Kind WarningKind
	Text string // what was seen, with its figures
}

// String is the text.
func (w Warning) String() string { return w.Text }

// WarningKind is the cause of a warning, in words for a reader.
type WarningKind string

// The kinds of warnings, in the order in which tables print them.
const (
	WarnFewSamples WarningKind = "too few samples"
	WarnIncomplete WarningKind = "incomplete"
	WarnDrift      WarningKind = "drift over the run"
	WarnBimodal    WarningKind = "bimodal"
	// WarnGenerator says that the load generator, not the store, may have set
	// the pace.
	WarnGenerator WarningKind = "generator-limited"
	// WarnSteal says that the hypervisor gave CPU time to others.
	WarnSteal WarningKind = "noisy neighbour"
	// WarnMachine says that the two sides are of different machines, by the
	// reader's own choice.
	WarnMachine WarningKind = "different machines"
)

func tooFew(n int) Warning {
	return Warning{WarnFewSamples, fmt.Sprintf("n=%d: needs %d or more blocks for a %.0f %% interval", n, infer.MinBlocks, infer.Confidence*100)}
}
