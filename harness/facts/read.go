package facts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Errors of Read, each wrapped with the file and what was found in it.
var (
	// ErrSchema says that a results.json is of a version that this program cannot read.
	ErrSchema = errors.New("facts: another version of results.json")
	// ErrDamaged says that a file is no results.json, or not a whole one.
	ErrDamaged = errors.New("facts: damaged results.json")
)

// Write writes the document to path as one line of JSON. The same document always makes
// the same bytes.
func Write(path string, doc *Document) error {
	b, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("facts: write %s: %w", path, err)
	}
	if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("facts: %w", err)
	}
	return nil
}

// Read reads what Write wrote. It refuses another major version (ErrSchema), and reads a
// newer minor one without the fields that it does not know. Everything else that is
// unknown, missing or refers to nothing is ErrDamaged.
func Read(path string) (*Document, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("facts: %w", err)
	}
	doc, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return doc, nil
}

func decode(b []byte) (*Document, error) {
	var version struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	newer, err := checkSchema(version.Schema)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if !newer {
		d.DisallowUnknownFields()
	}
	doc := &Document{}
	if err := d.Decode(doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return doc, doc.check()
}

// checkSchema compares a file's version with this program's, and reports whether it is
// a newer minor one.
func checkSchema(found string) (newer bool, err error) {
	ours, ourMinor, _ := splitSchema(Schema)
	name, minor, ok := splitSchema(found)
	switch {
	case !ok:
		return false, fmt.Errorf("%w: schema is %q; accepted: %s", ErrDamaged, found, Schema)
	case name != ours:
		return false, fmt.Errorf("%w: schema is %q; accepted: %s and its minor versions; make the report again with `metabench report`", ErrSchema, found, Schema)
	}
	return minor > ourMinor, nil
}

// splitSchema parts NAME/MAJOR.MINOR before the last dot.
func splitSchema(s string) (major string, minor int, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 || !strings.Contains(s, "/") {
		return "", 0, false
	}
	minor, err := strconv.Atoi(s[i+1:])
	return s[:i], minor, err == nil && minor >= 0
}

// check finds what refers to nothing: readers index by these numbers.
func (d *Document) check() error {
	var errs []error
	damaged := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...)))
	}
	known := func(where string, id int) {
		if id < 0 || id > len(d.Facts) {
			damaged("%s refers to fact %d of %d", where, id, len(d.Facts))
		}
	}
	for i, f := range d.Facts {
		if f == nil || f.ID != i+1 {
			damaged("fact %d is not in its place", i+1)
			continue
		}
		for _, c := range f.Cells {
			if c < 0 || c >= len(d.Cells) {
				damaged("fact %d refers to cell %d of %d", f.ID, c, len(d.Cells))
			}
		}
	}
	for _, v := range d.Views {
		for _, t := range v.Tables {
			for _, r := range t.Rows {
				if len(r.Cells) != len(t.Columns) {
					damaged("view %s, table %s: row %q has %d cells for %d columns", v.ID, t.ID, r.Key, len(r.Cells), len(t.Columns))
				}
				for _, value := range r.Cells {
					known(fmt.Sprintf("view %s, table %s, row %q", v.ID, t.ID, r.Key), value.Fact)
				}
			}
		}
	}
	for _, c := range d.Claims {
		for _, g := range c.Goals {
			for _, j := range g.Judged {
				known("claim "+c.ID, j.Fact)
			}
		}
	}
	return errors.Join(errs...)
}
