package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// table is a Markdown table whose source reads as a table too: columns are
// padded, numbers stand to the right. The comparisons in its rows are one
// family: each is corrected for the number of all of them.
type table struct {
	caption string
	head    []column
	rows    []*row
	notes   []string
	// warnings are by kind, each with where it applies.
	warnings map[stats.WarningKind][]string
}

// row holds cells that are texts, or comparisons, whose text is known when the
// table is complete.
type row struct{ cells []cell }

type cell struct {
	text  string
	c     *stats.Comparison
	write func(*stats.Comparison) string // of c, once it is corrected
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

// ratio adds a comparison to the row, and to the table's family.
func (r *row) ratio(c stats.Comparison) *row {
	r.cells = append(r.cells, cell{c: &c, write: ratio})
	return r
}

// adjusted adds the corrected p-value of the comparison in the cell before.
func (r *row) adjusted() *row {
	r.cells = append(r.cells, cell{c: r.cells[len(r.cells)-1].c, write: adjustedP})
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

// correct corrects the table's comparisons for their number.
func (t *table) correct() {
	var family []*stats.Comparison
	for _, r := range t.rows {
		for _, c := range r.cells {
			if c.c != nil && !slices.Contains(family, c.c) {
				family = append(family, c.c)
				t.warn("", c.c.Warnings...)
			}
		}
	}
	t.warn("", stats.Correct(family)...)
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
				c.text = c.write(c.c)
			}
			rows[i] = append(rows[i], c.text)
		}
	}
	return rows
}

// String is the caption, the table, its notes and its warnings, with an empty
// line after each. A table without rows is empty.
func (t *table) String() string {
	if len(t.rows) == 0 {
		return ""
	}
	t.correct()
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
		return stats.Number(s.Median)
	}
	return fmt.Sprintf("%s (%s to %s)", stats.Number(s.Median), stats.Number(s.Min), stats.Number(s.Max))
}

// ratio writes "ratio [interval]", with ~ if it does not differ from 1 after
// correction, or "ratio (range)" where n allows no interval.
func ratio(c *stats.Comparison) string {
	switch {
	case c.N == 0:
		return none
	case c.N == 1:
		return stats.Number(c.Ratio)
	case !c.Interval:
		return fmt.Sprintf("%s (%s to %s)", stats.Number(c.Ratio), stats.Number(c.Min), stats.Number(c.Max))
	}
	mark := ""
	if !c.Different() {
		mark = " ~"
	}
	return fmt.Sprintf("%s [%s, %s]%s", stats.Number(c.Ratio), stats.Number(c.Lo), stats.Number(c.Hi), mark)
}

// adjustedP writes the corrected p-value.
func adjustedP(c *stats.Comparison) string { return stats.Number(c.Adjusted) }

// ratioLegend says in captions how ratios are written.
const ratioLegend = "Ratio: geometric mean of the ratios per block, with its 95 % bootstrap interval [a, b], or its range (a to b) where the blocks are too few; ~: no difference after Holm's correction over the table."

// median writes the median alone.
func median(s stats.Summary) string {
	if s.N == 0 {
		return none
	}
	return stats.Number(s.Median)
}

// millis writes a percentile in milliseconds.
func millis(l stats.Latency, p float64) string {
	ns, ok := l.Percentile(p)
	switch {
	case !ok:
		return none
	case ns >= record.Infinite:
		return "> " + stats.Number(record.Infinite/1e6)
	}
	return stats.Number(float64(ns) / 1e6)
}
