package report

import (
	"embed"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"

	"metastorebench/harness/facts"
	"metastorebench/harness/format"
	"metastorebench/harness/record"
)

//go:embed templates
var templates embed.FS

const (
	// mostRows of a table are in report.md; the page has all.
	mostRows = 40
	// screenWidth is that of a line on a terminal, in characters.
	screenWidth = 100
	// screenRows are the most rows of the table on a terminal.
	screenRows = 16
)

// view is a template over a document.
type view struct {
	*facts.Document
	Dir string // the run's folder, as the reader may find it
}

// render writes the view that one of the embedded templates makes.
func (v view) render(w io.Writer, name string) error {
	t, err := template.New(name).Funcs(v.functions()).ParseFS(templates, "templates/"+name)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := t.Execute(w, v); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func (v view) functions() template.FuncMap {
	return template.FuncMap{
		"count": func(n int) string { return format.Count(int64(n)) },
		"cut":   func(s string) string { return format.Cut(s, screenWidth) },
		"wrap":  wrap,
		"table": func(t format.Table) (string, error) { return written(t, format.Markdown) },
		"text":  func(t format.Table) (string, error) { return written(t, format.Text) },
		"shown": func(t facts.Table) format.Table {
			t.Rows = t.Rows[:min(len(t.Rows), mostRows)]
			return Table(v.Document, t, format.Markdown)
		},
		"hidden":      func(t facts.Table) int { return max(0, len(t.Rows)-mostRows) },
		"first":       first,
		"ordered":     ordered,
		"once":        once(),
		"verdicts":    v.verdicts,
		"voids":       voids,
		"skips":       skips,
		"checks":      checks,
		"warnings":    warnings,
		"syncLatency": syncLatency,
	}
}

// once returns a text the first time, and nothing when it comes again.
func once() func(string) string {
	seen := map[string]bool{}
	return func(s string) string {
		if seen[s] {
			return ""
		}
		seen[s] = true
		return s
	}
}

func written(t format.Table, as string) (string, error) {
	var b strings.Builder
	err := t.Write(&b, as)
	return b.String(), err
}

// wrap breaks a sentence into lines of a terminal; those after the first are indented.
func wrap(s, indent string) string {
	var b strings.Builder
	n := 0
	for i, word := range strings.Fields(s) {
		width := len([]rune(word))
		switch {
		case i == 0:
		case n+1+width > screenWidth:
			b.WriteString("\n" + indent)
			n = len(indent)
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += width
	}
	return b.String()
}

// screenColumns are those of an attribution in the order in which a terminal needs them.
var screenColumns = []string{"item", "shapley", "share", "ladder", "alone", "last"}

// titled is a table with its view's title.
type titled struct {
	Title string
	Table format.Table
}

// Kinds of views that have a place of their own.
const (
	kindLedger      = "ledger"
	kindAttribution = "attribution"
)

// first is the table that a terminal shows: the first attribution or, in a run without
// one, the first table but the ledger; nil if none has a row.
func first(doc *facts.Document) *titled {
	at := slices.IndexFunc(doc.Views, func(v facts.View) bool { return v.Kind == kindAttribution && hasRows(v) })
	if at < 0 {
		at = slices.IndexFunc(doc.Views, func(v facts.View) bool { return v.Kind != kindLedger && hasRows(v) })
	}
	if at < 0 {
		return nil
	}
	t := doc.Views[at].Tables[0]
	made := &titled{Title: doc.Views[at].Title}
	if t.Title != "" {
		made.Title += ": " + t.Title
	}
	if len(t.Rows) > screenRows {
		made.Title += fmt.Sprintf(" (%d of %d rows)", screenRows, len(t.Rows))
		t.Rows = t.Rows[:screenRows]
	}
	if doc.Views[at].Kind == kindAttribution {
		t = pick(t, screenColumns)
	}
	made.Table = Table(doc, differing(t), format.Text)
	made.Table.Width = screenWidth
	return made
}

func hasRows(v facts.View) bool { return len(v.Tables) > 0 && len(v.Tables[0].Rows) > 0 }

// pick is a table of some of its columns, as far as it has them.
func pick(t facts.Table, keys []string) facts.Table {
	made := facts.Table{ID: t.ID, Rows: make([]facts.Row, len(t.Rows))}
	for _, key := range keys {
		i := slices.IndexFunc(t.Columns, func(c facts.Column) bool { return c.Key == key })
		if i < 0 {
			continue
		}
		made.Columns = append(made.Columns, t.Columns[i])
		for k, r := range t.Rows {
			made.Rows[k].Cells = append(made.Rows[k].Cells, r.Cells[i])
		}
	}
	return made
}

// differing is a table without the columns of words that are the same in all of its
// rows, the first excepted.
func differing(t facts.Table) facts.Table {
	var keys []string
	for i, c := range t.Columns {
		same := i > 0 && c.Text && len(t.Rows) > 1
		for _, r := range t.Rows {
			same = same && r.Cells[i] == t.Rows[0].Cells[i]
		}
		if !same {
			keys = append(keys, c.Key)
		}
	}
	return pick(t, keys)
}

// ordered are the views as a reader wants them: the ledger of claims first.
func ordered(views []facts.View) []facts.View {
	return slices.SortedStableFunc(slices.Values(views), func(a, b facts.View) int {
		rank := func(v facts.View) int {
			if v.Kind == kindLedger {
				return 0
			}
			return 1
		}
		return rank(a) - rank(b)
	})
}

// verdicts are the claims, one line each: the verdict, what was measured in the
// environment that counts most, and what was predicted.
func (v view) verdicts(claims []facts.Claim) (string, error) {
	t := format.Table{Columns: format.Words("claim", "verdict", "measured, and predicted")}
	for _, c := range claims {
		var parts []string
		for _, g := range c.Goals {
			if len(g.Judged) == 0 {
				continue
			}
			text := g.Name
			if f := v.Fact(g.Judged[0].Fact); f != nil {
				text = strings.TrimSpace(text + " " + strings.TrimSpace(f.Text+" "+f.Unit))
			}
			if c.Verdict == facts.Mixed {
				text += ", " + g.Verdict
			}
			parts = append(parts, text+", predicted "+g.Predicted)
		}
		if len(parts) > 0 {
			t.Rows = append(t.Rows, []any{c.ID, c.Verdict, strings.Join(append(parts, c.Title), ": ")})
		}
	}
	if len(t.Rows) == 0 {
		return "none could be judged\n", nil
	}
	t.Width = screenWidth
	return written(t, format.Text)
}

// mostListed are the void trials that are named one by one.
const mostListed = 20

func voids(all []facts.Void) []string {
	var lines []string
	for i, v := range all {
		if i == mostListed {
			return append(lines, fmt.Sprintf("and %d more", len(all)-i))
		}
		lines = append(lines, fmt.Sprintf("`%s`, block %d: %s", v.Cell, v.Block, v.Reason))
	}
	return lines
}

// skips groups cells by why they could not run.
func skips(all []facts.Skip) []string {
	var reasons []string
	cells := map[string][]string{}
	for _, s := range all {
		if cells[s.Reason] == nil {
			reasons = append(reasons, s.Reason)
		}
		cells[s.Reason] = append(cells[s.Reason], s.Cell)
	}
	for i, r := range reasons {
		reasons[i] = fmt.Sprintf("%s: %d cells, such as `%s`", r, len(cells[r]), cells[r][0])
	}
	return reasons
}

// checks says of each check how many trials came to what.
func checks(all map[string]map[string]int) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		var parts []string
		for _, outcome := range slices.Sorted(maps.Keys(all[name])) {
			parts = append(parts, fmt.Sprintf("%s %s", format.Count(int64(all[name][outcome])), outcome))
		}
		lines = append(lines, name+": "+strings.Join(parts, ", "))
	}
	return lines
}

// warnings are those of the cells; nil without any.
func warnings(cells []facts.Cell) *format.Table {
	t := &format.Table{Columns: format.Words("cell", "warning")}
	for _, c := range cells {
		for _, w := range c.Warnings {
			t.Rows = append(t.Rows, []any{"`" + c.ID + "`", w})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	t.Rows = t.Rows[:min(len(t.Rows), mostRows)]
	return t
}

// syncLatency is that of the data directory before the first trial, "" if nobody knows.
func syncLatency(e record.Environment) string {
	if e.SyncLatencyP50NS == 0 {
		return ""
	}
	return format.Number(float64(e.SyncLatencyP50NS)/float64(time.Microsecond)) + " us (p50)"
}
