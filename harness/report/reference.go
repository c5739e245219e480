package report

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"metastorebench/harness/facts"
	"metastorebench/harness/record"
)

// ErrStale says that a file is not what the records make.
var ErrStale = errors.New("report: stale")

// Reference are the runs that are kept, and the document about them.
type Reference struct {
	Dir      string // each folder in it that has a run, or Go benchmark output, is one
	Template string
	Document string
}

// Make writes the report of each run, and the document.
func (r Reference) Make() error {
	set, err := r.each(func(dir string, doc *facts.Document) error { return Write(dir, doc) })
	if err != nil {
		return err
	}
	b, err := r.document(set)
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.Document, b, 0o644); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// Check fails with ErrStale for every file that is kept and is not exactly what Make
// would write, or that Make would not write. results.json and the page are not kept.
func (r Reference) Check() error {
	temp, err := os.MkdirTemp("", "metabench-report-")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	defer os.RemoveAll(temp)
	set, err := r.each(func(dir string, doc *facts.Document) error {
		made := filepath.Join(temp, filepath.Base(dir))
		if err := os.MkdirAll(made, 0o755); err != nil {
			return fmt.Errorf("report: %w", err)
		}
		if err := writeKept(made, doc); err != nil {
			return err
		}
		return compareFolders(made, dir)
	})
	if err != nil && !errors.Is(err, ErrStale) {
		return err
	}
	b, derr := r.document(set)
	if derr != nil {
		return errors.Join(err, derr)
	}
	return errors.Join(err, compareFile(b, r.Document))
}

// document makes the document's text.
func (r Reference) document(set Set) ([]byte, error) {
	source, err := os.ReadFile(r.Template)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	dir, err := filepath.Rel(filepath.Dir(r.Document), r.Dir)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return set.Experiments(r.Template, source, filepath.ToSlash(dir))
}

// each makes the documents of all runs, as many at once as there are processors, and
// calls do with each. The error joins those of all runs, in order.
func (r Reference) each(do func(dir string, doc *facts.Document) error) (Set, error) {
	dirs, err := runsIn(r.Dir)
	if err != nil {
		return nil, err
	}
	docs, errs := make([]*facts.Document, len(dirs)), make([]error, len(dirs))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, dir := range dirs {
		group.Go(func() error {
			if docs[i], errs[i] = Document(dir); errs[i] == nil {
				errs[i] = do(dir, docs[i])
			}
			return nil
		})
	}
	_ = group.Wait() // errors are in errs, in order
	set := Set{}
	for i, dir := range dirs {
		set[filepath.Base(dir)] = docs[i]
	}
	return set, errors.Join(errs...)
}

// runsIn are the folders in dir that hold a run, in order.
func runsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	var dirs []string
	for _, e := range entries {
		run := filepath.Join(dir, e.Name())
		if _, err := os.Stat(filepath.Join(run, record.ManifestFile)); err == nil || isBench(run) {
			dirs = append(dirs, run)
		}
	}
	if len(dirs) == 0 {
		return nil, fmt.Errorf("report: %s has no folder with a %s", dir, record.ManifestFile)
	}
	return dirs, nil
}

// compareFolders compares what was made with what is kept in dir.
func compareFolders(made, dir string) error {
	var errs []error
	expected := map[string]bool{}
	err := filepath.WalkDir(made, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(made, path)
		if err != nil {
			return err
		}
		expected[rel] = true
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		errs = append(errs, compareFile(b, filepath.Join(dir, rel)))
		return nil
	})
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, FiguresDir, "*")) // the pattern is sound
	for _, path := range left {
		if rel, _ := filepath.Rel(dir, path); !expected[rel] {
			errs = append(errs, fmt.Errorf("%w: %s: no view makes it", ErrStale, path))
		}
	}
	return errors.Join(errs...)
}

// compareFile says where a kept file differs first.
func compareFile(want []byte, path string) error {
	have, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s is missing", ErrStale, path)
	case err != nil:
		return fmt.Errorf("report: %w", err)
	case bytes.Equal(want, have):
		return nil
	}
	if strings.HasSuffix(path, ".png") {
		return fmt.Errorf("%w: %s", ErrStale, path)
	}
	w, h := strings.Split(string(want), "\n"), strings.Split(string(have), "\n")
	for i := range w {
		if i >= len(h) || w[i] != h[i] {
			found := "the end"
			if i < len(h) {
				found = fmt.Sprintf("%.120q", h[i])
			}
			return fmt.Errorf("%w: %s:%d: have %s, the records make %.120q", ErrStale, path, i+1, found, w[i])
		}
	}
	return fmt.Errorf("%w: %s:%d: lines that the records do not make", ErrStale, path, len(w)+1)
}

// sweep removes figures in dir that are not among names.
func sweep(dir string, names []string) error {
	left, _ := filepath.Glob(filepath.Join(dir, "*")) // the pattern is sound
	var errs []error
	for _, path := range left {
		if !slices.Contains(names, filepath.Base(path)) {
			errs = append(errs, os.Remove(path))
		}
	}
	return errors.Join(errs...)
}
