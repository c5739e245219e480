package facts

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// sample is what one benchmark gave in all its repeats.
type sample struct {
	parts  map[string]string
	values map[string][]float64 // by unit
}

// benches are the files of a folder.
type benches struct {
	dir   string
	files map[string][]*sample
	infos map[string]map[string]string // configuration by file
}

func readBenches(dir string) (*benches, error) {
	all := &benches{dir: dir, files: map[string][]*sample{}, infos: map[string]map[string]string{}}
	paths, _ := filepath.Glob(filepath.Join(dir, "*.txt")) // the pattern is sound
	for _, path := range paths {
		if err := all.read(path); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBench, err)
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%w: %s has no *.txt", ErrBench, dir)
	}
	return all, nil
}

func (a *benches) read(path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	name := filepath.Base(path)
	byName := map[string]*sample{}
	r := benchfmt.NewReader(in, name)
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.SyntaxError:
			return rec
		case *benchfmt.Result:
			a.infos[name] = map[string]string{}
			for _, key := range []string{"command", "commit", "date", "goos", "goarch", "cpu"} {
				a.infos[name][key] = rec.GetConfig(key)
			}
			key := rec.GetConfig("pkg") + " " + rec.Name.String()
			if byName[key] == nil {
				byName[key] = newSample(rec)
				a.files[name] = append(a.files[name], byName[key])
			}
			byName[key].add(rec)
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	if len(a.files[name]) == 0 {
		return fmt.Errorf("%s holds no results", name)
	}
	return nil
}

func newSample(r *benchfmt.Result) *sample {
	pkg := r.GetConfig("pkg")
	base, parts := r.Name.Parts()
	s := &sample{parts: map[string]string{"pkg": pkg[strings.LastIndexByte(pkg, '/')+1:]}, values: map[string][]float64{}}
	name := string(base)
	for _, part := range parts {
		text := strings.TrimPrefix(string(part), "/")
		if key, value, ok := strings.Cut(text, "="); ok {
			s.parts[key] = value
		} else if string(part) == "/"+text {
			name += "/" + text
		}
	}
	s.parts["name"] = name
	return s
}

func (s *sample) add(r *benchfmt.Result) {
	for _, v := range r.Values {
		value, unit := v.Value, v.Unit
		if v.OrigUnit != "" { // as go test printed it: ns/op, not sec/op
			value, unit = v.OrigValue, v.OrigUnit
		}
		s.values[unit] = append(s.values[unit], value)
	}
}

// info says what was run: the files' own words, where they agree.
func (a *benches) info(p *benchPlan) Run {
	one := func(key string) string {
		found := ""
		for _, name := range slices.Sorted(maps.Keys(a.infos)) {
			v := a.infos[name][key]
			if found != "" && v != found {
				return ""
			}
			found = v
		}
		return found
	}
	r := Run{Plan: "benchmarks", Title: p.Title, Command: "make bench-reference", Started: one("date"), Commit: one("commit")}
	r.Env.OS, r.Env.Arch, r.Env.CPUModel = one("goos"), one("goarch"), one("cpu")
	return r
}

// matching are the samples that a view means.
func (a *benches) matching(v benchView) ([]*sample, error) {
	var found []*sample
	for _, s := range a.files[v.File] {
		if has(s.parts, v.Where) {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no benchmark of %s is %v", v.File, v.Where)
	}
	parts, units := map[string]bool{}, map[string]bool{}
	for _, s := range found {
		for key := range s.parts {
			parts[key] = true
		}
		for unit := range s.values {
			units[unit] = true
		}
	}
	var errs []error
	for _, key := range append(slices.Clone(v.Rows), v.Columns) {
		if key != "" && !parts[key] {
			errs = append(errs, fmt.Errorf("no benchmark has part %q; there are: %s", key, strings.Join(slices.Sorted(maps.Keys(parts)), ", ")))
		}
	}
	for _, unit := range v.Units {
		if !units[unit] {
			errs = append(errs, fmt.Errorf("no benchmark has unit %q; there are: %s", unit, strings.Join(slices.Sorted(maps.Keys(units)), ", ")))
		}
	}
	return found, errors.Join(errs...)
}

func has(parts map[string]string, where map[string][]string) bool {
	for key, values := range where {
		if !slices.Contains(values, parts[key]) {
			return false
		}
	}
	return true
}
