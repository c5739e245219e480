package serve

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/harness/report/page"
)

// States of a run.
const (
	Finished = "finished"
	Running  = "running"
	Stopped  = "stopped" // before its end: it can be resumed
	Damaged  = "damaged" // its manifest cannot be read
)

const (
	// quiet is how long the records of a run in progress may stay as they are. A trial
	// takes seconds.
	quiet = 2 * time.Minute
	// maxRuns are the most runs of a list: the newest.
	maxRuns = 1000
	// maxDepth is how deep folders are looked into.
	maxDepth = 2
)

// Run is an entry of the list.
type Run struct {
	Name  string // its folder, with slashes, below that which is served
	State string
	Plan  string
	Level string
	// Started is when it began; for a damaged run, when its manifest was written.
	Started time.Time
	// Recorded and Planned are trials: those on file, and those of all cells that run.
	Recorded, Planned int
	Problem           string // of a damaged run

	dir   string
	stamp string // changes when a file of the run does
}

// Live is what the run's page says of its progress; nil if it is finished.
func (r Run) Live() *page.Live {
	if r.State == Finished {
		return nil
	}
	return &page.Live{Recorded: r.Recorded, Planned: r.Planned, Running: r.State == Running}
}

// Percent is how much is recorded.
func (r Run) Percent() int { return page.Live{Recorded: r.Recorded, Planned: r.Planned}.Percent() }

// runs lists the folders with a manifest, the newest first.
func (s *Server) runs() ([]Run, error) {
	var found []Run
	err := s.walk(s.dir, "", maxDepth, func(dir, name string) { found = append(found, s.runIn(dir, name)) })
	slices.SortStableFunc(found, func(a, b Run) int {
		if c := b.Started.Compare(a.Started); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return found[:min(len(found), maxRuns)], err
}

// walk calls f with each folder that has a manifest; the served folder itself is called
// by its own name. It does not look below a run.
func (s *Server) walk(dir, name string, depth int, f func(dir, name string)) error {
	if info, err := os.Lstat(filepath.Join(dir, record.ManifestFile)); err == nil && info.Mode().IsRegular() {
		if name == "" {
			name = filepath.Base(s.dir)
		}
		f(dir, name)
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	if depth == 0 {
		return nil
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") { // a link to a folder is none
			continue
		}
		if err := s.walk(filepath.Join(dir, e.Name()), path.Join(name, e.Name()), depth-1, f); err != nil && !errors.Is(err, os.ErrPermission) && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// runIn describes the run in a folder. What was found stays valid until a file changes;
// whether a run is in progress depends on the time too.
func (s *Server) runIn(dir, name string) Run {
	stamp, changed := stampOf(dir)
	s.mu.Lock()
	known, ok := s.known[dir]
	s.mu.Unlock()
	if !ok || known.stamp != stamp {
		known = describe(dir)
		known.stamp = stamp
		s.mu.Lock()
		s.known[dir] = known
		s.mu.Unlock()
	}
	known.Name, known.dir = name, dir
	if known.State == Stopped && s.now().Sub(changed) < quiet {
		known.State = Running
	}
	if known.State == Damaged {
		known.Started = changed
	}
	return known
}

// describe reads a run's manifest, and counts its trials.
func describe(dir string) Run {
	m, err := record.ReadManifest(dir)
	if err != nil {
		return Run{State: Damaged, Problem: err.Error()}
	}
	r := Run{State: Finished, Plan: m.Plan, Level: m.Level, Started: m.Started, Recorded: countTrials(dir)}
	skipped := map[string]bool{}
	for _, s := range m.Skipped {
		skipped[s.Cell] = true
	}
	for _, c := range m.Cells {
		if !skipped[c.ID] {
			r.Planned += m.Blocks
		}
	}
	if m.Finished.IsZero() {
		r.State = Stopped
	}
	return r
}

// countTrials counts the complete lines of a run's records, without reading them.
func countTrials(dir string) int {
	n := 0
	for _, name := range []string{record.RecordsFile, record.PackedFile} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			continue // there is one of the two, or none yet
		}
		n += countLines(f, name == record.PackedFile)
		f.Close()
	}
	return n
}

func countLines(r io.Reader, packed bool) int {
	if packed {
		z, err := gzip.NewReader(r)
		if err != nil {
			return 0
		}
		r = z
	}
	n, buf := 0, make([]byte, 1<<16)
	for {
		k, err := r.Read(buf)
		n += bytes.Count(buf[:k], []byte{'\n'})
		if err != nil {
			return n
		}
	}
}

// stampOf changes when one of a run's files does; changed is when that last was.
func stampOf(dir string) (stamp string, changed time.Time) {
	for _, name := range []string{record.ManifestFile, record.RecordsFile, record.PackedFile, report.ResultsFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		stamp += fmt.Sprintf("%s %d %d;", name, info.Size(), info.ModTime().UnixNano())
		if info.ModTime().After(changed) {
			changed = info.ModTime()
		}
	}
	return stamp, changed
}

// resultsAreFresh reports whether results.json is there, and no older than the records.
func resultsAreFresh(dir string) bool {
	results, err := os.Stat(filepath.Join(dir, report.ResultsFile))
	if err != nil {
		return false
	}
	for _, name := range []string{record.ManifestFile, record.RecordsFile, record.PackedFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.ModTime().After(results.ModTime()) {
			return false
		}
	}
	return true
}
