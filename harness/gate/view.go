package gate

import (
	"cmp"
	"embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/template"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
)

//go:embed templates/*.tmpl
var templates embed.FS

// render fills in a template whose tables are written in a format of package format,
// of width characters at most.
func render(name, as string, width int, view any) string {
	funcs := template.FuncMap{
		"capital": capital, "number": format.Number,
		"table": func(t format.Table) (string, error) {
			var b strings.Builder
			t.Width = width
			err := t.Write(&b, as)
			return b.String(), err
		},
	}
	var b strings.Builder
	if err := template.Must(template.New(name).Funcs(funcs).ParseFS(templates, "templates/"+name)).Execute(&b, view); err != nil {
		panic("gate: " + err.Error()) // the template and its view are this package's
	}
	return b.String()
}

// Markdown is the summary, for a comment on a pull request.
func (r *Result) Markdown() string { return render("gate.tmpl", format.Markdown, 0, resultView{r}) }

// Text is the summary for a terminal of so many characters a line, 0 for any number.
func (r *Result) Text(width int) string {
	return render("gate.tmpl", format.Text, width, resultView{r})
}

// Markdown reports the rates with their intervals.
func (p *Power) Markdown() string { return render("power.tmpl", format.Markdown, 0, powerView{p}) }

// Text is the same for a terminal.
func (p *Power) Text(width int) string { return render("power.tmpl", format.Text, width, powerView{p}) }

// Markdown reports every step, newest first within a gate's series.
func (t *Trend) Markdown() string { return render("trend.tmpl", format.Markdown, 0, trendView{t}) }

// Text is the same for a terminal.
func (t *Trend) Text(width int) string { return render("trend.tmpl", format.Text, width, trendView{t}) }

// resultView is what the template of a result asks for.
type resultView struct{ *Result }

// Revision names a revision.
func (r resultView) Revision(arm string) string { return r.describe(arm) }

// describe names the revision of an arm.
func (r *Result) describe(arm string) string {
	a := r.Gate.Arm(arm)
	if a == nil {
		return fmt.Sprintf("the stored run `%s`", r.Gate.Baseline)
	}
	text := fmt.Sprintf("`%.12s`", a.Commit)
	if a.Subject != "" {
		text += fmt.Sprintf(" (%s)", a.Subject)
	}
	if a.Dirty {
		text += " with changes that are not committed"
	}
	return text
}

// PlaceboLine says what base's other layout changed.
func (r resultView) PlaceboLine() string { return r.placebo() }

// kind are the rows of one kind of metrics.
type kind struct {
	Name string
	Rows format.Table
}

// Kinds are the rows, those of counts first.
func (r resultView) Kinds() (all []kind) {
	for _, name := range []string{Steady, Noisy} {
		t := format.Table{Columns: rowColumns}
		for _, w := range r.Rows {
			if w.Gate.Kind() == name {
				t.Rows = append(t.Rows, w.cells())
			}
		}
		if len(t.Rows) > 0 {
			all = append(all, kind{capital(name), t})
		}
	}
	return all
}

var rowColumns = []format.Column{
	{Key: "metric"}, {Key: "load"}, {Key: "base", Number: true}, {Key: "head", Number: true}, {Key: "unit"}, {Key: "change", Number: true},
	{Key: "at least", Number: true}, {Key: "at most", Number: true}, {Key: "floor", Number: true}, {Key: "blocks", Number: true}, {Key: "verdict"},
}

// cells are a row of a table.
func (w Row) cells() []any {
	verdict := string(w.Verdict)
	if w.Accepted != nil && w.Verdict == Regressed {
		verdict += ", accepted"
	}
	return []any{
		w.Gate.Metric.Name, w.Gate.Load, w.Old, w.New, w.Gate.Metric.Unit, w.change(),
		percent(w.Gate.share(w.AtLeast)), percent(w.Gate.share(w.AtMost)), percent(w.Gate.Floor), w.N, verdict,
	}
}

// change is by how much the metric moved.
func (w Row) change() string { return change(math.Log(w.Gate.Ratio(w.Mean))) }

// change writes the logarithm of a ratio in percent.
func change(l float64) string { return percent(math.Expm1(l)) }

