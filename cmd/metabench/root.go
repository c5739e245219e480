package main

import (
	"github.com/spf13/cobra"

	"metastorebench/harness/record"
	"metastorebench/harness/suggest"
)

// newRoot builds the command tree. Commands write results to the root's output
// and progress to its error output.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "metabench",
		Short: "Measure a MetaStore, and report what was measured",
		Example: `  metabench run phase1                  measure a plan: about five minutes, then a page
  metabench run mine.yaml --list        what a plan of your own would run
  metabench gate --base HEAD~1          is the working tree slower than its parent?
  metabench help metrics                what can be asked of a run`,
		SilenceUsage:  true, // an error is not a question about usage
		SilenceErrors: true, // main prints it
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return misuse(suggest.UnknownCommand(cmd, args[0]))
			}
			return cmd.Help()
		},
		Args: cobra.ArbitraryArgs, // or cobra says in its own words that a command is unknown
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return misuse(suggest.FlagError(cmd, err)) })
	root.AddCommand(
		newRunCommand(),
		newCapacityCommand(),
		newGateCommand(),
		newTrendCommand(),
		newPlansCommand(),
		newReportCommand(),
		newServeCommand(),
		newCompareCommand(),
		newExportCommand(),
		newPackCommand(),
		newCeilingsCommand(),
		newNoopCommand(),
		newVersionCommand(),
	)
	for _, c := range root.Commands() {
		c.Args = positional
		addCompletions(c)
	}
	root.AddCommand(newTopicCommands()...)
	root.SetHelpCommand(newHelpCommand())
	return root
}

func newPackCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "pack DIR",
		Short: "Compress a run's records for keeping",
		Long: `Compress DIR/records.jsonl to records.jsonl.gz, the form in which reference
runs are kept. Reports read both. A packed run cannot be resumed.`,
		Example: "  metabench pack results/reference/phase1",
		RunE:    func(_ *cobra.Command, args []string) error { return record.Pack(args[0]) },
	}
}
