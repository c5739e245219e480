// Command metastore runs one replica of an etcd-compatible Raft key-value
// store. Its flags choose a value on each axis; see "metastore variants".
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "metastore:", err)
		os.Exit(1)
	}
}

// run is the whole program: it returns when ctx ends (a clean stop, nil), the
// node fails, or the arguments are wrong.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cmd := newCommand(stdout, stderr)
	cmd.SetArgs(args)
	return cmd.ExecuteContext(ctx)
}
