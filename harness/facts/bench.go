package facts

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/stats"
)

// BenchFile is the file of a folder of Go benchmark output that says how it is shown; see
// OfBenchmarks.
const BenchFile = "benchmarks.yaml"

// ErrBench says that a folder of Go benchmark output cannot be read, or that BenchFile
// asks for what is not there.
var ErrBench = errors.New("facts: benchmarks")

// benchPlan is BenchFile.
type benchPlan struct {
	Title string
	Views []benchView
}

// benchView is a table of one file of benchmark output. A benchmark's name has parts
// KEY=VALUE, apart by slashes; pkg is the last element of its package's path, and name
// all of its name that is not KEY=VALUE.
type benchView struct {
	ID, File, Title, Doc string
	// Where has the parts that a benchmark must have; a list of values means any.
	Where map[string][]string
	// Rows are the parts that name a row.
	Rows []string
	// Columns is the part whose values are columns, of the one unit. Without it each unit
	// is a column.
	Columns string
	Units   []string
	// Order has values of Columns that come first.
	Order []string
	// Against is the value of Columns that the others are compared with, paired by repeat;
	// Ratios are those that are, all if there are none.
	Against string
	Ratios  []string
	// Counts says that values are counted, and added up over the repeats.
	Counts bool
	Better string // higher or lower, of ratios
	Figure *benchFigure
}

// benchFigure is a line for each value of Columns, or for each other row, over X.
type benchFigure struct {
	X     string
	Label string              // of the axis; X, if it is empty
	Where map[string][]string // rows; a part that is neither X nor here names a line
	Log   bool
}

// OfBenchmarks makes a document of a folder of Go benchmark output, the *.txt files, as
// its BenchFile says: levels with intervals over the repeats, and ratios to a named
// column. The error joins everything that is wrong: files that are in no view, parts and
// units that no benchmark has.
func OfBenchmarks(dir string) (*Document, error) {
	p, err := readBenchPlan(filepath.Join(dir, BenchFile))
	if err != nil {
		return nil, err
	}
	all, err := readBenches(dir)
	if err != nil {
		return nil, err
	}
	b := &builder{run: &stats.Run{}, doc: &Document{Schema: Schema, Cells: []Cell{}, Axes: []Axis{}}}
	b.doc.Run = all.info(p)
	shown, errs := map[string]bool{}, []error{}
	for _, v := range p.Views {
		shown[v.File] = true
		if all.files[v.File] == nil { // not measured yet
			continue
		}
		made, err := b.bench(v, all)
		if err != nil {
			errs = append(errs, fmt.Errorf("%w: view %s: %w", ErrBench, v.ID, err))
			continue
		}
		b.doc.Views = append(b.doc.Views, made)
	}
	for _, name := range slices.Sorted(maps.Keys(all.files)) {
		if !shown[name] {
			errs = append(errs, fmt.Errorf("%w: %s is in no view of %s", ErrBench, name, BenchFile))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return b.doc, b.settle()
}

func readBenchPlan(path string) (*benchPlan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBench, err)
	}
	p := &benchPlan{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBench, path, err)
	}
	var errs []error
	for i, v := range p.Views {
		if v.ID == "" || v.File == "" || v.Columns != "" && len(v.Units) != 1 || v.Against != "" && v.Columns == "" {
			errs = append(errs, fmt.Errorf("%w: %s: view %d: accepted: an id, a file, one unit if there are columns, and against only with them", ErrBench, path, i+1))
		}
	}
	return p, errors.Join(errs...)
}

// benchTable is a view as it is made.
type benchTable struct {
	benchView
	columns []string             // values of Columns, or units
	rows    []map[string]string  // the parts of each
	cells   []map[string]*sample // by column
	factors map[string]float64   // by unit
	names   map[string]string    // of units, scaled
	levels  []map[string]int     // facts by column
}

