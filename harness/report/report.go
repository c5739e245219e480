package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"metastorebench/harness/facts"
	"metastorebench/harness/plan"
	"metastorebench/harness/report/page"
	"metastorebench/harness/stats"
	"metastorebench/plots"
)

// Files of a run's report, in the run's folder.
const (
	ResultsFile  = "results.json"
	MarkdownFile = "report.md"
	PageFile     = "report.html"
	FiguresDir   = "figures"
)

// Document makes the facts of the run in dir out of its records, or those of a folder of
// Go benchmark output, which has a facts.BenchFile.
func Document(dir string) (*facts.Document, error) {
	if isBench(dir) {
		return facts.OfBenchmarks(dir)
	}
	run, err := stats.Read(dir)
	if err != nil {
		return nil, err
	}
	asked, err := plan.AskedOf(run.Manifest)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	doc, err := facts.Of(run, asked)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return doc, nil
}

func isBench(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, facts.BenchFile))
	return err == nil
}

// Write writes the report of the run in dir into it.
func Write(dir string, doc *facts.Document) error {
	if err := facts.Write(filepath.Join(dir, ResultsFile), doc); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := page.Write(&b, doc); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, PageFile), b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return writeKept(dir, doc)
}

// writeKept writes what is kept of a reference run: report.md and the figures. Figures
// that the document does not have any more are removed.
func writeKept(dir string, doc *facts.Document) error {
	var b bytes.Buffer
	if err := (view{doc, dir}).render(&b, "report.md.tmpl"); err != nil {
		return err
	}
	text := blankLines.ReplaceAll(b.Bytes(), []byte("\n\n"))
	if err := os.WriteFile(filepath.Join(dir, MarkdownFile), text, 0o644); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	figures, names := filepath.Join(dir, FiguresDir), []string{}
	for _, v := range doc.Views {
		for _, f := range v.Figures {
			if err := os.MkdirAll(figures, 0o755); err != nil {
				return fmt.Errorf("report: %w", err)
			}
			if err := plots.Save(figures, f); err != nil {
				return fmt.Errorf("report: view %s: %w", v.ID, err)
			}
			for _, format := range plots.Formats {
				names = append(names, f.ID+"."+format)
			}
		}
	}
	return sweep(figures, names)
}

// blankLines are those that a template leaves where there was nothing to say.
var blankLines = regexp.MustCompile(`\n{3,}`)

// Screen writes what a run ends with: one screen for a terminal.
func Screen(w io.Writer, dir string, doc *facts.Document) error {
	return view{doc, dir}.render(w, "screen.tmpl")
}
