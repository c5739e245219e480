// Command metabench measures a MetaStore: it runs plans of trials against store
// processes that it starts, and turns their records into reports.
//
//	metabench run PLAN       run a plan (see metabench run --help)
//	metabench capacity       find the highest rate that meets an objective
//	metabench gate           compare two revisions of the store; see its --help
//	metabench trend          find steps in the history that the gate records
//	metabench plans [NAME]   list the built-in plans, or print one
//	metabench report DIR     remake figures and EXPERIMENTS.md from records
//	metabench compare A B    compare two cells or two runs
//	metabench export DIR     print a run for benchstat
//	metabench pack DIR       compress a run's records for keeping
//	metabench ceilings       measure what this machine can do at best
//	metabench noop-server    the ceiling's target: answers at once, does nothing
//
// Exit status: 0 if everything ran and every check held, 130 if it was
// interrupted, 1 otherwise; metabench gate has two more, 2 and 3.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	benchrun "metastorebench/harness/run"
)

func main() {
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
	if errors.Is(err, benchrun.ErrInterrupted) {
		return statusInterrupted
	}
	if e, ok := errors.AsType[statusError](err); ok {
		return e.status
	}
	return 1
}

// statusInterrupted is the exit status after SIGINT or SIGTERM: 128 and the number
// of SIGINT.
const statusInterrupted = 130

// run is the whole program. The first SIGINT or SIGTERM ends the command in an
// orderly way; a second one kills the process.
func run(args []string, stdout, stderr io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return root.ExecuteContext(ctx)
}
