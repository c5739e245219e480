// Command metabench measures a MetaStore: it runs plans of trials against store
// processes that it starts, and turns their records into reports.
//
//	metabench run PLAN       run a plan (see metabench run --help)
//	metabench capacity       find the highest rate that meets an objective
//	metabench gate           compare two revisions of the store; see its --help
//	metabench trend          find steps in the history that the gate records
//	metabench plans [NAME]   list the built-in plans, or print one
//	metabench report DIR     remake figures and EXPERIMENTS.md from records
//	metabench serve DIR      show the runs of a folder in a browser, live
//	metabench compare A B    compare two cells or two runs
//	metabench export DIR     print a run for benchstat
//	metabench pack DIR       compress a run's records for keeping
//	metabench ceilings       measure what this machine can do at best
//	metabench noop-server    the ceiling's target: answers at once, does nothing
//	metabench version        what this program was built from, and which files it reads
//	metabench completion SH  a script that completes commands in a shell
//	metabench help [TOPIC]   help about a command or a topic
//
// Exit status: 0 if everything ran and every check held, 2 if the command cannot be
// carried out as it was given and nothing was run, 3 if metabench gate could not decide,
// 128 and the signal's number (130 for Ctrl-C) if it was interrupted, 1 otherwise.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	failWrites()
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "metabench:", err)
	os.Exit(exitStatus(err))
}

// statusError is an error with the exit status that belongs to it.
type statusError struct {
	status int
	error
}

func (e statusError) Unwrap() error { return e.error }

// exitStatus is what an error makes the program exit with.
func exitStatus(err error) int {
	if s, ok := errors.AsType[stopped](err); ok {
		return 128 + int(s.signal)
	}
	if e, ok := errors.AsType[statusError](err); ok {
		return e.status
	}
	if isMisuse(err) {
		return statusMisuse
	}
	return 1
}

// run is the whole program. The first signal to stop ends the command in an orderly
// way; a second one kills the process.
func run(args []string, stdout, stderr io.Writer) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	defer stopOnSignal(cancel)()
	if f, ok := stdout.(*os.File); ok {
		defer stopOnClosedPipe(ctx, cancel, f)()
	}
	out, end := painted(stdout)
	defer end()
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if s, ok := stopOf(ctx, err); ok && err != nil {
		return fmt.Errorf("%w: %w", s, err)
	}
	return err
}
