package main

import (
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"metastorebench/harness/serve"
)

func newServeCommand() *cobra.Command {
	var address string
	cmd := &cobra.Command{
		Use:   "serve [DIR]",
		Short: "Show the runs of a folder in a browser, the run in progress live",
		Long: `Serve a list of the runs in DIR (default: results), the newest first, and the page of
each: its answer, the claims, tables and charts, every cell, and each number down to
its trials. It is the run's report.html; where there is none yet, or a run is in
progress, it is made from the records.

The page of a run in progress shows how far it is, and renews itself every few
seconds while trials end: leave it open beside "metabench run". What you chose on it
(filters, ticks, an order of items) stays, and is in the address, to be passed on.

It answers on a loopback address alone, on a free port, unless --addr says otherwise.
There is no login: on another address, who can reach this machine reads the runs.
Ctrl-C stops it.`,
		Example: `  metabench serve                              runs in results, on a free port
  metabench serve results/reference            the reference runs
  metabench serve results/phase1-20260102T030405Z
  metabench serve --addr 127.0.0.1:8080        always the same address
  metabench serve --addr 0.0.0.0:8080          for other machines too`,
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "results"
			if len(args) == 1 {
				dir = args[0]
			}
			s, err := serve.New(dir, address)
			if err != nil {
				return err
			}
			l, err := net.Listen("tcp", address)
			if err != nil {
				return fmt.Errorf("--addr: %w", err)
			}
			host := l.Addr().(*net.TCPAddr)
			if !host.IP.IsLoopback() {
				fmt.Fprintf(cmd.ErrOrStderr(), "%v is no loopback address: who can reach this machine reads the runs\n", host)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "runs of %s: http://%v/ (Ctrl-C stops)\n", dir, host)
			return s.Serve(cmd.Context(), l)
		},
	}
	cmd.Flags().StringVar(&address, "addr", "127.0.0.1:0", "address to serve on, HOST:PORT; port 0 is a free one")
	return cmd
}
