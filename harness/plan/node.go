package plan

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// The helpers in this file read YAML nodes into Go values and report every
// mismatch with its line. They exist because yaml.v3's own decoder forgets the
// lines that later checks need, and stops being strict inside custom decoders.

// field is one accepted key of a mapping.
type field struct {
	key      string
	required bool
	read     func(*yaml.Node)
}

// mapping reads n's entries through fields; what names n in messages.
func (f *faults) mapping(n *yaml.Node, what string, fields []field) {
	seen := make(map[string]bool, len(fields))
	for key, value := range f.pairs(n, what) {
		i := slices.IndexFunc(fields, func(fd field) bool { return fd.key == key.Value })
		if i < 0 {
			f.add(key.Line, "unknown key %q in %s; accepted: %s", key.Value, what, keys(fields))
			continue
		}
		seen[key.Value] = true
		fields[i].read(value)
	}
	for _, fd := range fields {
		if fd.required && !seen[fd.key] && n.Kind == yaml.MappingNode {
			f.add(n.Line, "%s lacks key %q", what, fd.key)
		}
	}
}

func keys(fields []field) string {
	names := make([]string, len(fields))
	for i, fd := range fields {
		names[i] = fd.key
	}
	return strings.Join(names, ", ")
}

// pairs iterates over a mapping's keys and values in the file's order. A key
// that occurs twice is reported and given once.
func (f *faults) pairs(n *yaml.Node, what string) func(func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if n.Kind != yaml.MappingNode {
			f.add(n.Line, "%s must be a mapping of keys to values", what)
			return
		}
		lines := make(map[string]int, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if first, twice := lines[key.Value]; twice {
				f.add(key.Line, "key %q occurs twice in %s; first in line %d", key.Value, what, first)
				continue
			}
			lines[key.Value] = key.Line
			if !yield(key, resolve(n.Content[i+1])) {
				return
			}
		}
	}
}

// resolve follows a YAML alias to its anchor.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// items returns a list's elements. An empty list is a violation.
func (f *faults) items(n *yaml.Node, what string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		f.add(n.Line, "%s must be a list", what)
		return nil
	}
	if len(n.Content) == 0 {
		f.add(n.Line, "%s is an empty list; give at least one entry", what)
	}
	items := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		items[i] = resolve(c)
	}
	return items
}

// scalar reports whether n is a plain value.
func (f *faults) scalar(n *yaml.Node, what, want string) bool {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" && n.Value != "" {
		return true
	}
	f.add(n.Line, "%s must be %s", what, want)
	return false
}

func (f *faults) text(what string, into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if f.scalar(n, what, "a text") {
			*into = n.Value
		}
	}
}

func (f *faults) flag(what string, into *bool) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if f.scalar(n, what, "true or false") && n.Decode(into) != nil {
			f.add(n.Line, "%s is %q; accepted: true or false", what, n.Value)
		}
	}
}

func (f *faults) integer(what string, into *int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if !f.scalar(n, what, "a whole number") {
			return
		}
		v, err := strconv.Atoi(n.Value)
		if err != nil {
			f.add(n.Line, "%s is %q; accepted: a whole number", what, n.Value)
			return
		}
		*into = v
	}
}

func (f *faults) number(what string, into *float64) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if !f.scalar(n, what, "a number") {
			return
		}
		v, err := strconv.ParseFloat(n.Value, 64)
		if err != nil {
			f.add(n.Line, "%s is %q; accepted: a number", what, n.Value)
			return
		}
		*into = v
	}
}

func (f *faults) duration(what string, into *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if !f.scalar(n, what, "a duration such as 300ms") {
			return
		}
		v, err := time.ParseDuration(n.Value)
		if err != nil {
			f.add(n.Line, "%s is %q; accepted: a duration with a unit, such as 300ms or 2s", what, n.Value)
			return
		}
		if v <= 0 {
			f.add(n.Line, "%s is %v; accepted: more than 0", what, v)
			return
		}
		*into = v
	}
}

func (f *faults) texts(what string, into *[]named) func(*yaml.Node) {
	return func(n *yaml.Node) {
		for _, item := range f.items(n, what) {
			if f.scalar(item, "each of "+what, "a text") {
				*into = append(*into, named{item.Value, item.Line})
			}
		}
	}
}

// named is a text with the line where it stands.
type named struct {
	name string
	line int
}

// setting is a value on an axis with its line.
type setting struct {
	axis, value string
	line        int
}

// settings reads a mapping of axes to values, in the file's order.
func (f *faults) settings(what string, into *[]setting) func(*yaml.Node) {
	return func(n *yaml.Node) {
		for key, value := range f.pairs(n, what) {
			if f.scalar(value, "axis "+key.Value+" of "+what, "a value's name") {
				*into = append(*into, setting{key.Value, value.Value, value.Line})
			}
		}
	}
}
