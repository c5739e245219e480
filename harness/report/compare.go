package report

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/stats"
)

// Errors of Compare, each wrapped with what was wrong and what is accepted.
var (
	// ErrCompare says that a comparison was not well put.
	ErrCompare = errors.New("report: cannot compare")
	// ErrMachine says that two runs are of different machines.
	ErrMachine = errors.New("report: different machines must not be compared")
)

// CompareOptions say what Compare compares.
type CompareOptions struct {
	// A and B are RUNDIR, a whole run, or RUNDIR:CELLID.
	A, B string
	// Metrics are names of CompareMetrics.
	Metrics []string
	// Cells is a glob over cell ids that narrows whole runs; empty is all.
	Cells string
	// AllowDifferentMachine turns the refusal of different machines into a
	// warning.
	AllowDifferentMachine bool
}

// Compare writes a table of B against A: cells of one run paired by block, cells
// of two runs unpaired. All rows are one family.
//
// Whatever makes a comparison meaningless is refused: another schema
// (record.ErrSchema), machine (ErrMachine), durability tier (stats.ErrTier) or
// workload (stats.ErrWorkload), each naming every difference.
func Compare(w io.Writer, o CompareOptions) error {
	metrics, err := metricsNamed(o.Metrics)
	if err != nil {
		return err
	}
	a, b, same, err := loadSides(o)
	if err != nil {
		return err
	}
	t := &table{head: []column{text("cell"), text("metric"), text("unit"), num("A"), num("n"), num("B"), num("n"), num("B/A"), text("word")}}
	if err := t.machines(&a, &b, o.AllowDifferentMachine); err != nil {
		return err
	}
	all, err := pairs(&a, &b, o.Cells)
	if err != nil {
		return err
	}
	compare := stats.CompareAcross
	if same {
		compare = stats.Compare
	}
	for _, p := range all {
		t.differences(p)
		t.warn(doubtful("A", p), a.run.Warnings(p.a, stats.Throughput(p.a.Ops()[0]))...)
		t.warn(doubtful("B", p), b.run.Warnings(p.b, stats.Throughput(p.b.Ops()[0]))...)
		for _, m := range metrics {
			if err := t.compare(p, m, compare); err != nil {
				return err
			}
		}
	}
	if len(t.rows) == 0 {
		return fmt.Errorf("%w: no trial of both sides has %s", ErrCompare, strings.Join(o.Metrics, ", "))
	}
	t.caption = compareCaption(&a, &b, same)
	_, err = io.WriteString(w, t.markdown(nil, ""))
	return err
}

func doubtful(name string, p cellPair) string {
	if p.a.ID == p.b.ID {
		return name + ", `" + p.a.ID + "`"
	}
	return name
}

// machines refuses runs of different machines, or warns if told to.
func (t *table) machines(a, b *side, allow bool) error {
	d := a.run.Manifest.Env.DiffersFrom(b.run.Manifest.Env)
	if len(d) == 0 {
		return nil
	}
	if !allow {
		return fmt.Errorf("%w: %s and %s: %s; --allow-different-machine compares them all the same", ErrMachine, a.dir, b.dir, strings.Join(d, "; "))
	}
	t.warn("", stats.Warning{Kind: stats.WarnMachine, Text: strings.Join(d, "; ")})
	return nil
}

// differences notes in which options the cells of a pair differ, and windows of
// different length.
func (t *table) differences(p cellPair) {
	var d []string
	all := maps.Clone(p.a.Options)
	maps.Copy(all, p.b.Options)
	for _, axis := range slices.Sorted(maps.Keys(all)) {
		if x, y := p.a.Options[axis], p.b.Options[axis]; x != y {
			d = append(d, fmt.Sprintf("%s %s and %s", axis, given(x), given(y)))
		}
	}
	// A window is closed when its time is up, so lengths differ a little.
	if x, y := float64(p.a.Trials[0].MeasureNS), float64(p.b.Trials[0].MeasureNS); x > 1.1*y || y > 1.1*x {
		d = append(d, fmt.Sprintf("trials of %s s and %s s", format.Number(x/1e9), format.Number(y/1e9)))
	}
	if len(d) > 0 {
		t.note(p.name() + " differ in: " + strings.Join(d, ", "))
	}
}

func given(value string) string {
	if value == "" {
		return "not set"
	}
	return value
}

// compare adds a row per operation type of the metric. A metric that one side
// does not have gets no row.
func (t *table) compare(p cellPair, m compareMetric, compare func(num, den *stats.Cell, m stats.Metric) (stats.Comparison, error)) error {
	ops := []string{""}
	if m.perOp {
		ops = p.a.Ops()
	}
	for _, op := range ops {
		metric := m.of(op)
		c, err := compare(p.b, p.a, metric)
		if errors.Is(err, stats.ErrNoPairs) {
			continue
		}
		if err != nil {
			return err
		}
		x, y := stats.Over(p.a, metric), stats.Over(p.b, metric)
		name := strings.TrimSpace(op + " " + m.name)
		t.row(p.name(), name, m.unit, interval(x), fmt.Sprint(x.N), interval(y), fmt.Sprint(y.N)).ratio(c).word()
	}
	return nil
}

// compareCaption says what A and B are and how they were compared.
func compareCaption(a, b *side, same bool) string {
	how := "Paired by block. " + ratioLegend
	if !same {
		how = "Two runs, unpaired: whatever changed between them is in the ratio of their geometric means, with Welch's interval. " + ratioLegend
	}
	return fmt.Sprintf("A: %s. B: %s. %s loop. Geometric means with their 95 %% interval; percentiles are each trial's own. %s",
		a.describe(), b.describe(), loops(a, b), how)
}

func (t *side) describe() string {
	m := t.run.Manifest
	text := fmt.Sprintf("`%s`, plan %s, level %s, commit %s", t.dir, m.Plan, m.Level, commit(m.Env))
	if t.cell != "" {
		text += ", cell `" + t.cell + "`"
	}
	return text
}

// loops names the loop of what is compared, as "Closed" or "Closed and open".
func loops(sides ...*side) string {
	found := map[string]bool{}
	for _, t := range sides {
		for _, c := range t.run.Cells {
			if c.Measured() && (t.cell == "" || t.cell == c.ID) {
				found[c.Trials[0].Workload.Loop] = true
			}
		}
	}
	names := strings.Join(slices.Sorted(maps.Keys(found)), " and ")
	return strings.ToUpper(names[:1]) + names[1:]
}
