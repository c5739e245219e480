package main

import (
	"bufio"
	"errors"

	"github.com/spf13/cobra"

	"metastorebench/harness/report"
)

func newExportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export DIR",
		Short: "Print a run in the Go benchmark format, for benchstat",
		Long: `Print every valid trial of the run in DIR as a line of the Go benchmark format,
one per operation type. Options are keys of the name, so that benchstat groups
and compares by them.`,
		Example: `  metabench export results/reference/phase1 > phase1.txt
  benchstat -filter '/group:factorial /workload:put50' -col /propose -row /codec,/apply,/rpc phase1.txt`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w := bufio.NewWriter(cmd.OutOrStdout())
			err := report.WriteBenchfmt(w, args[0])
			return errors.Join(err, w.Flush())
		},
	}
}
