// Command metabench measures a MetaStore: it runs plans of trials against store
// processes that it starts, and turns their records into reports.
//
//	metabench run PLAN       run a plan (see metabench run --help)
//	metabench capacity       find the highest rate that meets an objective
//	metabench plans [NAME]   list the built-in plans, or print one
//	metabench report DIR     remake figures and EXPERIMENTS.md from records
//	metabench compare A B    compare two cells or two runs
//	metabench export DIR     print a run for benchstat
//	metabench pack DIR       compress a run's records for keeping
//	metabench ceilings       measure what this machine can do at best
//	metabench noop-server    the ceiling's target: answers at once, does nothing
//
// Exit status: 0 if everything ran and every check held, 130 if it was
// interrupted, 1 otherwise.
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
	if errors.Is(err, benchrun.ErrInterrupted) {
		os.Exit(130)
	}
	os.Exit(1)
}

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
