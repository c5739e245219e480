package facts

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrAddress says that an address names nothing that the document has.
var ErrAddress = errors.New("facts: no such fact")

// Fact returns the fact with an id; nil for 0, which is no fact, and for one that the
// document does not have.
func (d *Document) Fact(id int) *Fact {
	if id <= 0 || id > len(d.Facts) {
		return nil
	}
	return d.Facts[id-1]
}

// At returns the fact at an address: VIEW[.TABLE]/ROW/COLUMN, of a view's first table
// without TABLE, or CLAIM[.GOAL], the headline of a claim. Rows may have slashes.
// ErrAddress names the part that is unknown, and what there is.
func (d *Document) At(address string) (*Fact, error) {
	name, rest, cell := strings.Cut(address, "/")
	if !cell {
		return d.headline(address)
	}
	t, err := d.table(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrAddress, address, err)
	}
	value, err := t.at(rest)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrAddress, address, err)
	}
	if f := d.Fact(value.Fact); f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("%w: %s: it holds %q, which is no number", ErrAddress, address, value.Text)
}

// at finds ROW/COLUMN, either of which may have slashes.
func (t *Table) at(address string) (Value, error) {
	parts := strings.Split(address, "/")
	if len(parts) < 2 {
		return Value{}, errors.New("accepted: VIEW[.TABLE]/ROW/COLUMN, or CLAIM[.GOAL]")
	}
	known := ""
	for i := 1; i < len(parts); i++ {
		row, column := strings.Join(parts[:i], "/"), strings.Join(parts[i:], "/")
		r := slices.IndexFunc(t.Rows, func(r Row) bool { return r.Key == row })
		if r < 0 {
			continue
		}
		known = column
		if c := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Key == column }); c >= 0 {
			return t.Rows[r].Cells[c], nil
		}
	}
	if known != "" {
		return Value{}, fmt.Errorf("no column %q; there are: %s", known, listed(t.Columns, func(c Column) string { return c.Key }))
	}
	row := strings.Join(parts[:len(parts)-1], "/")
	return Value{}, fmt.Errorf("no row %q; there are: %s", row, listed(t.Rows, func(r Row) string { return r.Key }))
}

// table finds VIEW[.TABLE]. Names of views may have dots.
func (d *Document) table(name string) (*Table, error) {
	for i := range d.Views {
		v := &d.Views[i]
		for k := range v.Tables {
			t := &v.Tables[k]
			if name == v.ID+"."+t.ID || k == 0 && name == v.ID {
				return t, nil
			}
		}
	}
	for i := range d.Views {
		v := &d.Views[i]
		if v.ID == name {
			return nil, fmt.Errorf("view %s has no table", name)
		}
		if table, ok := strings.CutPrefix(name, v.ID+"."); ok {
			return nil, fmt.Errorf("view %s has no table %q; there are: %s", v.ID, table, listed(v.Tables, func(t Table) string { return t.ID }))
		}
	}
	return nil, fmt.Errorf("no view %q; there are: %s", name, listed(d.Views, func(v View) string { return v.ID }))
}

// headline is the fact that decides a claim's goal: of its first goal, without GOAL, in
// the environment nearest to the claim's own.
func (d *Document) headline(address string) (*Fact, error) {
	for _, c := range d.Claims {
		for i, g := range c.Goals {
			if address != c.ID+"."+g.Name && (i > 0 || address != c.ID) {
				continue
			}
			if len(g.Judged) > 0 {
				if f := d.Fact(g.Judged[0].Fact); f != nil {
					return f, nil
				}
			}
			return nil, fmt.Errorf("%w: %s: %s", ErrAddress, address, cmp.Or(g.Missing, "nothing was measured"))
		}
		if goal, ok := strings.CutPrefix(address, c.ID+"."); ok {
			return nil, fmt.Errorf("%w: %s: no goal %q; there are: %s", ErrAddress, address, goal, listed(c.Goals, func(g Goal) string { return g.Name }))
		}
	}
	return nil, fmt.Errorf("%w: %s: no claim of that name; there are: %s; other facts are VIEW[.TABLE]/ROW/COLUMN", ErrAddress, address, listed(d.Claims, func(c Claim) string { return c.ID }))
}

// listed names what there is, up to 20 of it.
func listed[T any](all []T, name func(T) string) string {
	const most = 20
	var names []string
	for i, x := range all {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(all)-most))
			break
		}
		names = append(names, fmt.Sprintf("%q", name(x)))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
