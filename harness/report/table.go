package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"metastorebench/harness/facts"
	"metastorebench/harness/format"
)

// Tables writes every table of the report of the run in dir, one after another, each
// after a line with its address. JSON is one object with the tables by their addresses.
func Tables(w io.Writer, dir, as string) error {
	if err := format.CheckFormat(as); err != nil {
		return err
	}
	doc, err := Document(dir)
	if err != nil {
		return err
	}
	before, between, after, name := "", "\n", "", "# %s\n"
	if as == format.JSON {
		before, between, after, name = "{\n", ",\n", "}\n", "%q: "
	}
	var b strings.Builder
	b.WriteString(before)
	first := true
	for _, v := range doc.Views {
		for _, t := range v.Tables {
			if !first {
				b.WriteString(between)
			}
			first = false
			fmt.Fprintf(&b, name, v.ID+"."+t.ID)
			if err := Table(doc, t, as).Write(&b, as); err != nil {
				return err
			}
		}
	}
	_, err = io.WriteString(w, b.String()+after)
	return err
}

// estimate is a fact as the value of a table: text for people, all that is known of it
// for programs.
type estimate struct{ *facts.Fact }

func (e estimate) String() string { return e.Text }

// MarshalJSON leaves out where the fact came from, which results.json says.
func (e estimate) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Value facts.Number  `json:"value"`
		Lo    *facts.Number `json:"lo,omitempty"`
		Hi    *facts.Number `json:"hi,omitempty"`
		N     int           `json:"n"`
		Unit  string        `json:"unit,omitempty"`
		Word  string        `json:"word,omitempty"`
	}{e.Value, e.Lo, e.Hi, e.N, e.Unit, e.Word})
}

// Table is a table of the document as package format writes it. CSV has the value of a
// fact, and its interval in two columns more.
func Table(doc *facts.Document, t facts.Table, as string) format.Table {
	if as == format.CSV {
		return spread(doc, t)
	}
	made := format.Table{}
	for _, c := range t.Columns {
		made.Columns = append(made.Columns, format.Column{Key: c.Key, Title: c.Title, Number: !c.Text})
	}
	for _, r := range t.Rows {
		row := make([]any, len(r.Cells))
		for i, v := range r.Cells {
			if row[i] = v.Text; v.Fact != 0 {
				row[i] = estimate{doc.Fact(v.Fact)}
			}
		}
		made.Rows = append(made.Rows, row)
	}
	return made
}

// spread is a table with three columns for each column of facts.
func spread(doc *facts.Document, t facts.Table) format.Table {
	made := format.Table{}
	wide := make([]bool, len(t.Columns))
	for i, c := range t.Columns {
		made.Columns = append(made.Columns, format.Column{Key: c.Key})
		for _, r := range t.Rows {
			wide[i] = wide[i] || r.Cells[i].Fact != 0
		}
		if wide[i] {
			made.Columns = append(made.Columns, format.Column{Key: c.Key + "_lo"}, format.Column{Key: c.Key + "_hi"})
		}
	}
	for _, r := range t.Rows {
		var row []any
		for i, v := range r.Cells {
			f := doc.Fact(v.Fact)
			switch {
			case f == nil && wide[i]:
				row = append(row, nil, nil, nil) // what was not measured has no number
			case f == nil:
				row = append(row, v.Text)
			default:
				row = append(row, float64(f.Value), bound(f.Lo), bound(f.Hi))
			}
		}
		made.Rows = append(made.Rows, row)
	}
	return made
}

func bound(n *facts.Number) any {
	if n == nil {
		return nil
	}
	return float64(*n)
}
