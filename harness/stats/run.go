package stats

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"metastorebench/harness/record"
)

// Errors of NewRun and of comparisons. Each is wrapped with the cell, the block
// or the values that disagree.
var (
	// ErrUnknownCell says that a trial or a skip names a cell that the manifest
	// does not list.
	ErrUnknownCell = errors.New("stats: cell is not in the manifest")
	// ErrDuplicate says that a cell id, or a trial of one cell and block, occurs
	// twice.
	ErrDuplicate = errors.New("stats: duplicate")
	// ErrTier says that results of different durability tiers were about to be
	// ranked together.
	ErrTier = errors.New("stats: different durability tiers must not be compared")
	// ErrWorkload says that results of different workloads were about to be
	// compared.
	ErrWorkload = errors.New("stats: different workloads must not be compared")
	// ErrPlan says that a manifest's copy of the plan cannot be read.
	ErrPlan = errors.New("stats: the manifest's plan is not readable")
	// ErrNoPairs says that two cells share no block in which both have the
	// metric.
	ErrNoPairs = errors.New("stats: no block has both measurements")
)

// Run is one run's records, indexed. It shares memory with the records that it
// was made of, which must not change. It is safe for concurrent reading.
type Run struct {
	Manifest record.Manifest
	// Newer says that records are of a newer minor version, whose fields are not all
	// known here; see record.Run.
	Newer string
	// Cells are the manifest's cells in its order, those without trials
	// included.
	Cells []*Cell
	// Trials counts the trials that were recorded, void ones included; Recorded
	// are all of them, in run order.
	Trials   int
	Recorded []*record.Trial
	// Voids are the trials whose numbers must not be used, in run order.
	Voids []Void

	byID map[string]*Cell
}

// Cell is one cell with its valid trials.
type Cell struct {
	record.Cell
	// Trials are the valid trials in block order.
	Trials []*record.Trial
	// Void are the trials of this cell that were taken out, in run order. What counts
	// failures looks at them too: a limit on failures that voids what is above it
	// could not be missed otherwise.
	Void []*record.Trial
	// SkipReason says why the cell could not run; empty if it was not skipped.
	SkipReason string
	// Durability is the tier of all trials, "" without any.
	Durability string

	merged *latencies
}

// Void is a trial that was taken out, with the reason.
type Void struct {
	Cell   string
	Block  int
	Reason string
}

// NewRun indexes trials under m's cells. The trials may come in any order, and
// need not be complete. Errors: ErrUnknownCell, ErrDuplicate, ErrTier.
func NewRun(m record.Manifest, trials []record.Trial) (*Run, error) {
	r := &Run{Manifest: m, Trials: len(trials), byID: make(map[string]*Cell, len(m.Cells))}
	for _, c := range m.Cells {
		if r.byID[c.ID] != nil {
			return nil, fmt.Errorf("%w: cell %q", ErrDuplicate, c.ID)
		}
		cell := &Cell{Cell: c}
		r.byID[c.ID] = cell
		r.Cells = append(r.Cells, cell)
	}
	for _, s := range m.Skipped {
		// A cell that was dropped before the matrix was written down is known
		// by its skip alone.
		if cell := r.byID[s.Cell]; cell != nil {
			cell.SkipReason = s.Reason
		}
	}
	sorted := make([]*record.Trial, len(trials))
	for i := range trials {
		sorted[i] = &trials[i]
	}
	slices.SortStableFunc(sorted, func(a, b *record.Trial) int { return a.Order - b.Order })
	r.Recorded = sorted
	for _, t := range sorted {
		if err := r.add(t); err != nil {
			return nil, err
		}
	}
	for _, c := range r.Cells {
		slices.SortFunc(c.Trials, func(a, b *record.Trial) int { return a.Block - b.Block })
		c.merged = &latencies{kept: map[string]Latency{}, of: c.Trials}
	}
	return r, nil
}

