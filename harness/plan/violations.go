package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Errors of this package, each wrapped with what was asked for and what is
// accepted.
var (
	// ErrInvalid says that a plan breaks the rules; the error is Violations.
	ErrInvalid = errors.New("invalid plan")
	// ErrUnknownPlan says that there is neither a built-in plan nor a file of
	// this name.
	ErrUnknownPlan = errors.New("unknown plan")
	// ErrUnknownLevel says that the plan does not have the level.
	ErrUnknownLevel = errors.New("unknown level")
	// ErrNoCells says that a filter leaves nothing to run.
	ErrNoCells = errors.New("no cell matches")
)

// Violation is one fault of a plan.
type Violation struct {
	File string
	Line int // from 1
	Text string
}

// String is "file:line: text", which editors and terminals can jump to.
func (v Violation) String() string { return fmt.Sprintf("%s:%d: %s", v.File, v.Line, v.Text) }

// Violations are all faults of a plan, by line. It is an error that wraps
// ErrInvalid.
type Violations []Violation

var _ error = Violations(nil)

// Error lists one violation per line.
func (vs Violations) Error() string {
	lines := make([]string, 0, len(vs)+1)
	lines = append(lines, fmt.Sprintf("%v: %d violation(s)", ErrInvalid, len(vs)))
	for _, v := range vs {
		lines = append(lines, v.String())
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes errors.Is(err, ErrInvalid) true.
func (vs Violations) Unwrap() error { return ErrInvalid }

// faults collects violations while a plan is read.
type faults struct {
	file string
	list Violations
}

func (f *faults) add(line int, format string, args ...any) {
	f.list = append(f.list, Violation{File: f.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

// err returns the violations by line, or nil.
func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	slices.SortStableFunc(f.list, func(a, b Violation) int { return cmp.Compare(a.Line, b.Line) })
	return f.list
}
