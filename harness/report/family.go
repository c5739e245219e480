package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"metastorebench/harness/stats"
)

// family is a set of measured cells of one group that differ in one axis alone.
type family struct {
	workload string
	disk     string
	clients  int
	cells    []*stats.Cell // in the manifest's order
}

// at returns the cell with this value on the axis, nil if there is none.
func (f family) at(axis, value string) *stats.Cell {
	for _, c := range f.cells {
		if c.Options[axis] == value {
			return c
		}
	}
	return nil
}

// families sorts a group's measured cells by all but one axis, ordered by disk
// and clients, and otherwise as the manifest has them.
func (b *builder) families(group, axis string) []family {
	byKey := map[string]int{}
	var out []family
	for _, c := range b.Run.Cells {
		if c.Group != group || !c.Measured() {
			continue
		}
		key := []string{c.Workload}
		for _, name := range slices.Sorted(maps.Keys(c.Options)) {
			if name != axis {
				key = append(key, name+"="+c.Options[name])
			}
		}
		k := strings.Join(key, "\x00")
		i, known := byKey[k]
		if !known {
			i = len(out)
			byKey[k] = i
			out = append(out, family{workload: c.Workload, disk: c.Options["disk"], clients: c.Clients()})
		}
		out[i].cells = append(out[i].cells, c)
	}
	slices.SortStableFunc(out, func(x, y family) int {
		return cmp.Or(strings.Compare(x.disk, y.disk), cmp.Compare(x.clients, y.clients))
	})
	return out
}
