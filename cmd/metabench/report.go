package main

import (
	"errors"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"metastorebench/harness/format"
	"metastorebench/harness/report"
)

func newReportCommand() *cobra.Command {
	var reference report.Reference
	var check bool
	var as string
	cmd := &cobra.Command{
		Use:   "report [DIR]",
		Short: "Make a run's report from its records",
		Long: `Make the report of the run in DIR from its records, as the run did when it ended:
results.json, report.md, report.html and figures, in DIR. The same records always
make the same bytes. One screen of it goes to standard output; --format csv, json or
markdown writes all tables of the report there instead, and no file.

With --all, DIR holds the folders of several runs: each gets its report, and the
document about them is made of --template, in which every number is a fact of a run.`,
		Example: `  metabench report results/phase1-20260102T030405Z
  metabench report results/phase1-20260102T030405Z --format csv > tables.csv
  metabench report --all results/reference
  metabench report --all results/reference --check`,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case (len(args) == 1) == (reference.Dir != ""):
				return errors.New("report: name the folder of a run, or with --all that of several runs")
			case reference.Dir == "" && check:
				return errors.New("report: --check is for --all")
			case check:
				return reference.Check()
			case reference.Dir != "":
				return reference.Make()
			case as != format.Text:
				return report.Tables(cmd.OutOrStdout(), args[0], as)
			}
			return reportRun(cmd.OutOrStdout(), args[0])
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&reference.Dir, "all", "", "folder that holds the folders of runs")
	fl.StringVar(&reference.Template, "template", filepath.Join("results", "EXPERIMENTS.md.tmpl"), "the template of the document about them")
	fl.StringVar(&reference.Document, "document", "EXPERIMENTS.md", "the document about them")
	fl.BoolVar(&check, "check", false, "write nothing; fail with every file that is not what the records make")
	formatFlag(cmd, &as, format.Formats())
	return cmd
}

// reportRun makes the report of the run in dir, and writes one screen of it on w.
func reportRun(w io.Writer, dir string) error {
	doc, err := report.Document(dir)
	if err != nil {
		return err
	}
	if err := report.Write(dir, doc); err != nil {
		return err
	}
	return report.Screen(w, dir, doc)
}