// percent writes a share with its sign; - if it is unknown.
func percent(share float64) string {
	if math.IsNaN(share) || math.IsInf(share, 0) {
		return "-"
	}
	if math.Abs(share) < 0.00005 {
		return "0 %"
	}
	return fmt.Sprintf("%+.2f %%", 100*share)
}

// loss is what is said of a load's losses together: the load's trials are the same.
type loss struct {
	Names string
	Hints []string
	Where [][]string
}

// Losses are those of the loads that regressed, in the order of the rows.
func (r resultView) Losses() (all []loss) {
	var loads []string
	for _, w := range r.Rows {
		if w.Verdict == Regressed && !slices.Contains(loads, w.Gate.Load) {
			loads = append(loads, w.Gate.Load)
		}
	}
	for _, load := range loads {
		var names []string
		var l loss
		for _, w := range r.Rows {
			if w.Verdict != Regressed || w.Gate.Load != load {
				continue
			}
			names = append(names, w.Gate.Name())
			for _, h := range w.Hints {
				if text := h.text(); !slices.Contains(l.Hints, text) {
					l.Hints = append(l.Hints, text)
				}
			}
			if w.Culprit == nil {
				continue
			}
			if lines := w.Culprit.Lines(); !slices.ContainsFunc(l.Where, func(o []string) bool { return slices.Equal(o, lines) }) {
				l.Where = append(l.Where, lines)
			}
		}
		l.Names = strings.Join(names, ", ")
		all = append(all, l)
	}
	return all
}

// what names the quantity.
func (h Hint) what() string {
	if h.Stage() {
		return "stage " + h.Metric.Title
	}
	return h.Metric.Title
}

func (h Hint) text() string {
	return fmt.Sprintf("%s: %s to %s %s, %s [%s, %s]", h.what(), format.Number(h.Old), format.Number(h.New), h.Metric.Unit,
		change(math.Log(h.Ratio)), change(math.Log(h.Lo)), change(math.Log(h.Hi)))
}

// AcceptedLines say what commits accept.
func (r resultView) AcceptedLines() (lines []string) {
	for _, w := range r.Rows {
		if w.Accepted != nil && w.Verdict == Regressed {
			lines = append(lines, fmt.Sprintf("Accepted by commit %.12s: %s - %s", w.Accepted.Commit, w.Gate.Name(), w.Accepted.Reason))
		}
	}
	for _, a := range r.Gate.Accepted {
		if slices.Contains(r.Gate.Lost, a.Metric) {
			lines = append(lines, fmt.Sprintf("Accepted by commit %.12s: head has lost counter %s - %s", a.Commit, a.Metric, a.Reason))
		}
	}
	return lines
}

// SelfTest are the pairs of which the verdict is known: a build against itself in one
// row, as long as it passes.
func (r resultView) SelfTest() format.Table {
	t := format.Table{Columns: []format.Column{{Key: "pair"}, {Key: "gate"}, {Key: "change", Number: true}, {Key: "blocks", Number: true}, {Key: "verdict"}, {Key: "want"}}}
	for _, test := range r.Tests {
		rows := test.Failures()
		if test.Pair.Want == Pass && len(rows) == 0 {
			t.Rows = append(t.Rows, []any{"head against itself", fmt.Sprintf("all %d", len(test.Rows)), nil, nil, string(Pass), string(Pass)})
			continue
		}
		if test.Pair.Want != Pass {
			rows = test.Rows
		}
		for _, w := range rows {
			t.Rows = append(t.Rows, []any{cmp.Or(test.Fault, "head against itself"), w.Gate.Name(), w.change(), w.N, string(w.Verdict), string(test.Pair.Want)})
		}
	}
	return t
}

// Notes are what a reader has to know of the run.
func (r resultView) Notes() (notes []string) {
	for _, a := range r.Gate.Arms {
		if len(a.Dropped) > 0 {
			notes = append(notes, fmt.Sprintf("%s does not know %s; head was given the baseline's value, which is what %s does.", a.Name, strings.Join(a.Dropped, ", "), a.Name))
		}
	}
	if r.Gate.Baseline != "" {
		notes = append(notes, "The baseline is a stored run: blocks are not of the same minutes, and whatever the machine did meanwhile is in the changes.")
	}
	for _, d := range r.Disturbed {
		notes = append(notes, fmt.Sprintf("Others, or other machines on its hardware, used more than %s %% of the machine in %d of %d blocks of %s: their times are left out, their counts are not.",
			format.Number(100*maxOthers), d.Disturbed, d.Blocks, d.Load))
	}
	for _, t := range r.Voids {
		notes = append(notes, fmt.Sprintf("Void: %s, block %d: %s", t.Cell, t.Block, t.Void))
	}
	return notes
}

