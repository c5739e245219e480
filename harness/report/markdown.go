package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/stats"
)

// table is a Markdown table whose source reads as a table too: columns are
// padded, numbers stand to the right. The comparisons in its rows are one
// question, unless another table asked it before.
type table struct {
	caption string
	head    []column
	rows    []*row
	notes   []string
	// warnings are by kind, each with where it applies.
	warnings map[stats.WarningKind][]string
}

// row holds cells that are texts, or comparisons, whose text is known when all
// questions are judged.
type row struct{ cells []cell }

type cell struct {
	text  string
	c     *stats.Comparison
	write func(infer.Effect) string // of c, once it is judged
}

// column is a heading; text columns stand to the left.
type column struct {
	name string
	text bool
}

func text(name string) column { return column{name, true} }
func num(name string) column  { return column{name, false} }

// add appends a row of texts.
func (t *table) add(cells ...string) { t.row(cells...) }

// row appends a row that begins with these texts, for more to be added.
func (t *table) row(cells ...string) *row {
	r := &row{}
	t.rows = append(t.rows, r)
	return r.text(cells...)
}

func (r *row) text(cells ...string) *row {
	for _, c := range cells {
		r.cells = append(r.cells, cell{text: strings.ReplaceAll(inline(c), "|", `\|`)})
	}
	return r
}

// ratio adds a comparison to the row, and to the table's question.
func (r *row) ratio(c stats.Comparison) *row {
	r.cells = append(r.cells, cell{c: &c, write: infer.Effect.String})
	return r
}

// word adds the word for the comparison in the cell before.
func (r *row) word() *row {
	word := func(e infer.Effect) string { return string(e.Word) }
	r.cells = append(r.cells, cell{c: r.cells[len(r.cells)-1].c, write: word})
	return r
}

// inline puts a text from the records on one line and keeps it from being read
// as an HTML comment, which the section markers are.
func inline(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "<!--", "&lt;!--")
}

// note keeps a remark for the line under the table, each once.
func (t *table) note(notes ...string) {
	for _, n := range notes {
		if !slices.Contains(t.notes, n) {
			t.notes = append(t.notes, n)
		}
	}
}

// warn keeps warnings for the lines under the table, each once. where names the
// row that they are about, "" the table.
func (t *table) warn(where string, warnings ...stats.Warning) {
	if t.warnings == nil {
		t.warnings = make(map[stats.WarningKind][]string)
	}
	for _, w := range warnings {
		text := w.Text
		if where != "" {
			text = where + " (" + text + ")"
		}
		if text = inline(text); !slices.Contains(t.warnings[w.Kind], text) {
			t.warnings[w.Kind] = append(t.warnings[w.Kind], text)
		}
	}
}

// ask has the table's comparisons judged: among the questions of a run, or if there
// are none, as a question of their own.
func (t *table) ask(questions *infer.Questions, where string) {
	own := questions == nil
	if own {
		questions = infer.NewQuestions()
	}
	each := func() {
		for _, r := range t.rows {
			for _, c := range r.cells {
				if c.c != nil {
					c.c.Effect = questions.Ask(where+"\x00"+t.caption, infer.Margin, c.c.Effect)
					t.warn("", c.c.Warnings...)
				}
			}
		}
	}
	each()
	if own {
		questions.Judge()
		each()
	}
}

// texts are the cells of all rows. A row must have one cell per column.
func (t *table) texts() [][]string {
	rows := make([][]string, len(t.rows))
	for i, r := range t.rows {
		if len(r.cells) != len(t.head) {
			panic(fmt.Sprintf("report: row of %d cells in a table of %d columns", len(r.cells), len(t.head)))
		}
		for _, c := range r.cells {
			if c.c != nil {
				c.text = c.write(c.c.Effect)
			}
			rows[i] = append(rows[i], c.text)
		}
	}
	return rows
}

// markdown is the caption, the table, its notes and its warnings, with an empty
// line after each. A table without rows is empty. where tells apart questions whose
// tables have the same caption. A table of no run has no questions to share: nil.
func (t *table) markdown(questions *infer.Questions, where string) string {
	if len(t.rows) == 0 {
		return ""
	}
	t.ask(questions, where)
	rows := t.texts()
	names, width := t.columns(rows)
	var b strings.Builder
	b.WriteString(t.caption + "\n\n")
	t.line(&b, names, width)
	b.WriteByte('|')
	for i, h := range t.head {
		if h.text {
			b.WriteString(strings.Repeat("-", width[i]+2) + "|")
		} else {
			b.WriteString(strings.Repeat("-", width[i]+1) + ":|")
		}
	}
	b.WriteByte('\n')
	for _, r := range rows {
		t.line(&b, r, width)
	}
	b.WriteByte('\n')
	t.footnotes(&b)
	return b.String()
}

// columns are the headings, and the widths in runes that hold all of the rows.
func (t *table) columns(rows [][]string) (names []string, width []int) {
	for i, h := range t.head {
		w := max(3, utf8.RuneCountInString(h.name))
		for _, r := range rows {
			w = max(w, utf8.RuneCountInString(r[i]))
		}
		names, width = append(names, h.name), append(width, w)
	}
	return names, width
}

// footnotes writes the notes, and the warnings by kind.
func (t *table) footnotes(b *strings.Builder) {
	if len(t.notes) > 0 {
		b.WriteString("Notes: " + strings.Join(t.notes, "; ") + ".\n\n")
	}
	var kinds []string
	for _, kind := range stats.WarningKinds() {
		if found := t.warnings[kind]; len(found) > 0 {
			kinds = append(kinds, fmt.Sprintf("%s: %s", kind, strings.Join(found, ", ")))
		}
	}
	if len(kinds) > 0 {
		b.WriteString("Warnings: " + strings.Join(kinds, "; ") + ".\n\n")
	}
}

func (t *table) line(b *strings.Builder, cells []string, width []int) {
	b.WriteByte('|')
	for i, c := range cells {
		pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
		if t.head[i].text {
			b.WriteString(" " + c + pad + " |")
		} else {
			b.WriteString(" " + pad + c + " |")
		}
	}
	b.WriteByte('\n')
}

// none stands for a number that was not measured.
const none = "n/a"

// spread writes "median (min to max)".
func spread(s stats.Summary) string {
	switch s.N {
	case 0:
		return none
	case 1:
		return format.Number(s.Median)
	}
	return fmt.Sprintf("%s (%s to %s)", format.Number(s.Median), format.Number(s.Min), format.Number(s.Max))
}

// ratioLegend says in captions how ratios are written.
const ratioLegend = infer.Legend

// median writes the median alone.
func median(s stats.Summary) string {
	if s.N == 0 {
		return none
	}
	return format.Number(s.Median)
}

// millis writes a percentile in milliseconds.
func millis(l stats.Latency, p float64) string {
	ns, ok := l.Percentile(p)
	if !ok {
		return none
	}
	return format.Number(float64(ns) / 1e6)
}
