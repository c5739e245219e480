package plan

import (
	"fmt"

	"metastorebench/harness/fraction"
)

// DesignNotes say what must be known of the matrix's larger designs before they
// are run, a line each: how many trials a full factorial of more than five
// factors takes, and what a fraction cannot tell apart. Smaller designs have
// none.
func (m *Matrix) DesignNotes() []string {
	var notes []string
	for _, g := range m.Plan.levelGroups(m.Plan.levels[m.Level]) {
		cells := 0
		for _, e := range m.Entries {
			if e.Cell.Group == g.name {
				cells++
			}
		}
		for _, d := range g.designs {
			if cells > 0 { // not filtered out
				for _, line := range designLines(d.name, m.Plan.factorsOf(g), cells, m.Blocks) {
					notes = append(notes, fmt.Sprintf("group %s, %s: %s", g.name, d.name, line))
				}
			}
		}
	}
	return notes
}

// designLines describe one design of a group of so many cells.
func designLines(design string, factors []factor, cells, blocks int) []string {
	k := len(factors)
	if design == designFactorial && k >= fraction.MinFactors {
		return []string{fmt.Sprintf("%d factors have %d settings, so the group's %d cells x %d blocks are %d trials; design %s would take %d of the settings",
			k, 1<<k, cells, blocks, cells*blocks, designFractional, len(fractional(factors, designFractional)))}
	}
	d, err := fraction.Standard(k, resolutions[design])
	if err != nil {
		return nil // no fraction
	}
	return d.Lines(mapSlice(factors, func(f factor) string { return f.id + " " + f.axis }))
}
