package lsm

import (
	"fmt"
	"slices"
	"strings"

	"go.uber.org/zap"
)

// Profile names a set of settings of a storage library. It is the axis
// --engine-profile.
type Profile string

const (
	// ProfileDefault leaves the library as it comes, but for what correctness
	// asks: its own log and its syncs are off, because the Raft log is the log.
	ProfileDefault Profile = "default"
	// ProfileTuned sets memory, filters, compactions and compression for this
	// store's load, scaled to the machine. What each library does with it is in
	// the file tuned.go of its package.
	ProfileTuned Profile = "tuned"
)

// Profiles lists all profiles, the default first.
func Profiles() []Profile { return []Profile{ProfileDefault, ProfileTuned} }

// Options are the settings that persistent engines share. The zero value is
// good.
type Options struct {
	// Profile is the set of library settings; empty means ProfileDefault.
	Profile Profile
	// Machine is what ProfileTuned is scaled to; zero means ThisMachine.
	Machine Machine
	// NewKeyIndex makes the index of keys in memory, beside the library; nil for
	// none.
	NewKeyIndex func() KeyIndex
	// Logger takes the library's messages; nil drops them.
	Logger *zap.Logger
}

// Resolve returns o with defaults filled in, or an error that names what is
// wrong and what is accepted.
func (o Options) Resolve() (Options, error) {
	if o.Profile == "" {
		o.Profile = ProfileDefault
	}
	if !slices.Contains(Profiles(), o.Profile) {
		var names []string
		for _, p := range Profiles() {
			names = append(names, string(p))
		}
		return o, fmt.Errorf("engine profile %q: accepted: %s", o.Profile, strings.Join(names, ", "))
	}
	if o.Machine == (Machine{}) {
		o.Machine = ThisMachine()
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return o, nil
}
