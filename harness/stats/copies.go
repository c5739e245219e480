package stats

import (
	"maps"
	"slices"
	"strings"

	"metastorebench/harness/record"
)

// OptionArm is the axis that tells copies of one cell apart.
const OptionArm = "arm"

// Copies are two cells that are the same variant under two names: equal in all
// but the axis arm.
type Copies struct{ A, B *Cell }

// Copies finds the pairs of measured cells that are copies of one another, in
// the manifest's order.
func (r *Run) Copies() []Copies {
	var pairs []Copies
	first := map[string]*Cell{}
	for _, c := range r.Cells {
		if c.Options[OptionArm] == "" || !c.Measured() {
			continue
		}
		rest := maps.Clone(c.Options)
		delete(rest, OptionArm)
		key := strings.Join([]string{c.Group, c.Workload, c.Target, canonical(rest)}, "\x00")
		if a := first[key]; a != nil {
			pairs = append(pairs, Copies{A: a, B: c})
		} else {
			first[key] = c
		}
	}
	return pairs
}

// Between is the cell with the trials of the blocks from <= block < to alone.
func (c *Cell) Between(from, to int) *Cell {
	part := *c
	part.Trials = slices.DeleteFunc(slices.Clone(c.Trials), func(t *record.Trial) bool { return t.Block < from || t.Block >= to })
	return &part
}
