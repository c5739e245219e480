package report

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// ErrBench says that a folder of Go benchmark output cannot be reported.
var ErrBench = errors.New("report: benchmark output")

// benchGlob names the files of a folder of Go benchmark output: what `go test
// -bench` printed, in the format that benchstat reads.
const benchGlob = "*.txt"

// benchConfig are the configuration lines of a file that the section repeats.
var benchConfig = []string{"command", "commit", "date", "goos", "goarch", "cpu"}

// benchFile is one file's samples.
type benchFile struct {
	name    string
	config  map[string]string
	order   []string                        // benchmarks, as they came first
	samples map[string]map[string][]float64 // by benchmark, by unit
}

// benchPaths returns the files of Go benchmark output in dir: none in a run's
// folder, which has a manifest.
func benchPaths(dir string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(dir, record.ManifestFile)); err == nil {
		return nil, nil
	}
	paths, err := filepath.Glob(filepath.Join(dir, benchGlob))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBench, err)
	}
	return paths, nil
}

// benchSection makes a section of Go benchmark output: a table per file, a row
// per benchmark, medians of the repeats.
func benchSection(o Options, paths []string) (string, error) {
	rel, err := relative(o)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Made by `bin/metabench report %s --experiments %s --section %s`; do not edit between the markers. Medians of n repeats; [a, b] is the 95 %% interval of the median. `benchstat` reads the files.\n\n",
		rel, filepath.Base(o.ExperimentsPath), o.Section)
	for _, path := range paths {
		f, err := readBench(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "### %s\n\n%s", strings.TrimSuffix(f.name, filepath.Ext(f.name)), f.table(rel))
	}
	return b.String(), nil
}

func readBench(path string) (*benchFile, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	defer in.Close()
	f := &benchFile{name: filepath.Base(path), config: make(map[string]string), samples: make(map[string]map[string][]float64)}
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
	if len(f.order) == 0 {
		return nil, fmt.Errorf("%w: %s holds no results", ErrBench, f.name)
	}
	return f, nil
}

func (f *benchFile) add(r *benchfmt.Result) {
	for _, key := range benchConfig {
		f.config[key] = r.GetConfig(key)
	}
	pkg := r.GetConfig("pkg")
	name := strings.TrimSpace(pkg[strings.LastIndex(pkg, "/")+1:] + " " + string(r.Name.Full()))
	units := f.samples[name]
	if units == nil {
		units = make(map[string][]float64)
		f.samples[name] = units
		f.order = append(f.order, name)
	}
	for _, v := range r.Values {
		value, unit := v.Value, v.Unit
		if v.OrigUnit != "" { // as go test printed it: ns/op, not sec/op
			value, unit = v.OrigValue, v.OrigUnit
		}
		units[unit] = append(units[unit], value)
	}
}

// table has a column for each unit of the file, time first.
func (f *benchFile) table(dir string) *table {
	all := make(map[string]bool)
	for _, units := range f.samples {
		for u := range units {
			all[u] = true
		}
	}
	columns := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		if a == "ns/op" || b == "ns/op" {
			return map[bool]int{true: -1, false: 1}[a == "ns/op"]
		}
		return strings.Compare(a, b)
	})
	t := &table{caption: f.caption(dir), head: []column{text("benchmark"), num("n")}}
	for _, c := range columns {
		t.head = append(t.head, num(c))
	}
	for _, name := range f.order {
		row, n := []string{name, ""}, 0
		for _, c := range columns {
			values := f.samples[name][c]
			n = max(n, len(values))
			if len(values) == 0 {
				row = append(row, none)
				continue
			}
			s := stats.Summarize(values)
			row = append(row, interval(s))
			t.warn("", s.Warnings...)
		}
		row[1] = fmt.Sprint(n)
		t.add(row...)
	}
	return t
}

// interval writes "median [lo, hi]", or the median alone if all repeats agree or
// are too few.
func interval(s stats.Summary) string {
	if !s.Interval || s.Lo == s.Hi {
		return stats.Number(s.Median)
	}
	return fmt.Sprintf("%s [%s, %s]", stats.Number(s.Median), stats.Number(s.Lo), stats.Number(s.Hi))
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
