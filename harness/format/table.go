package format

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Formats of tables.
const (
	Text     = "text"     // aligned, for a terminal
	JSON     = "json"     // an array of objects, keyed by the columns' keys
	CSV      = "csv"      // with a line of keys
	Markdown = "markdown" // without padding
)

// Formats lists what Write accepts, the default first.
func Formats() []string { return []string{Text, JSON, CSV, Markdown} }

// CheckFormat says what is accepted if name is no format of tables.
func CheckFormat(name string) error {
	if slices.Contains(Formats(), name) {
		return nil
	}
	return fmt.Errorf("unknown format %q; accepted: %s", name, strings.Join(Formats(), ", "))
}

// Column is a heading of a Table. Title is what people read, by default the key.
type Column struct {
	Key, Title string
	// Number says that its cells stand to the right.
	Number bool
}

// Table is rows of values, one for each column. A value is a string, a number, or has a
// String method for people and fields or MarshalJSON for programs. Integers are written
// with thousands separators and floating-point numbers with three digits, but for JSON
// and CSV, which have them as they are.
type Table struct {
	Columns []Column
	Rows    [][]any
	// Width is, of Text, the most characters of a line: the widest columns of words are
	// cut until the table fits, and then the last columns are left out. 0 is no limit.
	Width int
}

// Words are columns of text by their keys.
func Words(keys ...string) []Column {
	columns := make([]Column, len(keys))
	for i, key := range keys {
		columns[i] = Column{Key: key}
	}
	return columns
}

// Write writes the table in one of Formats.
func (t Table) Write(w io.Writer, format string) error {
	if err := CheckFormat(format); err != nil {
		return err
	}
	switch format {
	case JSON:
		return t.json(w)
	case CSV:
		return t.csv(w)
	case Markdown:
		return t.markdown(w)
	}
	return t.text(w)
}

func (c Column) heading() string {
	if c.Title == "" {
		return c.Key
	}
	return c.Title
}

// written is a value as people read it.
func written(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int:
		return Count(int64(v))
	case int64:
		return Count(v)
	case float64:
		return Number(v)
	}
	return fmt.Sprint(v)
}

// lines are the headings and all rows as people read them.
func (t Table) lines() [][]string {
	all := make([][]string, 1, len(t.Rows)+1)
	for _, c := range t.Columns {
		all[0] = append(all[0], c.heading())
	}
	for _, row := range t.Rows {
		line := make([]string, len(row))
		for i, v := range row {
			line[i] = written(v)
		}
		all = append(all, line)
	}
	return all
}

func (t Table) text(w io.Writer) error {
	lines := t.lines()
	widths := t.widths(lines)
	var b strings.Builder
	for row, line := range lines {
		var text strings.Builder
		for i, width := range widths {
			if i > 0 {
				text.WriteString(gap)
			}
			cell := Cut(line[i], width)
			fill := strings.Repeat(" ", width-utf8.RuneCountInString(cell))
			if t.Columns[i].Number {
				cell, fill = fill, cell
			}
			text.WriteString(cell + fill)
		}
		if row == 0 && len(widths) < len(t.Columns) {
			text.WriteString(gap + ellipsis)
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const (
	minWidth = 8 // the least that a column of words is cut to
	gap      = "  "
	ellipsis = "…"
)

// widths are those of the columns that fit: columns of words are cut, the widest first,
// and where that is not enough the last columns are left out.
func (t Table) widths(lines [][]string) []int {
	widths := make([]int, len(t.Columns))
	for i := range widths {
		for _, line := range lines {
			widths[i] = max(widths[i], utf8.RuneCountInString(line[i]))
		}
	}
	if t.Width == 0 || t.cut(widths, t.Width) {
		return widths
	}
	for n := len(widths) - 1; n > 0; n-- {
		if first := slices.Clone(widths[:n]); t.cut(first, t.Width-len(gap)-1) { // with the ellipsis that says so
			return first
		}
	}
	return widths[:1]
}

// cut makes columns of words narrower until all fit a width; false, and no change, if
// that cannot be.
func (t Table) cut(widths []int, width int) bool {
	made := slices.Clone(widths)
	sum := -len(gap)
	for _, w := range made {
		sum += len(gap) + w
	}
	for ; sum > width; sum-- {
		widest := -1
		for i, w := range made {
			if !t.Columns[i].Number && w > minWidth && (widest < 0 || w > made[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		made[widest]--
	}
	copy(widths, made)
	return true
}

// Cut shortens s to n characters, of which the last then is an ellipsis.
func Cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + ellipsis
}

func (t Table) markdown(w io.Writer) error {
	var b strings.Builder
	for i, line := range t.lines() {
		cells := make([]string, len(line))
		for k, cell := range line {
			cells[k] = strings.NewReplacer("|", `\|`, "\n", " ").Replace(cell)
		}
		b.WriteString("|" + strings.Join(cells, "|") + "|\n")
		if i == 0 {
			for _, c := range t.Columns {
				b.WriteString("|" + map[bool]string{false: "---", true: "---:"}[c.Number])
			}
			b.WriteString("|\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t Table) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	line := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		line[i] = c.Key
	}
	if err := out.Write(line); err != nil {
		return err
	}
	for _, row := range t.Rows {
		for i, v := range row {
			line[i] = ""
			if v != nil {
				line[i] = fmt.Sprint(v)
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// json keeps the columns' order, so that a row reads like the table's.
func (t Table) json(w io.Writer) error {
	var b strings.Builder
	b.WriteString("[")
	for i, row := range t.Rows {
		b.WriteString(map[bool]string{true: "\n  {", false: ",\n  {"}[i == 0])
		for k, v := range row {
			value, err := json.Marshal(v)
			if err != nil {
				return fmt.Errorf("row %d, column %s: %w", i+1, t.Columns[k].Key, err)
			}
			key, _ := json.Marshal(t.Columns[k].Key) // a string always has a JSON form
			if k > 0 {
				b.WriteString(", ")
			}
			b.WriteString(string(key) + ": " + string(value))
		}
		b.WriteString("}")
	}
	b.WriteString("\n]\n")
	_, err := io.WriteString(w, b.String())
	return err
}
