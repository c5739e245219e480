package stats

import (
	"fmt"
	"maps"
	mathbits "math/bits"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Factor is a two-level axis under study: an item of the plan that is off or
// on.
type Factor struct {
	ID   string // as the plan names the item, e.g. "P1.1"
	Axis string // key of record.Cell.Options
	Off  string // the baseline's value
	On   string // the item's value
	// Tied are axes that are switched together with the item's own, by name.
	Tied []Tie
}

// Tie is an axis that goes with a factor's own.
type Tie struct{ Axis, Off, On string }

// Axes are those that the factor switches, its own first.
func (f Factor) Axes() []string {
	var axes []string
	for _, t := range f.ties() {
		axes = append(axes, t.Axis)
	}
	return axes
}

// ties are all axes of the factor, its own first.
func (f Factor) ties() []Tie { return append([]Tie{{f.Axis, f.Off, f.On}}, f.Tied...) }

// Name names the factor's axes: "codec", or "codec/pool" for two that are tied.
func (f Factor) Name() string { return strings.Join(f.Axes(), "/") }

// state says whether options have the factor on; ok is false if they lack one of
// its axes, or are on for some of them and off for others.
func (f Factor) state(opts map[string]string) (on, ok bool) {
	have := 0
	for _, t := range f.ties() {
		switch opts[t.Axis] {
		case t.On:
			have++
		case t.Off:
		default:
			return false, false
		}
	}
	return have > 0, have == 0 || have == 1+len(f.Tied)
}

// Factors are the items that the run's plan switches on, in its order, as the
// manifest's copy of the plan has them; none if the plan lists none. Errors: ErrPlan.
func (r *Run) Factors() ([]Factor, error) {
	var p struct {
		Baseline map[string]string
		Factors  []struct {
			ID, Axis, Value string
			With            map[string]string
		}
	}
	if err := yaml.Unmarshal([]byte(r.Manifest.PlanYAML), &p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPlan, err)
	}
	fs := make([]Factor, len(p.Factors))
	for i, f := range p.Factors {
		fs[i] = Factor{ID: f.ID, Axis: f.Axis, Off: p.Baseline[f.Axis], On: f.Value}
		for _, axis := range slices.Sorted(maps.Keys(f.With)) {
			fs[i].Tied = append(fs[i].Tied, Tie{axis, p.Baseline[axis], f.With[axis]})
		}
	}
	return fs, nil
}

// Setting is a set of factors that are on, as bit i for factor i.
type Setting uint

// Has reports whether factor i is on.
func (s Setting) Has(i int) bool { return s&(1<<i) != 0 }

// Stratum is a group of cells that differ in the factors alone: same workload,
// target and all other options. Only cells of one stratum are compared.
type Stratum struct {
	Group    string
	Workload string
	Target   string
	// Options are the options that the stratum's cells share.
	Options map[string]string
	// Factors are those that some cell of the stratum switches on, in the order
	// given; all of them if none does. One that is off in every cell, because the
	// stratum's engine does not have it, is among Options.
	Factors []Factor
	// Rows are the cells, ordered by setting: baseline, each item alone, pairs,
	// ..., all.
	Rows []Row
}

// Index returns the place of a factor among the stratum's, by the id of its
// claim, and -1 if the stratum does not have it.
func (s *Stratum) Index(id string) int {
	return slices.IndexFunc(s.Factors, func(f Factor) bool { return f.ID == id })
}

// Row is a cell with its setting.
type Row struct {
	Setting Setting
	Cell    *Cell
}

// Strata sorts the run's cells into strata, in the order in which the manifest
// first names each. Cells that lack a factor's axis, or have a third value on
// it, are in none.
func (r *Run) Strata(factors []Factor) []*Stratum {
	var all []*Stratum
	byKey := map[string]*Stratum{}
	for _, c := range r.Cells {
		set, rest, ok := split(c.Options, factors)
		if !ok {
			continue
		}
		key := strings.Join([]string{c.Group, c.Workload, c.Target, canonical(rest)}, "\x00")
		s := byKey[key]
		if s == nil {
			s = &Stratum{Group: c.Group, Workload: c.Workload, Target: c.Target, Options: rest, Factors: factors}
			byKey[key] = s
			all = append(all, s)
		}
		s.Rows = append(s.Rows, Row{Setting: set, Cell: c})
	}
	for _, s := range all {
		s.narrow()
		slices.SortStableFunc(s.Rows, func(a, b Row) int { return compareSettings(a.Setting, b.Setting, len(s.Factors)) })
	}
	return all
}

// narrow turns the factors that no cell switches on into options, unless none
// does: a stratum of the baseline alone says nothing of its factors.
func (s *Stratum) narrow() {
	var used Setting
	for _, r := range s.Rows {
		used |= r.Setting
	}
	if used == 0 || used == s.All() {
		return
	}
	var kept []Factor
	settings := make([]Setting, len(s.Rows))
	for i, f := range s.Factors {
		if !used.Has(i) {
			for _, t := range f.ties() {
				s.Options[t.Axis] = t.Off
			}
			continue
		}
		for k, r := range s.Rows {
			if r.Setting.Has(i) {
				settings[k] |= 1 << len(kept)
			}
		}
		kept = append(kept, f)
	}
	s.Factors = kept
	for k := range s.Rows {
		s.Rows[k].Setting = settings[k]
	}
}

// At returns the cell with this setting, or nil.
func (s *Stratum) At(set Setting) *Cell {
	for _, r := range s.Rows {
		if r.Setting == set {
			return r.Cell
		}
	}
	return nil
}

// All is the setting with every factor on.
func (s *Stratum) All() Setting { return 1<<len(s.Factors) - 1 }

// split takes the factors' axes out of opts.
func split(opts map[string]string, factors []Factor) (Setting, map[string]string, bool) {
	rest := maps.Clone(opts)
	var set Setting
	for i, f := range factors {
		on, ok := f.state(opts)
		if !ok {
			return 0, nil, false
		}
		if on {
			set |= 1 << i
		}
		for _, t := range f.ties() {
			delete(rest, t.Axis)
		}
	}
	return set, rest, true
}

// compareSettings orders by how many factors are on, then with the earlier
// factors first.
func compareSettings(a, b Setting, n int) int {
	if d := bits(a) - bits(b); d != 0 {
		return d
	}
	for i := range n {
		if a.Has(i) != b.Has(i) {
			if a.Has(i) {
				return -1
			}
			return 1
		}
	}
	return 0
}

// bits counts the factors that are on.
func bits(s Setting) int { return mathbits.OnesCount(uint(s)) }

// canonical is a text that two equal maps share.
func canonical(m map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b.WriteString(k + "=" + m[k] + ";")
	}
	return b.String()
}
