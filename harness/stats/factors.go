package stats

import (
	"fmt"
	"maps"
	mathbits "math/bits"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"metastorebench/harness/claims"
	"metastorebench/harness/infer"
	"metastorebench/harness/record"
)

// Factor is a two-level axis under study: an item of the plan that is off or
// on.
type Factor struct {
	ID   string // the claim's id, e.g. "P1.1"
	Axis string // key of record.Cell.Options
	Off  string // the baseline's value
	On   string // the item's value
	// Tied are axes that are switched together with the item's own, by name.
	Tied []Tie
}

// Tie is an axis that goes with a factor's own.
type Tie struct{ Axis, Off, On string }

// ties are all axes of the factor, its own first.
func (f Factor) ties() []Tie { return append([]Tie{{f.Axis, f.Off, f.On}}, f.Tied...) }

// Name names the factor's axes: "codec", or "codec/pool" for two that are tied.
func (f Factor) Name() string {
	return f.join(func(t Tie) string { return t.Axis })
}

// Value names the factor's values, on or off: "wire", or "wire/on" of two axes.
func (f Factor) Value(on bool) string {
	return f.join(func(t Tie) string {
		if on {
			return t.On
		}
		return t.Off
	})
}

// Setting writes what the factor switches on: "codec=wire", or
// "codec=wire, pool=on" of two axes.
func (f Factor) Setting() string {
	parts := make([]string, 0, 1+len(f.Tied))
	for _, t := range f.ties() {
		parts = append(parts, t.Axis+"="+t.On)
	}
	return strings.Join(parts, ", ")
}

func (f Factor) join(part func(Tie) string) string {
	var parts []string
	for _, t := range f.ties() {
		parts = append(parts, part(t))
	}
	return strings.Join(parts, "/")
}

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

// Factors are the items of one phase that are an axis, in the order of their
// ids.
func Factors(phase int) []Factor {
	var fs []Factor
	for _, c := range claims.All() {
		if c.Phase == phase && c.Axis != "" {
			fs = append(fs, Factor{ID: c.ID, Axis: c.Axis, Off: c.Off, On: c.On})
		}
	}
	return fs
}

// Phase is the plan's phase that factors are about: that of the latest item, 1
// without any.
func Phase(factors []Factor) int {
	latest := 1
	for _, f := range factors {
		if c, known := claims.ByID(f.ID); known {
			latest = max(latest, c.Phase)
		}
	}
	return latest
}

// Factors are the items that the run's plan switches on, in its order, as the
// manifest's copy of the plan has them. A plan that lists none compares its ends:
// then they are the items of phase 1. Errors: ErrPlan.
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
	if len(p.Factors) == 0 {
		return Factors(1), nil
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
	// Questions are the run's.
	Questions *infer.Questions
}

// Groups of a plan that answer a question of their own. They are not part of the
// study of the factors.
const (
	// GroupSync crosses sync policies with proposals (phase 1) or with clients.
	GroupSync = "sync"
	// GroupIndexes has every index of the memory engine.
	GroupIndexes = "indexes"
	// GroupBatchSizes has workloads that differ in the size of their batches.
	GroupBatchSizes = "batch-sizes"
	// GroupBatchUnary has the same with one operation in a call.
	GroupBatchUnary = "batch-sizes-unary"
	// GroupClients has the ends of the factors by the number of clients. It is part
	// of the study.
	GroupClients = "clients"
	// GroupPlanBaseline is the store that the plan starts from, within a run whose
	// own baseline is a later one.
	GroupPlanBaseline = "phase1-baseline"
)

// Apart reports whether the stratum's group has a question of its own, or its
// stages are traced: it is then no part of the study of the factors.
func (s *Stratum) Apart() bool {
	return Traced(s.Options) || strings.HasPrefix(s.Group, GroupLadder) || slices.Contains([]string{GroupSync, GroupIndexes, GroupBatchSizes, GroupBatchUnary, GroupPlanBaseline}, s.Group)
}

