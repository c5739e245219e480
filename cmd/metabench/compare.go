package main

import (
	"strings"

	"github.com/spf13/cobra"

	"metastorebench/harness/report"
)

func newCompareCommand() *cobra.Command {
	var o report.CompareOptions
	cmd := &cobra.Command{
		Use:   "compare A B",
		Short: "Compare two cells of a run, or two runs cell by cell",
		Long: `Print B against A with n, intervals, ratio, word and warnings. A and B are
each a run's folder, RUNDIR, or one cell of it, RUNDIR:CELLID.

Cells of one run are paired by block. Cells of two runs are compared unpaired:
two whole runs in every cell that both measured. All rows are one family:
their intervals hold together at 95 %. The last column says different,
equivalent or unresolved.

Runs of different schemas, machines, durability tiers or workloads are refused,
with every difference named.

Metrics: ` + strings.Join(report.CompareMetrics(), ", ") + ".",
		Example: `  metabench compare results/before results/after --metric throughput,p99,store-cpu
  metabench compare results/before results/after --cells 'memory/put50/*'
  metabench compare RUN:memory/put50/propose=perop RUN:memory/put50/propose=batch`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.A, o.B = args[0], args[1]
			return report.Compare(cmd.OutOrStdout(), o)
		},
	}
	fl := cmd.Flags()
	fl.StringSliceVar(&o.Metrics, "metric", []string{"throughput"}, "what to compare; may be repeated, or a list with commas")
	fl.StringVar(&o.Cells, "cells", "", "glob over cell ids, for two whole runs")
	fl.BoolVar(&o.AllowDifferentMachine, "allow-different-machine", false, "compare runs of different machines all the same, with a warning")
	return cmd
}
