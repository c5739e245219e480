package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"metastorebench/harness/gate"
	"metastorebench/harness/report"
	"metastorebench/plots"
)

// historyFile is the history unless a flag says otherwise.
var historyFile = filepath.Join("results", "history.jsonl")

func newTrendCommand() *cobra.Command {
	var history, out string
	var last int
	cmd := &cobra.Command{
		Use:   "trend",
		Short: "Find steps in the history that metabench gate --record writes",
		Long: `Look for steps in what the gate measured over its runs, gate by gate, by E-divisive
(Matteson and James, JASA 109, 2014): no threshold, and no run that is compared
with; a loss too small for any one run is found once it stays.

Only runs of the machine, toolchain and plan of the newest run are a series. The
report goes to standard output; with --out DIR it is kept in DIR/trend.md too, and
each gate is drawn into DIR/figures.`,
		Example: `  metabench trend
  metabench trend --last 50 --out results/trend`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if last < 0 {
				return fmt.Errorf("--last %d: accepted: 0 for all runs, or a number of runs", last)
			}
			entries, err := gate.ReadHistory(history)
			if err != nil {
				return err
			}
			t, err := gate.NewTrend(entries, last)
			if err != nil {
				return fmt.Errorf("%s: %w", history, err)
			}
			return writeTrend(cmd.OutOrStdout(), out, t)
		},
	}
	cmd.Flags().StringVar(&history, "history", historyFile, "the history")
	cmd.Flags().IntVar(&last, "last", 200, "look at the newest so many runs; 0 for all")
	cmd.Flags().StringVar(&out, "out", "", "directory to make for the report and the figures (default: neither is kept)")
	return cmd
}

// writeTrend writes the report to w, and with the figures into dir, if any.
func writeTrend(w io.Writer, dir string, t *gate.Trend) error {
	text := t.Markdown()
	if _, err := io.WriteString(w, text); err != nil || dir == "" {
		return err
	}
	var figures []*plots.Figure
	for _, s := range t.Series {
		f, err := plots.Trend(t, s)
		if err != nil {
			return err
		}
		figures = append(figures, f)
	}
	if err := saveFigures(dir, figures...); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "trend.md"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("write the trend: %w", err)
	}
	return nil
}

// saveFigures writes figures where reports keep theirs in dir, which is made if it
// is not there.
func saveFigures(dir string, figures ...*plots.Figure) error {
	dir = filepath.Join(dir, report.FiguresDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the figures' directory: %w", err)
	}
	for _, f := range figures {
		if err := f.Save(dir); err != nil {
			return err
		}
	}
	return nil
}
