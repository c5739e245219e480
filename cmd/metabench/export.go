package main

import (
	"github.com/spf13/cobra"

	"metastorebench/harness/query"
)

func newExportCommand() *cobra.Command {
	var as, out string
	cmd := &cobra.Command{
		Use:   "export DIR",
		Short: "Print a run's trials for benchstat, for a spreadsheet, or for HdrHistogram's plotter",
		Long: `Print every valid trial of the run in DIR, one line for each operation type, with
every metric that it has:

  benchfmt  the Go benchmark format: options are keys of the name, so that benchstat
            groups and compares by them
  csv, json the same as a table
  hgrm      percentile files in milliseconds, one for each cell and operation type,
            in the directory --out, which HdrHistogram's plotter reads`,
		Example: `  metabench export results/reference/phase1 > phase1.txt
  benchstat -filter '/group:factorial /workload:put50' -col /propose -row /codec,/apply,/rpc phase1.txt
  metabench export results/reference/phase1 --format hgrm --out percentiles`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return query.Export(cmd.OutOrStdout(), args[0], as, out)
		},
	}
	formatFlag(cmd, &as, query.ExportFormats())
	cmd.Flags().StringVar(&out, "out", "", "directory for the files of format hgrm")
	return cmd
}
