package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"metastorebench/harness/plan"
	benchrun "metastorebench/harness/run"
)

// statusMisuse is the exit status of a command that cannot be carried out as it was
// given: nothing was run.
const statusMisuse = 2

// misuses are the errors of other packages that have it.
var misuses = []error{
	plan.ErrUnknownPlan, plan.ErrNoFile, plan.ErrUnknownLevel, plan.ErrUnknownKey, plan.ErrNoCells,
	benchrun.ErrNothing, benchrun.ErrNoStore,
}

// misuse gives an error the status of misuse; nil stays nil.
func misuse(err error) error {
	if err == nil {
		return nil
	}
	return statusError{statusMisuse, err}
}

// isMisuse reports whether an error is one of misuses.
func isMisuse(err error) bool {
	return slices.ContainsFunc(misuses, func(m error) bool { return errors.Is(err, m) })
}

// positional checks a command's arguments against its Use line, in which words are
// arguments, [WORD] is one that may be left out and WORD... stands for one or more.
func positional(cmd *cobra.Command, args []string) error {
	names := strings.Fields(cmd.Use)[1:]
	for i, name := range names {
		if i == len(args) && !strings.HasPrefix(name, "[") {
			return missing(cmd, strings.TrimSuffix(name, "..."))
		}
	}
	if more := len(names) > 0 && strings.Contains(names[len(names)-1], "..."); len(args) > len(names) && !more {
		return misuse(fmt.Errorf("%s: %q is an argument too many; usage: metabench %s", cmd.Name(), args[len(names)], cmd.Use))
	}
	return nil
}

// missing is the error for an argument or flag that a command cannot do without, with
// the first of its examples.
func missing(cmd *cobra.Command, what string) error {
	return misuse(fmt.Errorf("%s: %s is missing; for example:\n  %s", cmd.Name(), what, firstExample(cmd)))
}

// firstExample is the command of a help's first example, without what is said of it.
func firstExample(cmd *cobra.Command) string {
	line, _, _ := strings.Cut(strings.TrimSpace(cmd.Example), "\n")
	line, _, _ = strings.Cut(line, "   ")
	return strings.TrimSpace(line)
}
