package record

import "slices"

// OptionArm is the option of a gate's cells that names the build they run on.
const OptionArm = "arm"

// Arms of a gate; see package gate.
const (
	ArmBase  = "base"  // the revision to compare with
	ArmHead  = "head"  // the revision to judge
	ArmAgain = "again" // head a second time
	// ArmPlacebo is base with its functions in another order, as the linker may lay
	// them out: a build is one sample of a layout.
	ArmPlacebo = "placebo"
	// ArmRelaid is, in a power study, head in yet another layout.
	ArmRelaid = "relaid"
	// ArmPlanted begins the names of builds of head with a fault.
	ArmPlanted = "planted-"
)

// Gate describes a run that compares two revisions.
type Gate struct {
	// Arms are the builds, in the order base, placebo, head, again or relaid, planted
	// ones.
	Arms []Arm `json:"arms"`
	// Rule is the version of package gate's rule, which said when to stop: by another one
	// the run's blocks may be too few. Rules is the text of its numbers.
	Rule  int    `json:"rule"`
	Rules string `json:"rules_yaml"`
	// SteadyOnly leaves out gates of times.
	SteadyOnly bool `json:"steady_only,omitempty"`
	// Power plants the faults of the rules' power study, for a run in which base is
	// head, to learn what the gate itself can tell.
	Power bool `json:"power,omitempty"`
	// Accepted are the losses that commits between base and head accept.
	Accepted []Accepted `json:"accepted,omitempty"`
	// Lost are the counters that base shows and head does not.
	Lost []string `json:"lost_counters,omitempty"`
	// Changes are what head has and base has not, newest first.
	Changes []Change `json:"changes,omitempty"`
	// Baseline is the directory of the stored run that stands in for arm base; empty
	// if base was run.
	Baseline string `json:"baseline,omitempty"`
	// Stopped says why the run ended before all was decided or all planned blocks had
	// run; empty otherwise.
	Stopped string `json:"stopped,omitempty"`
}

// Arm is one build.
type Arm struct {
	Name string `json:"name"`
	// Ref is the revision as it was asked for; "" means the working tree.
	Ref     string `json:"ref"`
	Commit  string `json:"commit"`
	Subject string `json:"subject"`         // of the commit
	Dirty   bool   `json:"dirty"`           // the working tree differed from the commit
	Fault   string `json:"fault,omitempty"` // what was planted
	// Plant is the fault with its size, as core/plant reads it.
	Plant string `json:"plant,omitempty"`
	// Layout is the linker's seed of the order of functions; 0 is the usual order.
	Layout uint64 `json:"layout,omitempty"`
	// SHA256 is the hash of the binary, in hexadecimal.
	SHA256 string `json:"sha256"`
	// Dropped are options of the plan that this build's store does not know.
	Dropped []string `json:"dropped_options,omitempty"`
}

// Accepted is one trailer Gate-accept.
type Accepted struct {
	Metric string `json:"metric"`         // or the name of a counter
	Load   string `json:"load,omitempty"` // empty: of all loads
	Reason string `json:"reason"`
	Commit string `json:"commit"`
}

// Change is a commit, or what is not committed.
type Change struct {
	Commit  string   `json:"commit"` // "" of what is not committed
	Subject string   `json:"subject"`
	Files   []string `json:"files"` // slash-separated, from the top of the tree
}

// Unaccepted are the lost counters that no commit accepts.
func (g *Gate) Unaccepted() []string {
	return slices.DeleteFunc(slices.Clone(g.Lost), func(name string) bool {
		return slices.ContainsFunc(g.Accepted, func(a Accepted) bool { return a.Metric == name })
	})
}

// Arm returns the arm of this name, or nil.
func (g *Gate) Arm(name string) *Arm {
	for i := range g.Arms {
		if g.Arms[i].Name == name {
			return &g.Arms[i]
		}
	}
	return nil
}
