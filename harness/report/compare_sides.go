package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// side is one of the two of a comparison: a run, or one cell of it.
type side struct {
	dir  string
	cell string // "" for the whole run
	run  *stats.Run
}

// parseSide splits RUNDIR or RUNDIR:CELLID. A folder that holds a run is taken
// as it is, whatever its name; cell ids have no colon.
func parseSide(arg string) side {
	if _, err := os.Stat(filepath.Join(arg, record.ManifestFile)); err == nil {
		return side{dir: arg}
	}
	if i := strings.LastIndexByte(arg, ':'); i >= 0 {
		return side{dir: arg[:i], cell: arg[i+1:]}
	}
	return side{dir: arg}
}

// load reads the run and checks that it can be compared.
func (t *side) load() error {
	var err error
	if t.run, err = read(t.dir); err != nil {
		return err
	}
	if t.run.Manifest.Level == levelSmoke {
		return fmt.Errorf("%w: %s is a smoke run: its trials are too short for any comparison", ErrCompare, t.dir)
	}
	if t.cell != "" && t.run.Cell(t.cell) == nil {
		return fmt.Errorf("%w: %s has no cell %q; it has, for example, %q", ErrCompare, t.dir, t.cell, t.run.Cells[0].ID)
	}
	return nil
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
	same, err = sameDir(a.dir, b.dir)
	if err != nil {
		return a, b, false, err
	}
	if same {
		b.run = a.run
		if a.cell == b.cell {
			return a, b, same, fmt.Errorf("%w: %q is compared with itself; name two cells, as %s:CELL", ErrCompare, o.A, a.dir)
		}
	}
	return a, b, same, nil
}

func sameDir(a, b string) (bool, error) {
	x, err := os.Stat(a)
	if err != nil {
		return false, fmt.Errorf("report: %w", err)
	}
	y, err := os.Stat(b)
	if err != nil {
		return false, fmt.Errorf("report: %w", err)
	}
	return os.SameFile(x, y), nil
}

// cellPair are two cells to compare, each with its run.
type cellPair struct{ a, b *stats.Cell }

// name is how the pair's rows are called; the caption says which cells A and B
// are.
func (p cellPair) name() string {
	if p.a.ID == p.b.ID {
		return "`" + p.a.ID + "`"
	}
	return "A and B"
}

// pairs lists what is compared: the two named cells, or every cell that both
// runs measured and the glob takes.
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

// matches takes everything for an empty glob. A star does not stop at slashes,
// which every id has.
func matches(glob, id string) (bool, error) {
	if glob == "" {
		return true, nil
	}
	flat := strings.NewReplacer("/", "\x01")
	return filepath.Match(flat.Replace(glob), flat.Replace(id))
}
