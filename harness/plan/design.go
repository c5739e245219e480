package plan

import (
	"maps"
	"slices"

	"metastorebench/harness/fraction"
)

// point is a choice of values over a group's base: axis to value.
type point map[string]string

// designFuncs are the designs by name. Each returns its points in the order in
// which they are best read, the baseline first.
var designFuncs = map[string]func(p *Plan, g group) []point{
	designFactorial: func(p *Plan, g group) []point {
		return subsets(p.factorsOf(g), func(uint, int) bool { return true })
	},
	"corners": func(p *Plan, g group) []point { return subsets(p.factorsOf(g), isCorner) },
	"ladder":  func(p *Plan, g group) []point { return ladder(p.factorsOf(g)) },
	"ends":    func(p *Plan, g group) []point { return []point{{}, p.fullOf(g)} },
	"list":    func(_ *Plan, g group) []point { return mapSlice(g.cells, toPoint) },
	"fixed":   func(*Plan, group) []point { return []point{{}} },

	designFractional:   func(p *Plan, g group) []point { return fractional(p.factorsOf(g), designFractional) },
	designFractionalIV: func(p *Plan, g group) []point { return fractional(p.factorsOf(g), designFractionalIV) },
}

// factorsOf returns the factors that a group's designs switch on: those that it
// names, in the plan's order, or all.
func (p *Plan) factorsOf(g group) []factor {
	if len(g.factors) == 0 {
		return p.factors
	}
	return slices.DeleteFunc(slices.Clone(p.factors), func(fa factor) bool {
		return !slices.ContainsFunc(g.factors, func(n named) bool { return n.name == fa.id })
	})
}

// fullOf is the plan's full without the factors that the group does not name.
func (p *Plan) fullOf(g group) point {
	full, named := toPoint(p.full), p.factorsOf(g)
	for _, fa := range p.factors {
		if !slices.ContainsFunc(named, func(n factor) bool { return n.axis == fa.axis }) {
			for _, s := range fa.settings() {
				delete(full, s.axis)
			}
		}
	}
	return full
}

// Names of the designs that are checked or described by name.
const (
	designFactorial    = "factorial"
	designFractional   = "fractional"
	designFractionalIV = "fractional-iv"
)

// resolutions are what the fractional designs ask for at least.
var resolutions = map[string]int{designFractional: fraction.ResolutionV, designFractionalIV: fraction.ResolutionIV}

// fractional returns the settings of a standard fraction, and all factors on,
// which the measured total needs. Without a fraction of so many factors, which
// check refuses, there are no points.
func fractional(factors []factor, design string) []point {
	d, err := fraction.Standard(len(factors), resolutions[design])
	if err != nil {
		return nil
	}
	return subsets(factors, func(set uint, _ int) bool {
		return d.Has(fraction.Word(set)) || fraction.Word(set) == d.All()
	})
}

// Designs returns the names of the designs.
func Designs() []string { return slices.Sorted(maps.Keys(designFuncs)) }

// subsets returns the factors' subsets that keep accepts, as points. Bit i of
// the set is factor i; k is the number of factors.
func subsets(factors []factor, keep func(set uint, k int) bool) []point {
	var points []point
	for set := range uint(1) << len(factors) {
		if !keep(set, len(factors)) {
			continue
		}
		pt := point{}
		for i, fa := range factors {
			if set&(1<<i) != 0 {
				maps.Copy(pt, toPoint(fa.settings()))
			}
		}
		points = append(points, pt)
	}
	return points
}

// isCorner keeps none, each alone, all but each, and all.
func isCorner(set uint, k int) bool {
	all := uint(1)<<k - 1
	isPower := func(v uint) bool { return v&(v-1) == 0 }
	return isPower(set) || isPower(all&^set)
}

func ladder(factors []factor) []point {
	points := []point{{}}
	for _, fa := range factors {
		next := maps.Clone(points[len(points)-1])
		maps.Copy(next, toPoint(fa.settings()))
		points = append(points, next)
	}
	return points
}

func toPoint(ss []setting) point {
	pt := make(point, len(ss))
	for _, s := range ss {
		pt[s.axis] = s.value
	}
	return pt
}

func mapSlice[A, B any](as []A, fn func(A) B) []B {
	bs := make([]B, len(as))
	for i, a := range as {
		bs[i] = fn(a)
	}
	return bs
}

// designAxes are the axes that a design can move from the group's base.
func (p *Plan) designAxes(g group, design string) []string {
	axes := make(map[string]bool)
	base := p.base(g)
	for _, pt := range designFuncs[design](p, g) {
		for axis, value := range pt {
			if base[axis] != value {
				axes[axis] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(axes))
}

// base is the baseline with the group's set over it.
func (p *Plan) base(g group) point {
	base := toPoint(p.baseline)
	maps.Copy(base, toPoint(g.set))
	return base
}