// Study returns the strata in which the factors are compared: those that are not
// Apart and have a measured baseline.
func (r *Run) Study(factors []Factor) []*Stratum {
	return slices.DeleteFunc(r.Strata(factors), func(s *Stratum) bool {
		base := s.Baseline()
		return s.Apart() || base == nil || !base.Measured()
	})
}

// Index returns the place of a factor among the stratum's, by the id of its
// claim, and -1 if the stratum does not have it.
func (s *Stratum) Index(id string) int {
	return slices.IndexFunc(s.Factors, func(f Factor) bool { return f.ID == id })
}

// Store names what the stratum's cells share of the store: the engine, and how
// many members its cluster has where it is more than one. "memory", or
// "memory, 3 members".
func (s *Stratum) Store() string { return StoreName(s.Options) }

// StoreName is Stratum.Store of a cell's options.
func StoreName(options map[string]string) string {
	parts := []string{options["engine"]}
	if n := options["members"]; n != "" && n != "1" {
		parts = append(parts, n+" members")
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

// Load names the stratum's workload, and how its operations are sent where that
// is not one in a call: "put50", or "put1000 by stream".
func (s *Stratum) Load() string {
	if api := s.Options["api"]; api == "batch" || api == "stream" {
		return s.Workload + " by " + api
	}
	return s.Workload
}

// Members is the size of the stratum's clusters, 1 where nothing is said of it.
func (s *Stratum) Members() int {
	n, err := strconv.Atoi(s.Options["members"])
	if err != nil {
		return 1
	}
	return n
}

// Op is the only operation type of the stratum's workload, "" for a mix.
func (s *Stratum) Op() string {
	if ops := s.Ops(); len(ops) == 1 {
		return ops[0]
	}
	return ""
}

// WritesOnly reports whether puts are all that the stratum's workload does.
func (s *Stratum) WritesOnly() bool { return s.Op() == record.OpPut }

// ClosedLoop reports whether the clients of the stratum's measured cells wait for
// their answers. Where they do not, throughput is what was offered, and no factor
// makes it.
func (s *Stratum) ClosedLoop() bool {
	for _, r := range s.Rows {
		if r.Cell.Measured() {
			return r.Cell.Trials[0].Workload.Loop == record.LoopClosed
		}
	}
	return false
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
			s = &Stratum{Group: c.Group, Workload: c.Workload, Target: c.Target, Options: rest, Factors: factors, Questions: r.Questions}
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

// Baseline returns the cell with every factor off, or nil.
func (s *Stratum) Baseline() *Cell { return s.At(0) }

// Full returns the cell with every factor on, or nil.
func (s *Stratum) Full() *Cell { return s.At(s.All()) }

// Corners are the rows of baseline, each alone, all but each, and all.
func (s *Stratum) Corners() []Row {
	n := len(s.Factors)
	return slices.DeleteFunc(slices.Clone(s.Rows), func(r Row) bool {
		k := bits(r.Setting)
		return k > 1 && k < n-1
	})
}

// Label names a setting by the axes that are on: "baseline", "propose",
// "propose+codec", "all but rpc", "all".
func (s *Stratum) Label(set Setting) string {
	n := len(s.Factors)
	var on, off []string
	for i, f := range s.Factors {
		if set.Has(i) {
			on = append(on, f.Name())
		} else {
			off = append(off, f.Name())
		}
	}
	switch {
	case len(on) == 0:
		return "baseline"
	case len(on) == n:
		return "all"
	case len(off) == 1 && n > 2:
		return "all but " + off[0]
	}
	return strings.Join(on, "+")
}

// Clients is the number of clients of the first measured cell, 0 if none is.
func (s *Stratum) Clients() int {
	for _, r := range s.Rows {
		if r.Cell.Measured() {
			return r.Cell.Clients()
		}
	}
	return 0
}

// Ops are the operation types of the stratum's first measured cell.
func (s *Stratum) Ops() []string {
	for _, r := range s.Rows {
		if r.Cell.Measured() {
			return r.Cell.Ops()
		}
	}
	return nil
}

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
