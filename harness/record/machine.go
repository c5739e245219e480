package record

import (
	"fmt"
	"math"
	"strings"
)

// memoryTolerance is how far two sizes of memory may lie apart and be of one machine:
// a kernel keeps a little for itself, one version more than another.
const memoryTolerance = 0.02

// DiffersFrom names every property that a measurement depends on and that differs
// between two machines, as "CPUs 2 and 4": none means that their figures may be
// compared. Builds may differ: they are what such a comparison is about. So may
// a kernel's patch level and its distributor's suffix, with which a machine is updated
// and remains what it is. What either does not tell is no difference.
func (e Environment) DiffersFrom(o Environment) []string {
	all := differences([]property{
		{"CPU model", e.CPUModel, o.CPUModel}, {"CPUs", e.CPUs, o.CPUs}, {"OS", e.OS, o.OS}, {"architecture", e.Arch, o.Arch},
		{"kernel", kernelSeries(e.Kernel), kernelSeries(o.Kernel)}, {"filesystem", e.Filesystem, o.Filesystem},
	})
	a, b := float64(e.MemoryBytes), float64(o.MemoryBytes)
	if a > 0 && b > 0 && math.Abs(a-b) > memoryTolerance*max(a, b) {
		all = append(all, fmt.Sprintf("memory %.1f GiB and %.1f GiB", a/(1<<30), b/(1<<30)))
	}
	return all
}

// MovedFrom names what DiffersFrom does, and what tells one machine and one
// filesystem from its like: the trials of one run must come from one.
func (e Environment) MovedFrom(o Environment) []string {
	return append(e.DiffersFrom(o), differences([]property{
		{"machine", e.MachineID, o.MachineID}, {"filesystem's id", e.FilesystemID, o.FilesystemID},
	})...)
}

// property is one with its two values.
type property struct {
	name string
	a, b any
}

// differences lists the properties that both sides tell and that differ.
func differences(ps []property) []string {
	var all []string
	for _, p := range ps {
		if told := p.a != "" && p.b != "" && p.a != 0 && p.b != 0; told && p.a != p.b {
			all = append(all, fmt.Sprintf("%s %v and %v", p.name, p.a, p.b))
		}
	}
	return all
}

// kernelSeries is "6.1" of "6.1.0-13-amd64".
func kernelSeries(release string) string {
	major, rest, _ := strings.Cut(release, ".")
	minor, _, _ := strings.Cut(rest, ".")
	minor, _, _ = strings.Cut(minor, "-")
	if minor == "" {
		return major
	}
	return major + "." + minor
}
