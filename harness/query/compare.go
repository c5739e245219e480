package query

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/stats"
)

// Errors of Compare, each wrapped with what was wrong and what is accepted.
var (
	// ErrCompare says that a comparison was not well put.
	ErrCompare = errors.New("query: cannot compare")
	// ErrMachine says that two runs are of different machines.
	ErrMachine = errors.New("query: different machines must not be compared")
)

// levelSmoke is the level whose trials are too short to be compared.
const levelSmoke = "smoke"

// CompareOptions say what Compare compares.
type CompareOptions struct {
	// A and B are RUNDIR, a whole run, or RUNDIR:CELL, of which parts of the id do that
	// no other cell has all of.
	A, B string
	// Metrics are names of package metric.
	Metrics []string
	// Cells is a glob over cell ids that narrows whole runs; empty is all.
	Cells string
	// Format is one of format.Formats; Width is, of text, the most characters of a line,
	// 0 for any number.
	Format string
	Width  int
	// AllowDifferentMachine turns the refusal of different machines into a warning.
	AllowDifferentMachine bool
}

// comparison is B against A as it is collected.
type comparison struct {
	a, b    *stats.Run
	compare func(num, den *stats.Cell, m metric.Func) (stats.Comparison, error)
	rows    []*compared
	notes   []string
}

// compared is a metric of a pair of cells.
type compared struct {
	cell   string
	metric metric.Metric
	op     string
	a, b   infer.Estimate
	effect infer.Effect
}

// Compare writes a table of B against A: cells of one run paired by block, cells of two
// runs unpaired. All rows are one family. What the numbers need to be understood stands
// under the table in text and Markdown.
//
// Whatever makes a comparison meaningless is refused: another schema (record.ErrSchema),
// machine (ErrMachine), durability tier (stats.ErrTier) or workload (stats.ErrWorkload),
// each naming every difference.
func Compare(w io.Writer, o CompareOptions) error {
	if err := format.CheckFormat(o.Format); err != nil {
		return err
	}
	metrics, err := metricsNamed(o.Metrics)
	if err != nil {
		return err
	}
	a, b, same, err := loadSides(o)
	if err != nil {
		return err
	}
	c := comparison{compare: stats.CompareAcross, a: a.run, b: b.run}
	if same {
		c.compare = stats.CompareAny
	}
	if err := c.machines(&a, &b, o.AllowDifferentMachine); err != nil {
		return err
	}
	all, err := pairs(&a, &b, o.Cells)
	if err != nil {
		return err
	}
	for _, p := range all {
		c.differences(p)
		c.warn(doubtful("A", p), a.run.Warnings(p.a, throughput(p.a)))
		c.warn(doubtful("B", p), b.run.Warnings(p.b, throughput(p.b)))
		for _, m := range metrics {
			if err := c.add(p, m); err != nil {
				return err
			}
		}
	}
	if len(c.rows) == 0 {
		return fmt.Errorf("%w: no trial of both sides has %s", ErrCompare, strings.Join(o.Metrics, ", "))
	}
	return c.write(w, o, compareCaption(&a, &b, same))
}

func throughput(cell *stats.Cell) metric.Func {
	return metric.Must("throughput").Of(metric.Machine{}, cell.Ops()[0])
}

// machineOf is what shares of the machine are shares of.
func machineOf(run *stats.Run) metric.Machine {
	return metric.Machine{CPUs: run.Manifest.Env.CPUs, LoopbackBytesPerSecond: run.LoopbackBandwidth()}
}

func doubtful(name string, p cellPair) string {
	if p.a.ID == p.b.ID {
		return name + ", " + p.a.ID
	}
	return name
}

func (c *comparison) note(text string) {
	if !slices.Contains(c.notes, text) {
		c.notes = append(c.notes, text)
	}
}

func (c *comparison) warn(of string, warnings []stats.Warning) {
	for _, w := range warnings {
		c.note(fmt.Sprintf("%s: %s: %s", of, w.Kind, w.Text))
	}
}

// machines refuses runs of different machines, or warns if told to.
func (c *comparison) machines(a, b *side, allow bool) error {
	d := a.run.Manifest.Env.DiffersFrom(b.run.Manifest.Env)
	if len(d) == 0 {
		return nil
	}
	if !allow {
		return fmt.Errorf("%w: %s and %s: %s; --allow-different-machine compares them all the same", ErrMachine, a.dir, b.dir, strings.Join(d, "; "))
	}
	c.note(fmt.Sprintf("%s: %s", stats.WarnMachine, strings.Join(d, "; ")))
	return nil
}

