package plan

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"metastorebench/harness/format"
)

// Filter returns the matrix cut down to the cells that match terms (--only). A
// term is one of
//
//	KEY=VALUE   an option, or "workload", "group" or "target"; VALUE may be a glob
//	a glob      of the whole cell id; * and ? match any characters, / included
//	a text      anywhere in the cell id
//
// Terms of one key are alternatives, and so are terms of ids; different keys
// must all match. Nothing left is ErrNoCells, a malformed glob path.ErrBadPattern, a key
// that no cell has, in a term that is part of no id, ErrUnknownKey.
func (m *Matrix) Filter(terms []string) (*Matrix, error) {
	filters := make(map[string][]string) // key ("" for the id) to patterns
	for _, t := range terms {
		key, pattern := m.splitTerm(t)
		if err := m.checkTerm(key, t); err != nil {
			return nil, err
		}
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("--only %q: %w", t, err)
		}
		filters[key] = append(filters[key], pattern)
	}
	out := *m
	out.Entries = slices.DeleteFunc(slices.Clone(m.Entries), func(e Entry) bool { return !matches(e, filters) })
	if len(out.Entries) == 0 {
		return nil, fmt.Errorf("%w --only %s; the plan's ids look like %s", ErrNoCells, strings.Join(terms, " --only "), m.Entries[0].Cell.ID)
	}
	return &out, nil
}

// splitTerm tells KEY=VALUE from a part of an id that holds a "=".
func (m *Matrix) splitTerm(term string) (key, pattern string) {
	key, value, ok := strings.Cut(term, "=")
	if !ok || strings.ContainsAny(term, ",/") {
		return "", term
	}
	known := slices.ContainsFunc(m.Entries, func(e Entry) bool { _, ok := property(e, key); return ok })
	if !known {
		return "", term
	}
	return key, value
}

// checkTerm reports a term that is meant as KEY=VALUE, and whose key no cell has.
func (m *Matrix) checkTerm(key, term string) error {
	unknown, _, ok := strings.Cut(term, "=")
	if key != "" || !ok || strings.ContainsAny(unknown, ",/*?[") || slices.ContainsFunc(m.Entries, func(e Entry) bool { return strings.Contains(e.Cell.ID, term) }) {
		return nil
	}
	keys := map[string]bool{PropWorkload: true, PropGroup: true, PropTarget: true}
	for _, e := range m.Entries {
		for axis := range e.Cell.Options {
			keys[axis] = true
		}
	}
	names := slices.Sorted(maps.Keys(keys))
	hint := strings.TrimSpace(format.DidYouMean(unknown, names, "") + " accepted: " + strings.Join(names, ", "))
	return fmt.Errorf("--only %q: %w %q; %s", term, ErrUnknownKey, unknown, hint)
}

// property returns what a key of a term stands for.
func property(e Entry, key string) (string, bool) {
	switch key {
	case PropWorkload:
		return e.Cell.Workload, true
	case PropGroup:
		return e.Cell.Group, true
	case PropTarget:
		return e.Cell.Target, true
	}
	v, ok := e.Cell.Options[key]
	return v, ok
}

func matches(e Entry, filters map[string][]string) bool {
	for key, patterns := range filters {
		value, ok := property(e, key)
		if key == "" {
			value, ok = e.Cell.ID, true
		}
		if !ok || !slices.ContainsFunc(patterns, func(p string) bool {
			return glob(p, value) || key == "" && strings.Contains(value, p)
		}) {
			return false
		}
	}
	return true
}

// glob is path.Match with wildcards that cross slashes.
func glob(pattern, s string) bool {
	flat := strings.NewReplacer("/", "\x00")
	ok, err := path.Match(flat.Replace(pattern), flat.Replace(s))
	return err == nil && ok
}
