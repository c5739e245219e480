package main

import (
	"strings"

	"github.com/spf13/cobra"

	"metastorebench/harness/format"
	"metastorebench/harness/metric"
	"metastorebench/harness/query"
)

func newCompareCommand() *cobra.Command {
	var o query.CompareOptions
	cmd := &cobra.Command{
		Use:   "compare A B",
		Short: "Compare two cells of a run, or two runs cell by cell",
		Long: `Print B against A with n, intervals, ratio, word and warnings. A and B are each a
run's folder, RUNDIR, or one cell of it, RUNDIR:CELL. CELL is a cell's id, or parts
of it that no other cell has all of: RUNDIR:noop/put100.

Cells of one run are paired by block. Cells of two runs are compared unpaired:
two whole runs in every cell that both measured. All rows are one family:
their intervals hold together at 95 %. The last column says different,
equivalent or unresolved.

Runs of different schemas, machines, durability tiers or workloads are refused,
with every difference named.

Metrics: ` + strings.Join(metric.Names(), ", ") + ".",
		Example: `  metabench compare results/before results/after --metric throughput,p99,store_cpu
  metabench compare results/before results/after --cells 'memory/put50/*'
  metabench compare RUN:memory/put50/propose=perop RUN:memory/put50/propose=batch`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.A, o.B, o.Width = args[0], args[1], lineWidth(cmd.OutOrStdout())
			return query.Compare(cmd.OutOrStdout(), o)
		},
	}
	fl := cmd.Flags()
	fl.StringSliceVar(&o.Metrics, "metric", []string{"throughput"}, "what to compare; may be repeated, or a list with commas")
	fl.StringVar(&o.Cells, "cells", "", "glob over cell ids, for two whole runs")
	fl.BoolVar(&o.AllowDifferentMachine, "allow-different-machine", false, "compare runs of different machines all the same, with a warning")
	formatFlag(cmd, &o.Format, format.Formats())
	return cmd
}
