package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"metastorebench/harness/stats"
)

// table is a Markdown table whose source reads as a table too: columns are
// padded, numbers stand to the right.
type table struct {
	caption string
	head    []column
	rows    [][]string
	notes   []string
}

// column is a heading; text columns stand to the left.
type column struct {
	name string
	text bool
}

func text(name string) column { return column{name, true} }
func num(name string) column  { return column{name, false} }

// add appends a row, which must have one cell per column.
func (t *table) add(cells ...string) {
	if len(cells) != len(t.head) {
		panic(fmt.Sprintf("report: row of %d cells in a table of %d columns", len(cells), len(t.head)))
	}
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = strings.ReplaceAll(inline(c), "|", `\|`)
	}
	t.rows = append(t.rows, row)
}

// inline puts a text from the records on one line and keeps it from being read
// as an HTML comment, which the section markers are.
func inline(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "<!--", "&lt;!--")
}

// note keeps warnings for the line under the table, each once.
func (t *table) note(notes ...string) {
	for _, n := range notes {
		if !slices.Contains(t.notes, n) {
			t.notes = append(t.notes, n)
		}
	}
}

// String is the caption, the table and its notes, with an empty line after
// each. A table without rows is empty.
func (t *table) String() string {
	if len(t.rows) == 0 {
		return ""
	}
	width := make([]int, len(t.head))
	names := make([]string, len(t.head))
	for i, h := range t.head {
		names[i] = h.name
		width[i] = max(3, utf8.RuneCountInString(h.name))
		for _, r := range t.rows {
			width[i] = max(width[i], utf8.RuneCountInString(r[i]))
		}
	}
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
	for _, r := range t.rows {
		t.line(&b, r, width)
	}
	b.WriteByte('\n')
	if len(t.notes) > 0 {
		b.WriteString("Warnings: " + strings.Join(t.notes, "; ") + ".\n\n")
	}
	return b.String()
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

// ratio writes "median [interval]", or "median (range)" where n allows no
// interval.
func ratio(s stats.Summary) string {
	if s.Interval {
		return fmt.Sprintf("%s [%s, %s]", stats.Number(s.Median), stats.Number(s.Lo), stats.Number(s.Hi))
	}
	return spread(s)
}

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
	if !ok {
		return none
	}
	return stats.Number(float64(ns) / 1e6)
}
