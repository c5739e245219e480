package query

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// side is one of the two of a comparison: a run, or one cell of it.
type side struct {
	dir  string
	cell string // as it was given; "" for the whole run
	run  *stats.Run
}

// parseSide splits RUNDIR or RUNDIR:CELL. A folder that holds a run is taken as it is,
// whatever its name; cell ids have no colon.
func parseSide(arg string) side {
	if _, err := os.Stat(filepath.Join(arg, record.ManifestFile)); err == nil {
		return side{dir: arg}
	}
	if i := strings.LastIndexByte(arg, ':'); i >= 0 {
		return side{dir: arg[:i], cell: arg[i+1:]}
	}
	return side{dir: arg}
}

// load reads the run, finds the cell and checks that it can be compared.
func (s *side) load() error {
	var err error
	if s.run, err = stats.Read(s.dir); err != nil {
		return err
	}
	if s.run.Manifest.Level == levelSmoke {
		return fmt.Errorf("%w: %s is a smoke run: its trials are too short for any comparison", ErrCompare, s.dir)
	}
	if s.cell != "" {
		s.cell, err = s.find(s.cell)
	}
	return err
}

// mostCandidates are the cells that an error lists.
const mostCandidates = 12

// find is the id of the one cell that a name means: the whole id, or parts of it, apart
// by slashes, commas or spaces, that no other measured cell has all of. Of AXIS=VALUE the
// value is a part too, and what is part of no cell is any text in its id.
func (s *side) find(name string) (string, error) {
	if s.run.Cell(name) != nil {
		return name, nil
	}
	var found, all []string
	for _, c := range s.run.Cells {
		if c.Measured() {
			all = append(all, c.ID)
		}
	}
	found = all
	for _, part := range parts(name) {
		is := func(id string) bool { return slices.Contains(parts(id), part) }
		if !slices.ContainsFunc(all, is) {
			is = func(id string) bool { return strings.Contains(id, part) }
		}
		found = slices.DeleteFunc(slices.Clone(found), func(id string) bool { return !is(id) })
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("%w: %s has no measured cell %q; accepted: an id, or parts of it that are one cell's alone; cells: %s", ErrCompare, s.dir, name, candidates(all))
	}
	return "", fmt.Errorf("%w: %q means %d cells of %s; name more parts of one of: %s", ErrCompare, name, len(found), s.dir, candidates(found))
}

// parts are those of a cell's id, or of what means one: between separators, and of
// AXIS=VALUE the value too.
func parts(id string) []string {
	all := strings.FieldsFunc(id, func(r rune) bool { return strings.ContainsRune("/, ", r) })
	for _, part := range all {
		if _, value, ok := strings.Cut(part, "="); ok {
			all = append(all, value)
		}
	}
	return all
}

func candidates(ids []string) string {
	if more := len(ids) - mostCandidates; more > 0 {
		return fmt.Sprintf("%s, and %d more", strings.Join(ids[:mostCandidates], ", "), more)
	}
	return strings.Join(ids, ", ")
}

// loadSides reads both sides; one run is read once.
func loadSides(o CompareOptions) (a, b side, same bool, err error) {
	a, b = parseSide(o.A), parseSide(o.B)
	if (a.cell == "") != (b.cell == "") {
		return a, b, false, fmt.Errorf("%w: %q and %q: name a cell on both sides, or on neither", ErrCompare, o.A, o.B)
	}
	if a.cell != "" && o.Cells != "" {
		return a, b, false, fmt.Errorf("%w: cells are named already; --cells %q is for whole runs", ErrCompare, o.Cells)
	}
	if err := errors.Join(a.load(), b.load()); err != nil {
		return a, b, false, err
	}
	x, errX := os.Stat(a.dir)
	y, errY := os.Stat(b.dir)
	if err := errors.Join(errX, errY); err != nil {
		return a, b, false, fmt.Errorf("query: %w", err)
	}
	if same = os.SameFile(x, y); same {
		b.run = a.run
		if a.cell == b.cell {
			return a, b, same, fmt.Errorf("%w: %q is compared with itself; name two cells, as %s:CELL", ErrCompare, o.A, a.dir)
		}
	}
	return a, b, same, nil
}

// cellPair are two cells to compare.
type cellPair struct{ a, b *stats.Cell }

// name is what the pair's rows are called; the caption says which cells A and B are.
func (p cellPair) name() string {
	if p.a.ID == p.b.ID {
		return p.a.ID
	}
	return "B against A"
}

// pairs lists what is compared: the two named cells, or every cell that both runs
// measured and the glob takes.
func pairs(a, b *side, glob string) ([]cellPair, error) {
	if a.cell != "" {
		p := cellPair{a.run.Cell(a.cell), b.run.Cell(b.cell)}
		for _, c := range []*stats.Cell{p.a, p.b} {
			if !c.Measured() {
				return nil, fmt.Errorf("%w: cell %q has no valid trial", ErrCompare, c.ID)
			}
		}
		return []cellPair{p}, nil
	}
	var all []cellPair
	for _, c := range a.run.Cells {
		match, err := matches(glob, c.ID)
		if err != nil {
			return nil, fmt.Errorf("%w: --cells %q: %w", ErrCompare, glob, err)
		}
		if other := b.run.Cell(c.ID); match && c.Measured() && other != nil && other.Measured() {
			all = append(all, cellPair{c, other})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: no cell of %s, measured in both, matches %q", ErrCompare, a.dir, glob)
	}
	return all, nil
}

// matches takes everything for an empty glob. A star does not stop at slashes, which
// every id has.
func matches(glob, id string) (bool, error) {
	if glob == "" {
		return true, nil
	}
	flat := strings.NewReplacer("/", "\x01")
	return filepath.Match(flat.Replace(glob), flat.Replace(id))
}
