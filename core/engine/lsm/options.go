package lsm

import (
	"fmt"

	"go.uber.org/zap"
)

// Profile names a set of settings of a storage library.
type Profile string

// ProfileDefault leaves the library as it comes, but for what correctness asks:
// its own log and its syncs are off, because the Raft log is the log.
const ProfileDefault Profile = "default"

// Options are the settings that persistent engines share. The zero value is
// good.
type Options struct {
	// Profile is the set of library settings; empty means ProfileDefault.
	Profile Profile
	// Logger takes the library's messages; nil drops them.
	Logger *zap.Logger
}

// Resolve returns o with defaults filled in, or an error that names what is
// wrong and what is accepted.
func (o Options) Resolve() (Options, error) {
	if o.Profile == "" {
		o.Profile = ProfileDefault
	}
	if o.Profile != ProfileDefault {
		return o, fmt.Errorf("engine profile %q: accepted: %s", o.Profile, ProfileDefault)
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return o, nil
}