// differences notes in which options the cells of a pair differ, and windows of
// different length.
func (c *comparison) differences(p cellPair) {
	var d []string
	all := maps.Clone(p.a.Options)
	maps.Copy(all, p.b.Options)
	for _, axis := range slices.Sorted(maps.Keys(all)) {
		if x, y := p.a.Options[axis], p.b.Options[axis]; x != y {
			d = append(d, fmt.Sprintf("%s %s and %s", axis, cmp.Or(x, "not set"), cmp.Or(y, "not set")))
		}
	}
	// A window is closed when its time is up, so lengths differ a little.
	if x, y := float64(p.a.Trials[0].MeasureNS), float64(p.b.Trials[0].MeasureNS); x > 1.1*y || y > 1.1*x {
		d = append(d, fmt.Sprintf("trials of %s s and %s s", format.Number(x/1e9), format.Number(y/1e9)))
	}
	if len(d) > 0 {
		c.note("A and B differ in: " + strings.Join(d, ", "))
	}
}

// add adds a row for each operation type of the metric. A metric that one side does not
// have gets no row.
func (c *comparison) add(p cellPair, m metric.Metric) error {
	ops := []string{""}
	if m.PerOp {
		ops = p.a.Ops()
	}
	for _, op := range ops {
		found, err := c.compare(p.b, p.a, m.Of(machineOf(c.a), op))
		if errors.Is(err, stats.ErrNoPairs) {
			continue
		}
		if err != nil {
			return err
		}
		x, errX := stats.LevelOf(p.a, m, m.Of(machineOf(c.a), op), op)
		y, errY := stats.LevelOf(p.b, m, m.Of(machineOf(c.b), op), op)
		if err := errors.Join(errX, errY); err != nil {
			return err
		}
		c.rows = append(c.rows, &compared{cell: p.name(), metric: m, op: op, a: x.Estimate, b: y.Estimate, effect: found.Effect})
	}
	return nil
}

// write judges the rows as one family and writes them.
func (c *comparison) write(w io.Writer, o CompareOptions, caption string) error {
	effects := make([]*infer.Effect, len(c.rows))
	for i, r := range c.rows {
		effects[i] = &r.effect
	}
	infer.Judge(infer.Margin, effects...)
	t := format.Table{Columns: format.Words("cell", "metric", "unit"), Width: o.Width}
	people := o.Format == format.Text || o.Format == format.Markdown
	for _, name := range []string{"A", "B", "B/A"} {
		t.Columns = append(t.Columns, format.Column{Key: name, Number: true})
		if !people {
			t.Columns = append(t.Columns, format.Column{Key: name + "_lo"}, format.Column{Key: name + "_hi"})
		}
	}
	t.Columns = append(t.Columns, format.Column{Key: "n", Number: true}, format.Column{Key: "word"})
	for _, r := range c.rows {
		row := []any{r.cell, strings.TrimSpace(r.op + " " + r.metric.Name), r.metric.Unit}
		if people {
			row = append(row, r.a.String(), r.b.String(), r.effect.String())
		} else {
			row = append(row, interval(r.a.Value, r.a.Lo, r.a.Hi, r.a.Interval)...)
			row = append(row, interval(r.b.Value, r.b.Lo, r.b.Hi, r.b.Interval)...)
			row = append(row, interval(r.effect.Ratio, r.effect.Lo, r.effect.Hi, r.effect.Interval)...)
		}
		t.Rows = append(t.Rows, append(row, r.effect.N, string(r.effect.Word)))
	}
	if err := t.Write(w, o.Format); err != nil || !people {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(append([]string{caption}, c.notes...), "\n\n"))
	return err
}

// interval is a value with its bounds, as a program wants them.
func interval(v, lo, hi float64, known bool) []any {
	if !known {
		return []any{v, nil, nil}
	}
	return []any{v, lo, hi}
}

// compareCaption says what A and B are and how they were compared.
func compareCaption(a, b *side, same bool) string {
	how := "Paired by block. " + infer.Legend
	if !same {
		how = "Two runs, unpaired: whatever changed between them is in the ratio of their geometric means, with Welch's interval. " + infer.Legend
	}
	return fmt.Sprintf("A: %s.\nB: %s.\nMeans of the blocks with their 95 %% interval; percentiles are of all blocks merged, their ratios of each block's own. %s", a.describe(), b.describe(), how)
}

func (s *side) describe() string {
	m := s.run.Manifest
	text := fmt.Sprintf("%s, plan %s, level %s, commit %.12s", s.dir, m.Plan, m.Level, cmp.Or(m.Env.Commit, "unknown"))
	if s.cell != "" {
		text += ", cell " + s.cell
	}
	return text
}

// metricsNamed looks names up; every one that is unknown is named.
func metricsNamed(names []string) ([]metric.Metric, error) {
	var unknown []string
	found := make([]metric.Metric, 0, len(names))
	for _, name := range names {
		m, err := metric.ByName(name)
		if err != nil {
			unknown = append(unknown, fmt.Sprintf("%q", name))
		}
		found = append(found, m)
	}
	accepted := strings.Join(metric.Names(), ", ")
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("%w: no metric given; accepted: %s", ErrCompare, accepted)
	case len(unknown) > 0:
		return nil, fmt.Errorf("%w: unknown metric %s; accepted: %s", ErrCompare, strings.Join(unknown, ", "), accepted)
	}
	return found, nil
}
