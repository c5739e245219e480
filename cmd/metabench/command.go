package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"metastorebench/harness/record"
	benchrun "metastorebench/harness/run"
)

// placeFlags say where results go, or what else is done, and not what is run: they are
// no part of the command that makes a run again. All others are.
var placeFlags = []string{"help", "list", "format", "resume", "out"}

// statedFlags are in that command even where they were not given: what their defaults
// mean may change.
var statedFlags = []string{"level", "seed"}

// commandLine is the command that makes the same run again.
func commandLine(cmd *cobra.Command, args []string) []string {
	argv := append([]string{"metabench", cmd.Name()}, args...)
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		stated := slices.Contains(statedFlags, f.Name) && f.Value.String() != ""
		if slices.Contains(placeFlags, f.Name) || !f.Changed && !stated {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			if f.NoOptDefVal != "" { // a switch takes no second argument
				argv = append(argv, "--"+f.Name+"="+v)
				continue
			}
			argv = append(argv, "--"+f.Name, v)
		}
	})
	return argv
}

// recall gives a command that resumes the run in dir the flags with which it was begun,
// where its own command line says nothing. fresh is a command of the same kind. Without
// dir it does nothing.
func recall(cmd, fresh *cobra.Command, dir string) error {
	if dir == "" {
		return nil
	}
	m, err := record.ReadManifest(dir)
	if err != nil {
		return fmt.Errorf("%w %s: %w", benchrun.ErrResume, dir, err)
	}
	if len(m.Command) < 2 || m.Command[1] != cmd.Name() {
		return fmt.Errorf("%w %s: it was begun with %q; accepted: a run of metabench %s", benchrun.ErrResume, dir, strings.Join(m.Command, " "), cmd.Name())
	}
	began := fresh.Flags()
	if err := began.Parse(m.Command[2:]); err != nil {
		return fmt.Errorf("%w %s: it was begun with %q: %w", benchrun.ErrResume, dir, strings.Join(m.Command, " "), err)
	}
	var errs []error
	began.Visit(func(f *pflag.Flag) {
		if given := cmd.Flags().Lookup(f.Name); !given.Changed {
			errs = append(errs, set(given, f))
		}
	})
	return errors.Join(errs...)
}

// set gives a flag another's value.
func set(to, from *pflag.Flag) error {
	to.Changed = true
	if list, ok := from.Value.(pflag.SliceValue); ok {
		return to.Value.(pflag.SliceValue).Replace(list.GetSlice())
	}
	return to.Value.Set(from.Value.String())
}
