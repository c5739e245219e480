package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"metastorebench/harness/format"
	"metastorebench/harness/gate"
)

// historyFile is the history unless a flag says otherwise.
var historyFile = filepath.Join("results", "history.jsonl")

func newTrendCommand() *cobra.Command {
	var history, out, as string
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
  metabench trend --format csv
  metabench trend --last 50 --out results/trend`,
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
			if err := writeTrend(cmd.OutOrStdout(), t, as); err != nil || out == "" {
				return err
			}
			return keepTrend(out, t)
		},
	}
	cmd.Flags().StringVar(&history, "history", historyFile, "the history")
	cmd.Flags().IntVar(&last, "last", 200, "look at the newest so many runs; 0 for all")
	cmd.Flags().StringVar(&out, "out", "", "directory to make for the report and the figures (default: neither is kept)")
	formatFlag(cmd, &as, format.Formats())
	return cmd
}

// writeTrend writes the report.
func writeTrend(w io.Writer, t *gate.Trend, as string) (err error) {
	switch as {
	case format.Text:
		_, err = io.WriteString(w, t.Text(lineWidth(w)))
	case format.Markdown:
		_, err = io.WriteString(w, t.Markdown())
	default:
		err = t.Table().Write(w, as)
	}
	return err
}

// keepTrend keeps the report and its figures in dir.
func keepTrend(dir string, t *gate.Trend) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write the trend: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "trend.md"), []byte(t.Markdown()), 0o644); err != nil {
		return fmt.Errorf("write the trend: %w", err)
	}
	return saveFigures(dir, t.Figures()...)
}
