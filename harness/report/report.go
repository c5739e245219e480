package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/plots"
)

// ErrStale says that a document is not what the records make. It is wrapped
// with the first line that differs.
var ErrStale = errors.New("report: the document differs from its records")

// FiguresDir is the folder of the figures within a run's folder.
const FiguresDir = "figures"

// Options say what to report and where.
type Options struct {
	RunDir          string // a run's folder, as record.ReadRun takes it, or one of Go benchmark output
	ExperimentsPath string // the document with the section's markers
	Section         string // name in the markers, e.g. "phase1" or "phase1-local"
	// Summary is where Generate writes what Summarize does, when all else worked;
	// nil for nowhere.
	Summary io.Writer
}

// Validate reports every missing option at once.
func (o Options) Validate() error {
	var errs []error
	for _, need := range [][2]string{{"run folder", o.RunDir}, {"document", o.ExperimentsPath}, {"section", o.Section}} {
		if need[1] == "" {
			errs = append(errs, fmt.Errorf("report: no %s given", need[0]))
		}
	}
	return errors.Join(errs...)
}

// Command is the whole of `metabench report`: with check it compares (Check),
// without it writes (Generate).
func Command(o Options, check bool) error {
	if check {
		return Check(o)
	}
	return Generate(o)
}

// Generate draws the run's figures into its folder and replaces the document's
// section, which it adds in its place if the document lacks it. The document is replaced in one step, and only if all else worked.
func Generate(o Options) error {
	made, err := build(o)
	if err != nil {
		return err
	}
	if err := save(o.RunDir, made.figures); err != nil {
		return err
	}
	if err := replace(o.ExperimentsPath, made.text); err != nil || o.Summary == nil {
		return err
	}
	if _, err := io.WriteString(o.Summary, made.summary); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// Summarize returns what a terminal shows of the run in runDir: for a phase, its
// attribution and the rows of its claims ledger as aligned plain text; "" for a
// run that has neither. It is a function of the records alone.
func Summarize(runDir string) (string, error) {
	run, err := read(runDir)
	if err != nil {
		return "", err
	}
	b, err := newBuilder(Input{Run: run})
	if err != nil {
		return "", fmt.Errorf("report: %s: %w", runDir, err)
	}
	text, err := b.summary()
	if err != nil {
		return "", fmt.Errorf("report: %s: %w", runDir, err)
	}
	return text, nil
}

// Draw draws the run's figures into its folder, those of a smoke run too, and
// leaves the document alone.
func Draw(o Options) error {
	run, err := read(o.RunDir)
	if err != nil {
		return err
	}
	figs, err := kindOf(run.Manifest.Plan).figures(run)
	if err != nil {
		return fmt.Errorf("report: %s: %w", o.RunDir, err)
	}
	return save(o.RunDir, figs)
}

func save(runDir string, figs []*plots.Figure) error {
	dir := filepath.Join(runDir, FiguresDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	for _, f := range figs {
		if err := f.Save(dir); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	return nil
}

func read(runDir string) (*stats.Run, error) {
	rec, err := record.ReadRun(runDir)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	run, err := stats.NewRun(rec.Manifest, rec.Trials)
	if err != nil {
		return nil, fmt.Errorf("report: %s: %w", runDir, err)
	}
	return run, nil
}

// Check reports ErrStale unless the document is exactly what Generate would
// write and every figure that it shows exists.
func Check(o Options) error {
	made, err := build(o)
	if err != nil {
		return err
	}
	have, err := os.ReadFile(o.ExperimentsPath)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := firstDifference(o.ExperimentsPath, string(have), made.text); err != nil {
		return err
	}
	for _, f := range made.figures {
		for _, format := range plots.Formats {
			path := filepath.Join(o.RunDir, FiguresDir, f.Name+"."+format)
			if _, err := os.Stat(path); err != nil {
				return fmt.Errorf("%w: figure: %w", ErrStale, err)
			}
		}
	}
	return nil
}

// content is what is made of a run.
type content struct {
	text    string // the section or, from build, the whole document with it
	figures []*plots.Figure
	summary string // see Summarize
}

// build makes the new document and its figures in memory.
func build(o Options) (content, error) {
	if err := o.Validate(); err != nil {
		return content{}, err
	}
	doc, err := os.ReadFile(o.ExperimentsPath)
	if err != nil {
		return content{}, fmt.Errorf("report: %w", err)
	}
	made, err := section(o)
	if err != nil {
		return content{}, err
	}
	text, err := withSection(string(doc), o.Section)
	if err != nil {
		return content{}, fmt.Errorf("%s: %w", o.ExperimentsPath, err)
	}
	if made.text, err = Splice(text, o.Section, made.text); err != nil {
		return content{}, fmt.Errorf("%s: %w", o.ExperimentsPath, err)
	}
	return made, nil
}

// section makes the section's content from a run or, where there is no manifest,
// from Go benchmark output; that of the ledger from several runs.
func section(o Options) (content, error) {
	switch {
	case o.Section == SectionLedger:
		return overallSection(o)
	case strings.TrimSuffix(o.Section, localSuffix) == SectionGate:
		return gateSection(o)
	}
	bench, err := benchPaths(o.RunDir)
	if err != nil {
		return content{}, err
	}
	if len(bench) > 0 {
		return benchSection(o, bench)
	}
	run, err := read(o.RunDir)
	if err != nil {
		return content{}, err
	}
	in, err := inputFor(o, run)
	if err != nil {
		return content{}, err
	}
	made, err := contentOf(in)
	if err != nil {
		return content{}, fmt.Errorf("report: %s: %w", o.RunDir, err)
	}
	return made, nil
}

// contentOf makes a run's section and summary.
func contentOf(in Input) (content, error) {
	b, err := newBuilder(in)
	if err != nil {
		return content{}, err
	}
	c := content{figures: in.Figures}
	if c.text, err = b.section(); err != nil {
		return content{}, err
	}
	c.summary, err = b.summary()
	return c, err
}

// inputFor adds paths relative to the document, and the figures. Level smoke
// has none: they would compare.
func inputFor(o Options, run *stats.Run) (Input, error) {
	rel, err := relative(o)
	if err != nil {
		return Input{}, err
	}
	in := Input{Run: run, RunPath: rel, Document: filepath.Base(o.ExperimentsPath), Section: o.Section}
	if _, err := newBuilder(in); err != nil { // asks the questions that figures have answered
		return Input{}, fmt.Errorf("report: %s: %w", o.RunDir, err)
	}
	if run.Manifest.Level != levelSmoke {
		if in.Figures, err = kindOf(run.Manifest.Plan).figures(run); err != nil {
			return Input{}, fmt.Errorf("report: %s: %w", o.RunDir, err)
		}
	}
	return in, nil
}

// relative returns the run's folder as seen from the document, with slashes.
func relative(o Options) (string, error) {
	docDir, err := filepath.Abs(filepath.Dir(o.ExperimentsPath))
	if err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	runDir, err := filepath.Abs(o.RunDir)
	if err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	rel, err := filepath.Rel(docDir, runDir)
	if err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	return filepath.ToSlash(rel), nil
}

// firstDifference compares two texts by line.
func firstDifference(path, have, want string) error {
	if have == want {
		return nil
	}
	h, w := strings.Split(have, "\n"), strings.Split(want, "\n")
	for i := range max(len(h), len(w)) {
		switch {
		case i >= len(h):
			return fmt.Errorf("%w: %s:%d: is missing %q", ErrStale, path, i+1, w[i])
		case i >= len(w):
			return fmt.Errorf("%w: %s:%d: has %q too much", ErrStale, path, i+1, h[i])
		case h[i] != w[i]:
			return fmt.Errorf("%w: %s:%d: is %q, want %q", ErrStale, path, i+1, h[i], w[i])
		}
	}
	return nil
}

// replace writes a file through a temporary one beside it.
func replace(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("report: %w", err), os.Remove(f.Name()))
	}
	return nil
}
