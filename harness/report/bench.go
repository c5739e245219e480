package report

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/plots"
)

// ErrBench says that a folder of Go benchmark output cannot be reported.
var ErrBench = errors.New("report: benchmark output")

// benchGlob names the files of a folder of Go benchmark output: what `go test
// -bench` printed, in the format that benchstat reads.
const benchGlob = "*.txt"

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

// benchSection makes a section of Go benchmark output: what a file answers, where
// there is a view for it, in the order of the views, then a table of medians for
// each other file.
func benchSection(o Options, paths []string) (content, error) {
	rel, err := relative(o)
	if err != nil {
		return content{}, err
	}
	files := make([]*benchFile, len(paths))
	for i, path := range paths {
		if files[i], err = readBench(path); err != nil {
			return content{}, err
		}
	}
	slices.SortStableFunc(files, func(a, b *benchFile) int { return a.rank() - b.rank() })
	b := &benchBuilder{dir: rel}
	b.printf("Made by `bin/metabench report %s --experiments %s --section %s`; do not edit between the markers. Geometric means of n repeats; [a, b] is their 95 %% interval. `benchstat` reads the files.\n\n",
		rel, filepath.Base(o.ExperimentsPath), o.Section)
	for _, f := range files {
		if err := b.file(f); err != nil {
			return content{}, fmt.Errorf("%w: %s: %w", ErrBench, f.name, err)
		}
	}
	return content{text: b.String(), figures: b.figures}, nil
}

// benchView is how files of one benchmark are shown.
type benchView struct {
	benchmark string // its name, without the word Benchmark
	heading   string
	write     func(b *benchBuilder, f *benchFile) error
}

// benchViews are the benchmarks that answer a question of their own, in the order
// of the section. A file without one of them has a table like benchstat's.
var benchViews = []benchView{
	{"Index", "Ranges by index", (*benchBuilder).index},
	{"Save", "The log against the device", (*benchBuilder).device},
	{"CommitLog", "The commit log beside its peers", (*benchBuilder).commitLog},
	{"PowerCuts", "Acknowledged writes lost in power cuts", (*benchBuilder).powerCuts},
	{"Restart", "Restart", (*benchBuilder).restart},
	{"WALPolicy", "Sync policies in process", (*benchBuilder).policies},
	{"OneClient", "Sync policies with one client", (*benchBuilder).oneClient},
}

// rank is the place of the file's view, behind all others without one.
func (f *benchFile) rank() int {
	at := slices.IndexFunc(benchViews, func(v benchView) bool { return v.benchmark == f.samples[0].base })
	if at < 0 {
		return len(benchViews)
	}
	return at
}

// benchBuilder writes the section.
type benchBuilder struct {
	strings.Builder
	dir     string // of the files, relative to the document
	figures []*plots.Figure
}

func (b *benchBuilder) printf(format string, args ...any) { fmt.Fprintf(b, format, args...) }

// file shows one file.
func (b *benchBuilder) file(f *benchFile) error {
	at := f.rank()
	if at == len(benchViews) {
		b.printf("### %s\n\n%s", strings.TrimSuffix(f.name, filepath.Ext(f.name)), f.table(f.caption(b.dir)).markdown(nil, ""))
		return nil
	}
	b.printf("### %s\n\n%s\n\n", benchViews[at].heading, f.caption(b.dir))
	return benchViews[at].write(b, f)
}

// draw adds a figure where the text is, unless there was nothing to draw.
func (b *benchBuilder) draw(f *plots.Figure, err error) error {
	if errors.Is(err, plots.ErrNoData) {
		return nil
	}
	if err != nil {
		return err
	}
	b.figures = append(b.figures, f)
	b.WriteString(embed(b.dir, f))
	return nil
}

// fold puts a long table behind a line to click on.
func (b *benchBuilder) fold(summary string, t *table) {
	if len(t.rows) > 0 {
		b.printf("<details><summary>%s</summary>\n\n%s</details>\n\n", summary, t.markdown(nil, summary))
	}
}

// interval writes "mean [lo, hi]", or the mean alone if all repeats agree or are too
// few.
func interval(s stats.Summary) string {
	if s.N == 0 {
		return none
	}
	if !s.Interval || s.Lo == s.Hi {
		return format.Number(s.Value)
	}
	return fmt.Sprintf("%s [%s, %s]", format.Number(s.Value), format.Number(s.Lo), format.Number(s.Hi))
}

// estimate writes a ratio that is a question of its own.
func estimate(c stats.Comparison) string {
	infer.Judge(infer.Margin, &c.Effect)
	return c.String()
}

// leading returns names with those of first to the front, if they are there, and
// the others by name.
func leading(names []string, first ...string) []string {
	rank := func(name string) int {
		if at := slices.Index(first, name); at >= 0 {
			return at
		}
		return len(first)
	}
	return slices.SortedFunc(slices.Values(names), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
}

// goalRange is an interval that a goal is held against, not known without enough
// repeats.
type goalRange struct {
	lo, hi float64
	known  bool
}

func ratioRange(c stats.Comparison) goalRange { return goalRange{c.Lo, c.Hi, c.Interval} }
func medianRange(s stats.Summary) goalRange   { return goalRange{s.Lo, s.Hi, s.Interval} }

// atLeast says whether a goal of at least v is reached.
func (s goalRange) atLeast(v float64) string { return s.judge(s.lo >= v, s.hi < v) }

// atMost says whether a goal of at most v is reached.
func (s goalRange) atMost(v float64) string { return s.judge(s.hi <= v, s.lo > v) }

func (s goalRange) judge(reached, missed bool) string {
	switch {
	case !s.known:
		return "open, too few repeats for an interval"
	case reached:
		return "reached"
	case missed:
		return "missed"
	}
	return "open, it lies within the interval"
}
