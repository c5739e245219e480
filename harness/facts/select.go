package facts

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"metastorebench/harness/plan"
	"metastorebench/harness/stats"
)

// Names of properties that are no axes of the store.
const (
	propGroup      = plan.PropGroup
	propWorkload   = plan.PropWorkload
	propTarget     = plan.PropTarget
	propDurability = plan.PropDurability
	propItems      = plan.PropItems
	propRung       = plan.PropRung
	propMix        = plan.PropMix
	propOperation  = plan.PropOperation
)

// Values of property items that have a meaning of their own.
const (
	itemsNone = plan.ItemsNone
	itemsAll  = plan.ItemsAll
)

// place is what is known of a cell beside its records: its properties, and where the
// plan's items stand in it.
type place struct {
	cell       *stats.Cell
	index      int // in Document.Cells
	properties map[string]string
	// stratum is that of the plan's items; nil for a cell that the items do not reach.
	stratum *stats.Stratum
	setting stats.Setting
}

// placesOf finds the properties of every cell of a run.
func placesOf(r *stats.Run, factors []stats.Factor, rungs []plan.Rung) []*place {
	places := make([]*place, len(r.Cells))
	byCell := make(map[*stats.Cell]*place, len(r.Cells))
	for i, c := range r.Cells {
		places[i] = &place{cell: c, index: i, properties: propertiesOf(c)}
		byCell[c] = places[i]
	}
	if len(factors) > 0 {
		for _, s := range r.Strata(factors) {
			for _, row := range s.Rows {
				p := byCell[row.Cell]
				p.stratum, p.setting = s, row.Setting
				p.properties[propItems] = itemsText(s, row.Setting)
			}
		}
	}
	for _, p := range places {
		for _, rung := range rungs {
			if p.matches(rung.Where) {
				p.properties[propRung] = rung.Name
				break
			}
		}
	}
	return places
}

// propertiesOf are a cell's options, and what its workload is.
func propertiesOf(c *stats.Cell) map[string]string {
	all := plan.Properties(c.Cell, c.Load(), c.Ops())
	all[propDurability] = c.Durability
	return all
}

// itemsText names the items that are on: "none", "all", or their ids joined by "+".
func itemsText(s *stats.Stratum, set stats.Setting) string {
	switch set {
	case 0:
		return itemsNone
	case s.All():
		return itemsAll
	}
	return strings.Join(idsOf(s, set), "+")
}

// idsOf are the ids of the items of a setting.
func idsOf(s *stats.Stratum, set stats.Setting) []string {
	var ids []string
	for i, f := range s.Factors {
		if set.Has(i) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// matches reports whether the cell is one that the selector means.
func (p *place) matches(sel plan.Selector) bool { return sel.Matches(p.has) }

func (p *place) has(name, value string) bool {
	if name == propItems {
		return p.stratum != nil && plan.HasItems(value, idsOf(p.stratum, p.setting), idsOf(p.stratum, p.stratum.All()))
	}
	return p.properties[name] == value
}

// ambiguous says that a cell is compared with several at once.
type ambiguous struct{ cell, first, second string }

func (a ambiguous) Error() string {
	return fmt.Sprintf("%s has two cells to be compared with, %s and %s: name more properties in against, or in same", a.cell, a.first, a.second)
}

// reference is the cell that p is compared with: it has the properties of against, and
// agrees with p in same or, without that, in all else. It is nil if there is none.
func (b *builder) reference(p *place, against plan.Selector, same []string) (*place, error) {
	if len(same) == 0 {
		same = plan.Identity(b.axes, b.ofItems, against)
	}
	var found *place
	for _, q := range b.places {
		if q == p || !q.matches(against) || slices.ContainsFunc(same, func(name string) bool { return q.properties[name] != p.properties[name] }) {
			continue
		}
		if found != nil {
			return nil, ambiguous{p.cell.ID, found.cell.ID, q.cell.ID}
		}
		found = q
	}
	return found, nil
}

// differing are the properties in which places differ, the plan's axes first. items
// stands for the axes that it switches.
func (b *builder) differing(places []*place) []string {
	candidates := slices.Concat([]string{propWorkload, propTarget}, b.axes, []string{"clients", "value_bytes", "keys", "batch_ops"})
	var names []string
	for _, name := range candidates {
		if len(valuesOf(places, name)) > 1 {
			names = append(names, name)
		}
	}
	if slices.Contains(names, propWorkload) { // which says it already
		names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains([]string{"clients", "value_bytes", "keys"}, n) })
	}
	return names
}

// valuesOf are the values of a property, in the order in which cells have them; numbers
// in their own order.
func valuesOf(places []*place, name string) []string {
	var values []string
	for _, p := range places {
		if v := p.properties[name]; !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	if !slices.ContainsFunc(values, func(v string) bool { _, err := strconv.ParseFloat(v, 64); return err != nil }) {
		slices.SortFunc(values, func(a, b string) int {
			x, _ := strconv.ParseFloat(a, 64)
			y, _ := strconv.ParseFloat(b, 64)
			return cmp.Compare(x, y)
		})
	}
	return values
}

// selected are the places that a selector means, in the plan's order. Cells without a
// record are among them.
func (b *builder) selected(sel plan.Selector) []*place {
	var found []*place
	for _, p := range b.places {
		if p.matches(sel) {
			found = append(found, p)
		}
	}
	return found
}

// label names a cell by some of its properties: "memory, put50, plan".
func (p *place) label(names []string) string { return dot{p, ""}.label(names) }
