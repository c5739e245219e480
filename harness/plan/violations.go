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
	// ErrNoFile says that the file that a plan is to be read from is not there.
	ErrNoFile = errors.New("no such file")
	// ErrUnknownLevel says that the plan does not have the level.
	ErrUnknownLevel = errors.New("unknown level")
	// ErrUnknownKey says that a filter names a key that no cell has.
	ErrUnknownKey = errors.New("unknown key")
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

// faults collects violations while a plan is read, or a file that a plan names.
type faults struct {
	file string
	list Violations
	// claims reads the file of claims that a plan names; inner are the faults of that
	// file, nil without one.
	claims claimsReader
	inner  *faults
}

func (f *faults) add(line int, format string, args ...any) {
	f.list = append(f.list, Violation{File: f.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

// none reports whether there is no violation, in the plan or in its file of claims.
func (f *faults) none() bool { return f.err() == nil }

// err returns the violations by line, those of the file of claims last; nil if there are
// none.
func (f *faults) err() error {
	all := f.list
	slices.SortStableFunc(all, func(a, b Violation) int { return cmp.Compare(a.Line, b.Line) })
	if f.inner != nil {
		var inner Violations
		if errors.As(f.inner.err(), &inner) {
			all = slices.Concat(all, inner)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}
