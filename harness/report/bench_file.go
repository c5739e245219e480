package report

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"metastorebench/harness/stats"
)

// benchConfig are the configuration lines of a file that the section repeats.
var benchConfig = []string{"command", "commit", "date", "goos", "goarch", "cpu"}

// benchFile is one file's samples.
type benchFile struct {
	name    string
	config  map[string]string
	samples []*benchSample // as they came first
}

// benchSample is what one benchmark gave in all its repeats.
type benchSample struct {
	name string // package and full name
	base string // the name up to the first /
	// keys are the name's parts of the form key=value, and pkg, the last element
	// of the package's path.
	keys   map[string]string
	values map[string][]float64 // by unit
}

func readBench(path string) (*benchFile, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	defer in.Close()
	f := &benchFile{name: filepath.Base(path), config: make(map[string]string)}
	r := benchfmt.NewReader(in, f.name)
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.Result:
			f.add(rec)
		case *benchfmt.SyntaxError:
			return nil, fmt.Errorf("%w: %w", ErrBench, rec)
		}
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBench, err)
	}
	if len(f.samples) == 0 {
		return nil, fmt.Errorf("%w: %s holds no results", ErrBench, f.name)
	}
	return f, nil
}

func (f *benchFile) add(r *benchfmt.Result) {
	for _, key := range benchConfig {
		f.config[key] = r.GetConfig(key)
	}
	s := f.sample(r)
	for _, v := range r.Values {
		value, unit := v.Value, v.Unit
		if v.OrigUnit != "" { // as go test printed it: ns/op, not sec/op
			value, unit = v.OrigValue, v.OrigUnit
		}
		s.values[unit] = append(s.values[unit], value)
	}
}

// sample returns the sample that r belongs to, a new one if there is none.
func (f *benchFile) sample(r *benchfmt.Result) *benchSample {
	pkg := r.GetConfig("pkg")
	pkg = pkg[strings.LastIndex(pkg, "/")+1:]
	name := strings.TrimSpace(pkg + " " + string(r.Name.Full()))
	for _, s := range f.samples {
		if s.name == name {
			return s
		}
	}
	base, parts := r.Name.Parts()
	s := &benchSample{name: name, base: string(base), keys: map[string]string{"pkg": pkg}, values: make(map[string][]float64)}
	for _, part := range parts {
		if key, value, ok := strings.Cut(strings.TrimPrefix(string(part), "/"), "="); ok {
			s.keys[key] = value
		}
	}
	f.samples = append(f.samples, s)
	return s
}

// find returns the values of the sample with these keys, each followed by its
// value; nil if there is none.
func (f *benchFile) find(unit string, keys ...string) []float64 {
	for _, s := range f.samples {
		match := true
		for pair := range slices.Chunk(keys, 2) {
			match = match && s.keys[pair[0]] == pair[1]
		}
		if match {
			return s.values[unit]
		}
	}
	return nil
}

// all returns the values of a key, each once, first in the file first.
func (f *benchFile) all(key string) []string {
	var values []string
	for _, s := range f.samples {
		if v, ok := s.keys[key]; ok && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values
}

// table has a row for each benchmark and a column for each unit of the file, time
// first.
func (f *benchFile) table(caption string) *table {
	all := make(map[string]bool)
	for _, s := range f.samples {
		for u := range s.values {
			all[u] = true
		}
	}
	columns := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		if a == "ns/op" || b == "ns/op" {
			return map[bool]int{true: -1, false: 1}[a == "ns/op"]
		}
		return strings.Compare(a, b)
	})
	t := &table{caption: caption, head: []column{text("benchmark"), num("n")}}
	for _, c := range columns {
		t.head = append(t.head, num(c))
	}
	for _, sample := range f.samples {
		row, n := []string{sample.name, ""}, 0
		for _, c := range columns {
			values := sample.values[c]
			n = max(n, len(values))
			s := stats.Summarize(values)
			row = append(row, interval(s))
			if s.N > 0 {
				t.warn("", s.Warnings...)
			}
		}
		row[1] = fmt.Sprint(n)
		t.add(row...)
	}
	return t
}

func (f *benchFile) caption(dir string) string {
	parts := []string{"Records: `" + dir + "/" + f.name + "`"}
	for _, key := range benchConfig {
		if v := f.config[key]; v != "" {
			parts = append(parts, key+": `"+v+"`")
		}
	}
	return strings.Join(parts, "; ") + "."
}
