package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

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

by what the records say. Text outside the markers stays as it is. Of a phase's
run, the attribution and the rows of the claims ledger go to standard output too,
as they did when the run ended. The same records always make the same bytes.

Section "ledger" takes every claim of the plan from the run that is about it: DIR
holds the folders phase1, phase2, phase3 and ladder, as far as there are runs.
Section "gate" takes the folder of metabench gate --power.`,
		Example: `  metabench report results/reference/phase1
  metabench report results/phase1-20260102T030405Z --section phase1-local
  metabench report results/reference --section ledger
  metabench report results/reference/phase1 --check`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.RunDir, o.Summary = args[0], cmd.OutOrStdout()
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
	cmd.Flags().BoolVar(&check, "check", false, "write and print nothing; fail with the first difference if the document is not exactly what the records make")
	return cmd
}

// reportRun reports on a run that has just ended: into the document's section for
// runs of this machine, if there is a document, and on w. A smoke run compares
// nothing: it leaves the document alone and only draws its figures.
func reportRun(w io.Writer, dir, document string) error {
	m, err := record.ReadManifest(dir)
	if err != nil {
		return err
	}
	var summary strings.Builder
	o := report.Options{RunDir: dir, ExperimentsPath: document, Section: m.Plan + "-local", Summary: &summary}
	made := ""
	switch figures := filepath.Join(dir, report.FiguresDir); {
	case document != "" && m.Level != "smoke":
		made = fmt.Sprintf("figures in %s, report in %s, section %s\n", figures, document, o.Section)
		err = report.Generate(o)
	case document != "":
		made = fmt.Sprintf("figures in %s, %s as it was\n", figures, document)
		err = report.Draw(o)
	}
	if err == nil && summary.Len() == 0 {
		var text string
		text, err = report.Summarize(dir)
		summary.WriteString(text)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n%s", made, summary.String())
	return err
}