// bench answers one view.
func (b *builder) bench(v benchView, all *benches) (View, error) {
	samples, err := all.matching(v)
	if err != nil {
		return View{}, err
	}
	t := v.table(samples)
	made := newTable(v.ID, v.caption(all.infos[v.File]))
	for _, key := range v.Rows {
		made.Columns = append(made.Columns, textColumn(key))
	}
	made.Columns = append(made.Columns, Column{Key: "repeats", Title: "repeats"})
	for _, c := range t.columns {
		title := t.names[c]
		if v.Columns != "" {
			title = c + ", " + t.names[v.Units[0]]
		}
		made.Columns = append(made.Columns, Column{Key: c, Title: title})
	}
	ratios := t.ratios()
	for _, c := range ratios {
		made.Columns = append(made.Columns, Column{Key: c + "_ratio", Title: c + " / " + v.Against})
	}
	for i, row := range t.rows {
		values := b.benchRow(t, i, ratios)
		key := make([]string, len(v.Rows))
		words := make([]Value, len(v.Rows))
		for k, part := range v.Rows {
			key[k] = cmp.Or(row[part], "-")
			words[k] = word(key[k])
		}
		made.add(strings.Join(key, ", "), append(words, values...)...)
	}
	view := View{ID: v.ID, Kind: "benchmarks", Title: v.Title, Doc: v.Doc, Tables: []Table{made.Table}}
	if v.Figure != nil {
		view.Figures = []Figure{b.benchFigure(t)}
	}
	return view, nil
}

// table sorts samples into rows and columns.
func (v benchView) table(samples []*sample) *benchTable {
	t := &benchTable{benchView: v, factors: map[string]float64{}, names: map[string]string{}}
	byKey := map[string]int{}
	for _, s := range samples {
		row, key := map[string]string{}, ""
		for _, part := range v.Rows {
			row[part] = s.parts[part]
			key += s.parts[part] + "\x00"
		}
		at, known := byKey[key]
		if !known {
			at = len(t.rows)
			byKey[key] = at
			t.rows, t.cells, t.levels = append(t.rows, row), append(t.cells, map[string]*sample{}), append(t.levels, map[string]int{})
		}
		columns := v.Units
		switch {
		case v.Columns != "":
			columns = []string{s.parts[v.Columns]}
		case len(columns) == 0:
			columns = slices.Sorted(maps.Keys(s.values))
		}
		for _, c := range columns {
			t.cells[at][c] = s
			if !slices.Contains(t.columns, c) {
				t.columns = append(t.columns, c)
			}
		}
	}
	rank := func(c string) int {
		if i := slices.Index(v.Order, c); i >= 0 {
			return i
		}
		return len(v.Order)
	}
	slices.SortStableFunc(t.columns, func(a, b string) int { return rank(a) - rank(b) })
	t.scale()
	return t
}

// scale finds units of time in which numbers are short: the least of a unit's values
// has one to three digits.
func (t *benchTable) scale() {
	least := map[string]float64{}
	for _, cells := range t.cells {
		for c, s := range cells {
			for _, v := range s.values[t.unit(c)] {
				if known, ok := least[t.unit(c)]; !ok || v < known {
					least[t.unit(c)] = v
				}
			}
		}
	}
	for unit, v := range least {
		t.names[unit], t.factors[unit] = unit, 1
		at := nanoseconds.FindStringIndex(unit)
		if at == nil {
			continue
		}
		for _, step := range []struct {
			name string
			ns   float64
		}{{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}} {
			if v >= step.ns {
				t.names[unit], t.factors[unit] = unit[:at[0]]+strings.Replace(unit[at[0]:], "ns", step.name, 1), 1/step.ns
			}
		}
	}
}

// nanoseconds is in a unit of them: ns/op, p50-ns, CPU-ns/put.
var nanoseconds = regexp.MustCompile(`\bns\b`)

// unit is that of a column.
func (t *benchTable) unit(column string) string {
	if t.Columns != "" {
		return t.Units[0]
	}
	return column
}

// ratios are the columns that are compared.
func (t *benchTable) ratios() []string {
	if t.Against == "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(t.columns), func(c string) bool {
		return c == t.Against || len(t.Ratios) > 0 && !slices.Contains(t.Ratios, c)
	})
}

