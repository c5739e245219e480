package report

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"metastorebench/harness/facts"
	"metastorebench/harness/format"
)

// Set are the documents of several runs, by the names of their folders.
type Set map[string]*facts.Document

// Experiments makes a document about several runs of a template: prose, in which every
// number is the address of a fact. dir is the folder of the runs as seen from the
// document. The error joins all that is wrong, each with its line: digits in the prose
// (checkProse), runs and facts that are not there.
//
// The template has these functions; RUN is the name of a run's folder. Where the prose
// says of a ratio what it came to, WORD are those that it may be (different, equivalent,
// unresolved): another one is an error.
//
//	fact RUN ADDRESS [WORD...]    the number with its interval: 22.8 [22.1, 23.5]
//	value RUN ADDRESS [WORD...]   the number alone: 22.8
//	change RUN ADDRESS [WORD...]  a ratio as a change: +12.0 %
//	run RUN             what was run, to take .Blocks or .Trials of it
//	trials, voids       how many there are in all runs
//	runs                a table of the runs, with their reports
//	ledger [TOPIC...]   the claims of all runs, of these topics
//	figure RUN ID       a figure with its caption
//	bounds RUN [AXIS]   how many cells each resource bounds, for each value of an axis
func (s Set) Experiments(file string, source []byte, dir string) ([]byte, error) {
	errs := checkProse(file, string(source))
	w := writer{set: s, dir: dir, failed: map[string]bool{}}
	name := filepath.Base(file)
	t, err := template.New(name).Funcs(w.functions()).Parse(string(source))
	if err != nil {
		return nil, errors.Join(append(errs, fmt.Errorf("report: %w", err))...)
	}
	for {
		var b bytes.Buffer
		err := t.Execute(&b, nil)
		if err == nil {
			return b.Bytes(), errors.Join(errs...)
		}
		errs = append(errs, place(file, err))
		if !w.excuse(err) {
			return nil, errors.Join(errs...)
		}
	}
}

// missing says that a template asks for what is not there.
type missing struct {
	call string
	why  error
}

func (m missing) Error() string { return m.why.Error() }

// writer has the functions of a template. What failed once is excused the next time, so
// that making the document again finds the next error.
type writer struct {
	set    Set
	dir    string
	failed map[string]bool
}

// excuse remembers a call that failed; false for an error of another kind.
func (w writer) excuse(err error) bool {
	m, ok := errors.AsType[missing](err)
	if ok {
		w.failed[m.call] = true
	}
	return ok
}

// place is an error of a template with its file and line, without the package's words.
func place(file string, err error) error {
	m, ok := errors.AsType[missing](err)
	if !ok {
		return fmt.Errorf("report: %w", err)
	}
	line := "?"
	if parts := strings.SplitN(err.Error(), ":", 4); len(parts) == 4 { // template: NAME:LINE:COLUMN...
		line = parts[2]
	}
	return fmt.Errorf("%s:%s: %w", file, line, m.why)
}

// try makes text of a call, or the error that names it.
func (w writer) try(call string, make func() (string, error)) (string, error) {
	if w.failed[call] {
		return "", nil
	}
	text, err := make()
	if err != nil {
		return "", missing{call, err}
	}
	return text, nil
}

func (w writer) functions() template.FuncMap {
	number := func(name string, write func(*facts.Fact) (string, error)) any {
		return func(run, address string, words ...string) (string, error) {
			return w.try(name+" "+run+" "+address+strings.Join(words, " "), func() (string, error) {
				f, err := w.fact(run, address)
				if err != nil {
					return "", err
				}
				if len(words) > 0 && !slices.Contains(words, f.Word) {
					return "", fmt.Errorf("%s: %s is %s, %s, and the prose says %s", run, address, cmp.Or(f.Word, "not compared"), f.Text, strings.Join(words, " or "))
				}
				return write(f)
			})
		}
	}
	return template.FuncMap{
		"fact":   number("fact", func(f *facts.Fact) (string, error) { return f.Text, nil }),
		"value":  number("value", func(f *facts.Fact) (string, error) { return format.Number(float64(f.Value)), nil }),
		"change": number("change", change),
		"run": func(run string) (facts.Run, error) {
			d, err := w.document(run)
			switch {
			case err == nil:
				return d.Run, nil
			case w.failed["run "+run]:
				return facts.Run{}, nil
			}
			return facts.Run{}, missing{"run " + run, err}
		},
		"trials": func() string { return w.set.sum(func(r facts.Run) int { return r.Trials }) },
		"voids":  func() string { return w.set.sum(func(r facts.Run) int { return len(r.Voids) }) },
		"runs":   w.runs,
		"ledger": func(topics ...string) (string, error) {
			return w.try("ledger "+strings.Join(topics, " "), func() (string, error) { return w.set.ledger(topics) })
		},
		"figure": func(run, id string) (string, error) {
			return w.try("figure "+run+" "+id, func() (string, error) { return w.figure(run, id) })
		},
		"bounds": func(run string, axis ...string) (string, error) {
			return w.try("bounds "+run+strings.Join(axis, " "), func() (string, error) { return w.bounds(run, axis) })
		},
	}
}

// sum adds up a number of all runs.
func (s Set) sum(of func(facts.Run) int) string {
	n := 0
	for _, d := range s {
		n += of(d.Run)
	}
	return format.Count(int64(n))
}

