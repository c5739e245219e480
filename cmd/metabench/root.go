package main

import (
	"github.com/spf13/cobra"

	"metastorebench/harness/record"
)

// newRoot builds the command tree. Commands write results to the root's output
// and progress to its error output.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "metabench",
		Short:         "Measure a MetaStore, and report what was measured",
		SilenceUsage:  true, // an error is not a question about usage
		SilenceErrors: true, // main prints it
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		newRunCommand(),
		newCapacityCommand(),
		newGateCommand(),
		newTrendCommand(),
		newPlansCommand(),
		newReportCommand(),
		newCompareCommand(),
		newExportCommand(),
		newPackCommand(),
		newCeilingsCommand(),
		newNoopCommand(),
	)
	return root
}

func newPackCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "pack DIR",
		Short: "Compress a run's records for keeping",
		Long: `Compress DIR/records.jsonl to records.jsonl.gz, the form in which reference
runs are kept. Reports read both. A packed run cannot be resumed.`,
		Example: "  metabench pack results/reference/phase1",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return record.Pack(args[0]) },
	}
}
