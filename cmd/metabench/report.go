package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"metastorebench/harness/record"
	"metastorebench/harness/report"
)

func newReportCommand() *cobra.Command {
	var o report.Options
	var check bool
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "Remake a run's figures and its section of EXPERIMENTS.md from its records",
		Long: `Draw the figures of the run in DIR into DIR/figures, and replace the document's
section, the text between

  <!-- metabench:begin SECTION -->
  <!-- metabench:end SECTION -->

by what the records say. Text outside the markers stays as it is. The same
records always make the same bytes.`,
		Example: `  metabench report results/reference/phase1
  metabench report results/phase1-20260102T030405Z --section phase1-local
  metabench report results/reference/phase1 --check`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			o.RunDir = args[0]
			if o.Section == "" {
				m, err := record.ReadManifest(args[0])
				if err != nil {
					return fmt.Errorf("%w (a folder without a manifest needs --section)", err)
				}
				o.Section = m.Plan
			}
			return report.Command(o, check)
		},
	}
	cmd.Flags().StringVar(&o.ExperimentsPath, "experiments", "EXPERIMENTS.md", "the document")
	cmd.Flags().StringVar(&o.Section, "section", "", "name of the section in its markers (default: the plan's name)")
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; fail with the first difference if the document is not exactly what the records make")
	return cmd
}

// reportRun reports on a run that has just ended: into the document's section
// for runs of this machine or, for a smoke run, which compares nothing, as
// figures alone.
func reportRun(w io.Writer, dir, document string) error {
	m, err := record.ReadManifest(dir)
	if err != nil {
		return err
	}
	o := report.Options{RunDir: dir, ExperimentsPath: document, Section: m.Plan + "-local"}
	figures := filepath.Join(dir, report.FiguresDir)
	if m.Level == "smoke" {
		if err := report.Draw(o); err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "a smoke run compares nothing: figures in %s, %s as it was\n", figures, document)
		return err
	}
	if err := report.Generate(o); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "figures in %s, report in %s, section %s\n", figures, document, o.Section)
	return err
}