// powerView is what the template of a power study asks for.
type powerView struct{ *Power }

// WantedPercent is the share of runs in which a loss has to be found.
func (powerView) WantedPercent() float64 { return 100 * powerWanted }

// Rates are how often runs came to something, with intervals.
func (p powerView) Rates() format.Table {
	t := format.Table{Columns: []format.Column{{Key: "what"}, {Key: "runs", Number: true}, {Key: "of", Number: true}, {Key: "rate, % [95 % interval]", Number: true}}}
	add := func(what string, k, n int) { t.Rows = append(t.Rows, []any{what, k, n, rateOf(k, n)}) }
	add("false alarms: the same build regressed", p.Alarms, p.Runs)
	if p.Relaid > 0 {
		add("placebo, false alarms: head in another layout regressed", p.RelaidAlarms, p.Relaid)
		add("placebo: base's two layouts called different", p.PlaceboDifferent, p.Relaid)
	}
	add("all gates passed", p.Passes, p.Runs)
	return t
}

// Found are the planted faults.
func (p powerView) Found() format.Table {
	t := format.Table{Columns: []format.Column{
		{Key: "planted"}, {Key: "gate"}, {Key: "measured loss", Number: true}, {Key: "found in", Number: true}, {Key: "of", Number: true},
		{Key: "rate, % [95 % interval]", Number: true},
	}}
	for _, f := range p.Faults {
		t.Rows = append(t.Rows, []any{f.Fault, f.Gate.Name(), percent(f.Loss), f.Found, f.Runs, rateOf(f.Found, f.Runs)})
	}
	return t
}

// Least are the smallest losses that are found, a line for each gate.
func (p powerView) Least() (lines []string) {
	for _, name := range p.gates() {
		if f, ok := p.Detectable(name); ok {
			lines = append(lines, fmt.Sprintf("%s: %s (%s)", name, percent(f.Loss), f.Fault))
		} else {
			lines = append(lines, name+": none of those planted")
		}
	}
	return lines
}

// rateOf writes k of n in percent with its interval.
func rateOf(k, n int) string {
	lo, hi := infer.Proportion(int64(k), int64(n))
	return fmt.Sprintf("%s [%s, %s]", format.Number(100*float64(k)/float64(n)), format.Number(100*lo), format.Number(100*hi))
}

// trendView is what the template of a trend asks for.
type trendView struct{ *Trend }

// LevelPercent is the chance of seeing a step where there is none.
func (trendView) LevelPercent() float64 { return 100 * stepLevel }

// Segment is the fewest values between two steps.
func (trendView) Segment() int { return minSegment }

// Table has a row for each step, newest first within a gate, or one for a gate without.
func (t *Trend) Table() format.Table {
	table := format.Table{Columns: []format.Column{
		{Key: "gate"}, {Key: "runs", Number: true}, {Key: "newest", Number: true}, {Key: "unit"}, {Key: "step", Title: "step at"}, {Key: "commit"}, {Key: "subject"},
		{Key: "change", Number: true}, {Key: "p", Number: true},
	}}
	for _, s := range t.Series {
		first := []any{s.Gate, len(s.Points), s.Points[len(s.Points)-1].Median, s.Unit}
		if len(s.Steps) == 0 {
			table.Rows = append(table.Rows, append(first, "none", nil, nil, nil, nil))
		}
		for _, step := range slices.Backward(s.Steps) {
			e := t.Entries[s.Points[step.At].Entry]
			table.Rows = append(table.Rows, append(slices.Clip(first), e.Time.Format("2006-01-02"), fmt.Sprintf("%.12s", e.Commit), e.Subject,
				change(math.Log(step.After/step.Before)), step.P))
		}
	}
	return table
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
