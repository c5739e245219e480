package report

import (
	"errors"
	"fmt"
	"strings"
)

// ErrMarkers says that a document's markers do not enclose a section: one is
// missing, occurs twice, or lies within another section. It is wrapped with the
// marker and its line.
var ErrMarkers = errors.New("report: bad section markers")

const (
	beginPrefix = "<!-- metabench:begin "
	endPrefix   = "<!-- metabench:end "
	markSuffix  = " -->"
)

// span is the text between a section's markers: doc[from:to].
type span struct{ from, to int }

// Splice returns doc with the text between the section's markers replaced by
// body. Everything outside stays byte for byte; the markers stand on lines of
// their own.
func Splice(doc, section, body string) (string, error) {
	s, err := find(doc, section)
	if err != nil {
		return "", err
	}
	return doc[:s.from] + "\n" + strings.Trim(body, "\n") + "\n\n" + doc[s.to:], nil
}

// find checks all markers of doc and locates one section.
func find(doc, section string) (span, error) {
	spans, err := scan(doc)
	if err != nil {
		return span{}, err
	}
	s, ok := spans[section]
	if !ok {
		return span{}, fmt.Errorf("%w: no section %q; add the lines %q and %q", ErrMarkers, section,
			beginPrefix+section+markSuffix, endPrefix+section+markSuffix)
	}
	return s, nil
}

// scan locates every section.
func scan(doc string) (map[string]span, error) {
	spans := map[string]span{}
	open, openLine, from := "", 0, 0
	pos, line := 0, 0
	for text := range strings.Lines(doc) {
		line++
		begin, isBegin := marker(text, beginPrefix)
		end, isEnd := marker(text, endPrefix)
		switch {
		case isBegin && open != "":
			return nil, fmt.Errorf("%w: line %d: section %q begins within section %q of line %d", ErrMarkers, line, begin, open, openLine)
		case isBegin:
			if _, twice := spans[begin]; twice {
				return nil, fmt.Errorf("%w: line %d: section %q occurs twice", ErrMarkers, line, begin)
			}
			open, openLine, from = begin, line, pos+len(text)
		case isEnd && end != open:
			return nil, fmt.Errorf("%w: line %d: section %q ends without having begun", ErrMarkers, line, end)
		case isEnd:
			spans[open] = span{from, pos}
			open = ""
		}
		pos += len(text)
	}
	if open != "" {
		return nil, fmt.Errorf("%w: line %d: section %q has no end", ErrMarkers, openLine, open)
	}
	return spans, nil
}

// marker returns the section that a marker line names.
func marker(line, prefix string) (string, bool) {
	name, ok := strings.CutPrefix(strings.TrimSpace(line), prefix)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, markSuffix)
}