// add files one trial under its cell. A void trial may have been repeated in
// its block; a valid one may not.
func (r *Run) add(t *record.Trial) error {
	c := r.byID[t.Cell]
	if c == nil {
		return fmt.Errorf("%w: trial of %q, block %d", ErrUnknownCell, t.Cell, t.Block)
	}
	if t.Void != "" {
		c.Void = append(c.Void, t)
		r.Voids = append(r.Voids, Void{Cell: t.Cell, Block: t.Block, Reason: t.Void})
		return nil
	}
	if slices.ContainsFunc(c.Trials, func(o *record.Trial) bool { return o.Block == t.Block }) {
		return fmt.Errorf("%w: cell %q has block %d twice", ErrDuplicate, t.Cell, t.Block)
	}
	if c.Durability != "" && c.Durability != t.Durability {
		return fmt.Errorf("%w: cell %q has %q and, in block %d, %q", ErrTier, t.Cell, c.Durability, t.Block, t.Durability)
	}
	c.Durability = t.Durability
	c.Trials = append(c.Trials, t)
	return nil
}

// Cell returns the cell with this id, or nil.
func (r *Run) Cell(id string) *Cell { return r.byID[id] }

// Measured reports whether the cell has at least one valid trial.
func (c *Cell) Measured() bool { return len(c.Trials) > 0 }

// Recorded are all trials of the cell, the valid ones first.
func (c *Cell) Recorded() []*record.Trial { return slices.Concat(c.Trials, c.Void) }

// WithFailures is the cell with the trials that are void for failed operations alone
// beside the valid ones: what operations took that failed is in their histograms,
// and a tail without it would be that of a store that answers.
func (c *Cell) WithFailures() *Cell {
	all := *c
	all.Trials = slices.Clone(c.Trials)
	for _, t := range c.Void {
		if failedAlone(t) {
			all.Trials = append(all.Trials, t)
		}
	}
	slices.SortStableFunc(all.Trials, func(a, b *record.Trial) int { return a.Block - b.Block })
	return &all
}

// failedAlone reports whether a void trial has nothing wrong but failed operations.
func failedAlone(t *record.Trial) bool {
	failed := 0
	for _, c := range t.Checks {
		if c.Failed() && c.Name != record.CheckErrors {
			return false
		}
		if c.Failed() {
			failed++
		}
	}
	fault, err := t.OpenLoopFault()
	return failed > 0 && fault == "" && err == nil
}

// Load is the workload of the cell's trials, void ones included; zero without any.
func (c *Cell) Load() record.Workload {
	for _, t := range c.Recorded() {
		return t.Workload
	}
	return record.Workload{}
}

// Clients is the number of concurrent clients of the cell's workload, 0 if the
// cell has no trials.
func (c *Cell) Clients() int { return c.Load().Clients }

// Ops lists the operation types that the cell's trials hold, in the order put,
// get, range, delete, then others by name.
func (c *Cell) Ops() []string {
	set := map[string]bool{}
	for _, t := range c.Trials {
		for i := range t.Ops {
			set[t.Ops[i].Op] = true
		}
	}
	ops := slices.Collect(maps.Keys(set))
	rank := []string{record.OpPut, record.OpGet, record.OpRange, record.OpDelete}
	slices.SortFunc(ops, func(a, b string) int {
		ia, ib := slices.Index(rank, a), slices.Index(rank, b)
		if ia >= 0 && ib >= 0 {
			return ia - ib
		}
		if ia != ib {
			return ib - ia // the known one, with the index that is not -1, first
		}
		if a < b {
			return -1
		}
		return 1
	})
	return ops
}

// Read reads and indexes the run in a folder. Errors: those of record.ReadRun and NewRun.
func Read(dir string) (*Run, error) {
	run, err := record.ReadRun(dir)
	if err != nil {
		return nil, err
	}
	indexed, err := NewRun(run.Manifest, run.Trials)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	indexed.Newer = run.Newer()
	return indexed, nil
}