// benchRow makes the facts of a row: n, levels and ratios.
func (b *builder) benchRow(t *benchTable, i int, ratios []string) []Value {
	n := 0
	var values []Value
	for _, c := range t.columns {
		s := t.cells[i][c]
		unit := t.unit(c)
		if s == nil || len(s.values[unit]) == 0 {
			values = append(values, known(0))
			continue
		}
		n = max(n, len(s.values[unit]))
		t.levels[i][c] = b.benchLevel(t, s.values[unit], unit)
		values = append(values, known(t.levels[i][c]))
	}
	for _, c := range ratios {
		num, den := t.cells[i][c], t.cells[i][t.Against]
		id := 0
		if num != nil && den != nil {
			if made, err := stats.CompareRepeats(num.values[t.Units[0]], den.values[t.Units[0]]); err == nil { // else there is no pair
				id = b.ask(made.Effect, metric.Direction(cmp.Or(t.Better, string(metric.Neither))), t.ID, &Fact{Metric: t.Units[0]})
			}
		}
		values = append(values, known(id))
	}
	return append([]Value{word(format.Count(int64(n)))}, values...)
}

// benchLevel is the fact of some repeats.
func (b *builder) benchLevel(t *benchTable, values []float64, unit string) int {
	if t.Counts {
		sum := 0.0
		for _, v := range values {
			sum += v
		}
		return b.add(&Fact{Kind: Count, Metric: unit, Unit: unit, Value: Number(sum), N: len(values), Text: format.Count(int64(math.Round(sum)))})
	}
	scaled := make([]float64, len(values))
	for i, v := range values {
		scaled[i] = v * t.factors[unit]
	}
	s := stats.Summarize(scaled)
	f := &Fact{Kind: Level, Metric: unit, Unit: t.names[unit]}
	f.estimate(s.Estimate)
	f.Min, f.Max = number(s.Min), number(s.Max)
	if s.Lo == s.Hi { // all repeats agree
		f.Text = format.Number(s.Value)
	}
	return b.add(f)
}

// benchFigure draws levels over a part that is a number.
func (b *builder) benchFigure(t *benchTable) Figure {
	unit := t.names[t.Units[0]]
	f := Figure{ID: t.ID, Kind: FigureLines, Title: t.Title, Caption: t.Doc + " Geometric means of the repeats with their 95 % intervals.",
		X: Scale{Label: cmp.Or(t.Figure.Label, titleOf(t.Figure.X)), Log: t.Figure.Log}, Y: Scale{Label: unit, Log: t.Figure.Log}}
	byName := map[string]int{}
	for _, c := range t.columns {
		for i, row := range t.rows {
			x, err := strconv.ParseFloat(row[t.Figure.X], 64)
			level := b.fact(t.levels[i][c])
			if err != nil || level == nil || !has(row, t.Figure.Where) {
				continue
			}
			name := []string{c}
			for _, part := range t.Rows {
				if _, fixed := t.Figure.Where[part]; part != t.Figure.X && !fixed {
					name = append(name, row[part])
				}
			}
			text := strings.Join(name, ", ")
			at, seen := byName[text]
			if !seen {
				at = len(f.Series)
				byName[text] = at
				f.Series = append(f.Series, Series{Name: text})
			}
			f.Series[at].Points = append(f.Series[at].Points, Point{X: Number(x), Y: level.Value, Lo: level.Lo, Hi: level.Hi, Fact: level.ID})
		}
	}
	for _, s := range f.Series {
		slices.SortFunc(s.Points, func(a, b Point) int { return cmp.Compare(a.X, b.X) })
	}
	return f
}

// caption says how a view's numbers were made.
func (v benchView) caption(info map[string]string) string {
	text := "Geometric means of n repeats with their 95 % intervals."
	if v.Counts {
		text = "Sums over the repeats."
	}
	if v.Against != "" {
		text += " Ratios are paired by repeat. " + infer.Legend
	}
	return fmt.Sprintf("%s `%s`, commit `%.12s`, %s.", text, info["command"], info["commit"], info["date"])
}
