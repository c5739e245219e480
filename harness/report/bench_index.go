package report

import (
	"fmt"
	"strconv"
	"strings"

	"metastorebench/harness/claims"
	"metastorebench/harness/format"
	"metastorebench/harness/stats"
	"metastorebench/plots"
)

// The plan's case of a range (claim P2.2), in the names of BenchmarkIndex: the
// ordered index is to take at most 1/rangeGoal of the baseline's time.
const (
	claimIndex    = "P2.2"
	planKeys      = "10000"
	planResults   = "10"
	baselineIndex = "hash"
	orderedIndex  = "btree"
	rangeGoal     = 500
)

// index shows BenchmarkIndex: what ranges, counts and points cost on each index.
func (b *benchBuilder) index(f *benchFile) error {
	names := leading(f.all("pkg"), baselineIndex)
	for _, answer := range []string{rangeAnswer(f), growthAnswer(f, names)} {
		if answer != "" {
			b.printf("%s\n\n", answer)
		}
	}
	b.WriteString(planCase(f, names).markdown(nil, ""))
	for _, figure := range []func(*benchFile, []string) (*plots.Figure, error){rangeFigure, limitFigure} {
		if err := b.draw(figure(f, names)); err != nil {
			return err
		}
	}
	b.fold("Every operation, by the number of keys", indexGrid(f, names))
	return nil
}

// indexTimes returns the times of an operation on an index in nanoseconds.
func indexTimes(f *benchFile, index, op, n, k string) []float64 {
	keys := []string{"pkg", index, "op", op, "n", n}
	if k != "" {
		keys = append(keys, "k", k)
	}
	return f.find("ns/op", keys...)
}

// micros writes the median of times in nanoseconds as microseconds, with its
// interval.
func micros(times []float64) string { return interval(scaled(stats.Summarize(times), 1e-3)) }

// repeats is stats.CompareRepeats for a table: without a pair it is empty.
func repeats(num, den []float64) stats.Comparison {
	c, err := stats.CompareRepeats(num, den)
	if err != nil {
		return stats.Comparison{}
	}
	return c
}

// rangeAnswer puts the plan's prediction beside the measured time.
func rangeAnswer(f *benchFile) string {
	base, ordered := indexTimes(f, baselineIndex, "range", planKeys, planResults), indexTimes(f, orderedIndex, "range", planKeys, planResults)
	c := repeats(base, ordered)
	claim, ok := claims.ByID(claimIndex)
	if !ok || c.N == 0 {
		return ""
	}
	return fmt.Sprintf("%s, \"%s\": in time %s us on %s and %s us on %s, %s times as much. Goal of at least %d: %s.", claimIndex, claim.Title,
		micros(ordered), orderedIndex, micros(base), baselineIndex, estimate(c), rangeGoal, ratioRange(c).atLeast(rangeGoal))
}

// growthAnswer says how the cost of a limited range follows the number of keys.
func growthAnswer(f *benchFile, names []string) string {
	sizes := f.all("n")
	first, last := sizes[0], sizes[len(sizes)-1]
	var parts []string
	for _, name := range names {
		if c := repeats(indexTimes(f, name, "limit", last, planResults), indexTimes(f, name, "limit", first, planResults)); c.N > 0 {
			parts = append(parts, fmt.Sprintf("%s on %s", estimate(c), name))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("From %s to %s keys the time of a range of %s over all keys, whose answer carries their number, grows by a factor of %s.",
		format.Separate(first), format.Separate(last), planResults, strings.Join(parts, ", "))
}

// planCase is a table of the plan's case, with points beside it.
func planCase(f *benchFile, names []string) *table {
	t := &table{
		caption: fmt.Sprintf("%s keys. Range: %s pairs that its bounds bound. Limited: %s of all keys, with the number of all. Times in us; the ratios are of %s's time to the index's: above 1, the index is faster. Ratios are paired by repeat, [a, b] is their 95 %% interval.",
			format.Separate(planKeys), planResults, planResults, baselineIndex),
		head: []column{text("index"), num("n")},
	}
	ops := []struct{ heading, op, k string }{{"range", "range", planResults}, {"limited", "limit", planResults}, {"get", "get", ""}, {"put", "put", ""}}
	for _, op := range ops {
		t.head = append(t.head, num(op.heading), num(baselineIndex+"/index"))
	}
	for _, name := range names {
		row := t.row(name, fmt.Sprint(len(indexTimes(f, name, "range", planKeys, planResults))))
		for _, op := range ops {
			times := indexTimes(f, name, op.op, planKeys, op.k)
			ratio := "1"
			if name != baselineIndex {
				ratio = estimate(repeats(indexTimes(f, baselineIndex, op.op, planKeys, op.k), times))
			}
			row.text(micros(times), ratio)
		}
	}
	return t
}

// indexGrid has all times.
func indexGrid(f *benchFile, names []string) *table {
	t := &table{
		caption: "Times in us, a column for each index. Operations as above; count: of half of the keys.",
		head:    []column{text("operation"), num("keys"), num("results")},
	}
	for _, name := range names {
		t.head = append(t.head, num(name))
	}
	for _, op := range f.all("op") {
		results := []string{""}
		if op == "range" || op == "limit" {
			results = f.all("k")
		}
		for _, n := range f.all("n") {
			for _, k := range results {
				row := t.row(op, format.Separate(n), format.Separate(k))
				for _, name := range names {
					row.text(micros(indexTimes(f, name, op, n, k)))
				}
			}
		}
	}
	return t
}

func rangeFigure(f *benchFile, names []string) (*plots.Figure, error) {
	return indexFigure(f, names, "range", plots.CurvesText{
		Name: "bench-index-range", Title: "A range of 10 among n keys, in process",
		Caption: "Time of a range whose bounds hold 10 of n keys, by index. Geometric means of the repeats with their 95 % intervals; one goroutine.",
	})
}

func limitFigure(f *benchFile, names []string) (*plots.Figure, error) {
	return indexFigure(f, names, "limit", plots.CurvesText{
		Name: "bench-index-limit", Title: "A range over n keys limited to 10, with their number, in process",
		Caption: "Time of a range over all n keys with a limit of 10, whose answer carries n, by index. Geometric means of the repeats with their 95 % intervals; one goroutine.",
	})
}

// indexFigure draws an operation's time against the number of keys.
func indexFigure(f *benchFile, names []string, op string, text plots.CurvesText) (*plots.Figure, error) {
	text.XLabel, text.YLabel = "n (keys)", "time per range (us)"
	var curves []plots.Curve
	for _, name := range names {
		c := plots.Curve{Name: name}
		for _, n := range f.all("n") {
			x, err := strconv.ParseFloat(n, 64)
			if err != nil {
				return nil, fmt.Errorf("n=%q: %w", n, err)
			}
			c.Points = appendPoint(c.Points, x, 1e-3, indexTimes(f, name, op, n, planResults))
		}
		curves = append(curves, c)
	}
	return plots.Curves(text, curves)
}

// appendPoint adds the median of values, in another unit, with its interval, or
// nothing without values.
func appendPoint(points []plots.CurvePoint, x, factor float64, values []float64) []plots.CurvePoint {
	s := scaled(stats.Summarize(values), factor)
	switch {
	case s.N == 0:
		return points
	case !s.Interval:
		s.Lo, s.Hi = s.Value, s.Value
	}
	return append(points, plots.CurvePoint{X: x, Y: s.Value, Lo: s.Lo, Hi: s.Hi})
}
