package wal

import (
	"fmt"
	"strings"

	corewal "metastorebench/core/wal"
)

// Variant is one value of the axis.
type Variant struct {
	// Name is the flag's value.
	Name string
	// Summary is one line for help texts.
	Summary string
	// Safe says that an acknowledged write survives a power cut.
	Safe bool
	// New makes a policy for one log.
	New func() corewal.Policy
}

// Variants lists the axis; the first is the baseline.
var Variants = []Variant{
	{
		Name: "perentry", Safe: true,
		Summary: "append and sync each log entry on its own (the plan's baseline)",
		New:     func() corewal.Policy { return PerEntry{} },
	},
	{
		Name: "perready", Safe: true,
		Summary: "append all entries of a Ready in one frame with one sync (as etcd)",
		New:     func() corewal.Policy { return PerReady{} },
	},
	{
		Name: "group", Safe: true,
		Summary: "append behind the Raft loop: the entries of all Readys that come during a sync share the next (P2.1)",
		New:     func() corewal.Policy { return Group{} },
	},
	{
		Name:    "async",
		Summary: "UNSAFE: acknowledge first, append and sync behind; a crash loses acknowledged writes (M4)",
		New:     func() corewal.Policy { return Async{} },
	},
}

// Lookup returns the variant of that name, or an error that lists the accepted
// names.
func Lookup(name string) (Variant, error) {
	names := make([]string, 0, len(Variants))
	for _, v := range Variants {
		if v.Name == name {
			return v, nil
		}
		names = append(names, v.Name)
	}
	return Variant{}, fmt.Errorf("unknown --wal %q, want one of %s", name, strings.Join(names, ", "))
}