// runs is a table of the runs.
func (w writer) runs() (string, error) {
	t := format.Table{Columns: []format.Column{{Key: "run"}, {Key: "what it asks"}, {Key: "blocks", Number: true}, {Key: "trials", Number: true}, {Key: "begun"}, {Key: "commit"}}}
	for _, name := range slices.Sorted(maps.Keys(w.set)) {
		r := w.set[name].Run
		row := []any{fmt.Sprintf("[%s](%s)", name, path.Join(w.dir, name, MarkdownFile)), r.Title, nil, nil, r.Started[:min(len(r.Started), len("2006-01-02"))], r.Commit}
		if r.Trials > 0 { // Go benchmarks have none
			row[2], row[3] = r.Blocks, r.Trials
		}
		t.Rows = append(t.Rows, row)
	}
	return written(t, format.Markdown)
}

func (w writer) document(run string) (*facts.Document, error) {
	if d := w.set[run]; d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("no run %q; there are: %s", run, strings.Join(slices.Sorted(maps.Keys(w.set)), ", "))
}

func (w writer) fact(run, address string) (*facts.Fact, error) {
	d, err := w.document(run)
	if err != nil {
		return nil, err
	}
	f, err := d.At(address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", run, err)
	}
	return f, nil
}

// change writes a ratio as a change in percent.
func change(f *facts.Fact) (string, error) {
	if f.Kind != facts.Ratio {
		return "", fmt.Errorf("change is of ratios, and this is a %s, %s", f.Kind, f.Text)
	}
	text := format.Number(100*(float64(f.Value)-1)) + " %"
	if f.Value > 1 {
		text = "+" + text
	}
	return text, nil
}

func (w writer) figure(run, id string) (string, error) {
	d, err := w.document(run)
	if err != nil {
		return "", err
	}
	var ids []string
	for _, v := range d.Views {
		for _, f := range v.Figures {
			if f.ID == id {
				file := path.Join(w.dir, run, FiguresDir, id)
				return fmt.Sprintf("![%s](%s.png)\n\n*%s* ([SVG](%s.svg))", f.Title, file, f.Caption, file), nil
			}
			ids = append(ids, f.ID)
		}
	}
	return "", fmt.Errorf("%s: no figure %q; there are: %s", run, id, cmp.Or(strings.Join(ids, ", "), "none"))
}

// bounds says which resources bound the cells of a run, for each value of an axis.
func (w writer) bounds(run string, axis []string) (string, error) {
	d, err := w.document(run)
	if err != nil {
		return "", err
	}
	if len(axis) == 0 {
		return boundsOf(d, func(facts.Cell) bool { return true }), nil
	}
	i := slices.IndexFunc(d.Axes, func(a facts.Axis) bool { return a.Name == axis[0] })
	if i < 0 {
		names := make([]string, len(d.Axes))
		for k, a := range d.Axes {
			names[k] = a.Name
		}
		return "", fmt.Errorf("%s: no axis %q; there are: %s", run, axis[0], strings.Join(names, ", "))
	}
	var lines []string
	for _, value := range d.Axes[i].Values {
		if text := boundsOf(d, func(c facts.Cell) bool { return value != "" && c.Properties[axis[0]] == value }); text != "" {
			lines = append(lines, value+": "+text)
		}
	}
	return strings.Join(lines, "; "), nil
}

// boundsOf counts measured cells by what bounds them, the most frequent first.
func boundsOf(d *facts.Document, of func(facts.Cell) bool) string {
	counts := map[string]int{}
	for _, c := range d.Cells {
		if c.Blocks > 0 && of(c) {
			counts[cmp.Or(c.Bound, "none of them used up")]++
		}
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return strings.Join(names, ", ")
}

// ledger has a row for each claim of the topics, in their order, from the run that is
// named first for it; of all topics, without any. Goals of a claim are apart by
// semicolons.
func (s Set) ledger(topics []string) (string, error) {
	plans := s.byPlan()
	claims := facts.Overall(plans)
	rank := func(c facts.Claim) int { return slices.Index(topics, c.Topic) }
	if len(topics) > 0 {
		claims = slices.DeleteFunc(claims, func(c facts.Claim) bool { return rank(c) < 0 })
	}
	slices.SortStableFunc(claims, func(a, b facts.Claim) int { return cmp.Or(rank(a)-rank(b), strings.Compare(a.ID, b.ID)) })
	t := format.Table{Columns: format.Words("claim", "the plan says", "measured", "where", "verdict")}
	for _, c := range claims {
		t.Rows = append(t.Rows, plans.ledgerRow(c))
	}
	if len(t.Rows) == 0 {
		return "", fmt.Errorf("no run has a claim of topics %s", strings.Join(topics, ", "))
	}
	return written(t, format.Markdown)
}

// byPlan has the documents by the names that claims give their runs.
func (s Set) byPlan() Set {
	made := Set{}
	for _, d := range s {
		name := d.Run.Plan
		made[name] = d
	}
	return made
}

// ledgerRow is one claim; s has the documents by their plans.
func (s Set) ledgerRow(c facts.Claim) []any {
	var predicted, measured, where, verdicts []string
	for _, g := range c.Goals {
		predicted = append(predicted, strings.TrimSpace(g.Name+" "+g.Predicted))
		verdicts = append(verdicts, g.Verdict)
		if len(g.Judged) == 0 {
			measured = append(measured, g.Missing)
			continue
		}
		j := g.Judged[0]
		if f := s[j.Run].Fact(j.Fact); f != nil {
			measured = append(measured, strings.TrimSpace(f.Text+" "+f.Unit))
		}
		where = append(where, fmt.Sprintf("%s: %s", j.Run, j.Environment))
	}
	verdict := c.Verdict
	if verdict == facts.Mixed {
		verdict = strings.Join(verdicts, "; ")
	}
	return []any{c.ID + " " + c.Title, strings.Join(predicted, "; "), strings.Join(measured, "; "), strings.Join(slices.Compact(where), "; "), verdict}
}
