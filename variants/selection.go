package variants

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"metastorebench/core/engine/lsm"
)

// Selection is one value for each axis, by the axis's name. The zero value
// chooses nothing; start from Named.
type Selection map[string]string

// Variant names accepted by Named.
const (
	VariantBest     = "best"
	VariantBaseline = "baseline"
)

// Variants lists the names that Named accepts, each with one line.
func Variants() []Value {
	return []Value{
		{Name: VariantBest, Doc: "the best safe value on every axis (the default)"},
		{Name: VariantBaseline, Doc: "the plan's baseline on every axis"},
	}
}

// Named returns a named selection: VariantBest or VariantBaseline. The
// environment's factors are at their neutral level in both.
func Named(name string) (Selection, error) {
	s := make(Selection)
	for _, a := range Axes() {
		switch {
		case name == VariantBest || a.Environment:
			s[a.Name] = a.Best
		case name == VariantBaseline:
			s[a.Name] = a.Baseline()
		default:
			return nil, fmt.Errorf("unknown --variant %q, want one of %s", name, names(Variants()))
		}
	}
	return s, nil
}

// Validate reports all violations at once: an axis without a value, an unknown
// axis, an unknown value, a value that is not in this build, values that exclude
// each other.
func (s Selection) Validate() error {
	var errs []error
	known := make(map[string]bool)
	for _, a := range Axes() {
		known[a.Name] = true
		chosen, ok := s[a.Name]
		v, valid := a.value(chosen)
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("axis %s has no value, want one of %s", a.Name, names(a.Values)))
		case !valid:
			errs = append(errs, fmt.Errorf("unknown --%s %q, want one of %s", a.Name, chosen, names(a.Values)))
		case v.Missing != "":
			errs = append(errs, fmt.Errorf("--%s=%s: %s", a.Name, chosen, v.Missing))
		}
	}
	if s["engine"] == "memory" && s["engine-profile"] == string(lsm.ProfileTuned) {
		errs = append(errs, fmt.Errorf("--engine-profile=%s: --engine=memory has no library to tune; accepted with it: %s", lsm.ProfileTuned, lsm.ProfileDefault))
	}
	if s["engine"] == "memory" && keyIndexes[s["key-index"]] != nil {
		errs = append(errs, fmt.Errorf("--key-index=%s: --engine=memory has all keys in memory, in the index of --index; accepted with it: none", s["key-index"]))
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if !known[name] {
			errs = append(errs, fmt.Errorf("unknown axis %q, want one of %s", name, axisNames()))
		}
	}
	return errors.Join(errs...)
}

// Durability returns the tier of the selection, in the terms of the results
// schema: "synced" or "unsafe".
func (s Selection) Durability() string {
	if len(s.Unsafe()) > 0 {
		return "unsafe"
	}
	return "synced"
}

// Unsafe lists the chosen values with which an acknowledged write may be lost, as
// flags; none for a safe selection.
func (s Selection) Unsafe() []string {
	var flags []string
	for _, a := range Axes() {
		if v, ok := a.value(s[a.Name]); ok && v.Unsafe {
			flags = append(flags, "--"+a.Name+"="+v.Name)
		}
	}
	return flags
}

// Consistency returns what a read promises that asks to be linearizable, in a
// cluster of so many members: "linearizable" or "stale", that is possibly older
// than what had been acknowledged before it was sent.
func (s Selection) Consistency(members int) string {
	for _, a := range Axes() {
		if v, ok := a.value(s[a.Name]); ok && v.Stale && members > 1 {
			return "stale"
		}
	}
	return "linearizable"
}

// String returns the selection as flags, in the order of Axes. Parse reads it.
func (s Selection) String() string {
	var flags []string
	for _, a := range Axes() {
		if v, ok := s[a.Name]; ok {
			flags = append(flags, "--"+a.Name+"="+v)
		}
	}
	return strings.Join(flags, " ")
}

// Parse reads what String writes and validates it.
func Parse(text string) (Selection, error) {
	s := make(Selection)
	for _, flag := range strings.Fields(text) {
		name, value, ok := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		if !ok || !strings.HasPrefix(flag, "--") {
			return nil, fmt.Errorf("%q is not of the form --axis=value", flag)
		}
		if _, twice := s[name]; twice {
			return nil, fmt.Errorf("axis %q is given twice", name)
		}
		s[name] = value
	}
	return s, s.Validate()
}

func names(vs []Value) string {
	var ns []string
	for _, v := range vs {
		ns = append(ns, v.Name)
	}
	return strings.Join(ns, ", ")
}

func axisNames() string {
	var ns []string
	for _, a := range Axes() {
		ns = append(ns, a.Name)
	}
	return strings.Join(ns, ", ")
}
