package facts

import (
	"cmp"
	"slices"
	"strings"
)

// loads are the properties that a workload's name stands for.
var loads = []string{propMix, "distribution", "loop", "clients", "conns", "client", "value_bytes", "key_bytes", "keys", "batch_ops", "rate"}

// dot is what one number is of: a cell and, where each operation type has a number of
// its own, one of those.
type dot struct {
	*place
	op string
}

// value is a property of a dot.
func (d dot) value(name string) string {
	if name == propOperation {
		return d.op
	}
	return d.properties[name]
}

// key is a text that dots share that agree in names.
func (d dot) key(names []string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = d.value(name)
	}
	return strings.Join(parts, "\x00")
}

// label is the key of a dot's row: "memory, put50, plan".
func (d dot) label(names []string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = cmp.Or(d.value(name), "-")
	}
	return strings.Join(parts, ", ")
}

// name writes what a dot is among others that differ in names: "wal=group, all items".
func (d dot) name(names []string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = valueText(name, d.value(name))
	}
	return cmp.Or(strings.Join(parts, ", "), "all")
}

// placeSuffix ends a title with what a figure's cells share: ": disk=plan"; it is empty
// if they are all there are.
func placeSuffix(d dot, per []string) string {
	if len(per) == 0 {
		return ""
	}
	return ": " + d.name(per)
}

// valueText writes a property where no heading names it.
func valueText(name, value string) string {
	switch {
	case value == "":
		return "no " + titleOf(name)
	case name == propItems && value == itemsNone:
		return "no item"
	case name == propItems && value == itemsAll:
		return "all items"
	case slices.Contains([]string{propGroup, propWorkload, propTarget, propItems, propRung, propMix, propOperation, "engine"}, name):
		return value
	}
	return titleOf(name) + "=" + value
}

// dotsOf are the dots of measured places: with perOp one for each of the operation
// types that are asked for, or of all.
func dotsOf(places []*place, asked []string, perOp bool) []dot {
	var dots []dot
	for _, p := range places {
		switch {
		case !p.cell.Measured():
		case perOp:
			for _, op := range opsOf(p, asked) {
				dots = append(dots, dot{p, op})
			}
		default:
			dots = append(dots, dot{p, ""})
		}
	}
	return dots
}

// placesIn are the cells of dots.
func placesIn(dots []dot) []*place {
	var places []*place
	for _, d := range dots {
		if len(places) == 0 || places[len(places)-1] != d.place {
			places = append(places, d.place)
		}
	}
	return places
}

// says reports whether dots that agree in names agree in what.
func says(dots []dot, names []string, what string) bool {
	seen := map[string]string{}
	for _, d := range dots {
		key := d.key(names)
		if v, known := seen[key]; known && v != d.value(what) {
			return false
		}
		seen[key] = d.value(what)
	}
	return true
}

// apart are the properties in which dots differ that agree in taken, in the order of
// the plan's axes: items instead of the axes that it switches, and a workload's name
// instead of what it stands for unless part of that is taken.
func (b *builder) apart(dots []dot, taken ...string) []string {
	names := slices.Concat([]string{propTarget, propItems}, b.axes, []string{propWorkload}, loads, []string{propOperation})
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(taken, name) || says(dots, taken, name) })
	drop := func(implied func(string) bool, by ...string) {
		by = slices.Concat(taken, by)
		names = slices.DeleteFunc(names, func(name string) bool { return implied(name) && says(dots, by, name) })
	}
	isLoad := func(name string) bool { return slices.Contains(loads, name) && !slices.Contains(b.axes, name) }
	if slices.Contains(names, propItems) {
		switched := func(name string) bool {
			return b.ofItems[name] && says(dots, slices.Concat(taken, []string{propItems}), name)
		}
		everywhere := !slices.ContainsFunc(dots, func(d dot) bool { return d.value(propItems) == "" })
		if several := len(slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !switched(name) })) > 1; several && everywhere {
			drop(switched, propItems)
		} else {
			drop(func(name string) bool { return name == propItems }, b.axes...)
		}
	}
	drop(isLoad, b.axes...)
	if slices.ContainsFunc(taken, isLoad) {
		drop(func(name string) bool { return name == propWorkload }, loads...)
	}
	if slices.Contains(names, propWorkload) {
		drop(isLoad, propWorkload)
	}
	return names
}

// distinct is names with what else it takes to tell dots apart that agree in taken: a
// plan may name fewer properties than its cells differ in.
func (b *builder) distinct(dots []dot, names []string, taken ...string) []string {
	all := slices.Concat(taken, names)
	if !collide(dots, all) {
		return names
	}
	names = slices.Concat(names, b.apart(dots, all...))
	if collide(dots, slices.Concat(taken, names)) {
		names = append(names, propGroup)
	}
	return names
}

// collide reports whether two dots agree in all of names.
func collide(dots []dot, names []string) bool {
	seen := map[string]bool{}
	for _, d := range dots {
		key := d.key(names)
		if seen[key] {
			return true
		}
		seen[key] = true
	}
	return false
}

// grouped splits dots by names, in the order in which values come.
func grouped(dots []dot, names []string) [][]dot {
	var groups [][]dot
	at := map[string]int{}
	for _, d := range dots {
		key := d.key(names)
		i, known := at[key]
		if !known {
			i = len(groups)
			at[key] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], d)
	}
	return groups
}
