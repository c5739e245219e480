package facts

import (
	"fmt"
	"math"
	"strconv"

	"metastorebench/harness/record"
)

// Schema is the version of results.json: MAJOR.MINOR. A reader refuses another major
// version, and reads a newer minor one without the fields that it does not know.
const Schema = "metabench-results/1.0"

// Document is results.json: all that is known of one run.
type Document struct {
	Schema string `json:"schema"`
	Run    Run    `json:"run"`
	// Metrics are those that the facts use, as the registry describes them.
	Metrics []Metric `json:"metrics"`
	// Axes are the properties in which the run's cells differ, in the plan's order.
	Axes  []Axis `json:"axes"`
	Cells []Cell `json:"cells"`
	// Facts are all numbers: that with id i is at i-1.
	Facts []*Fact `json:"facts"`
	// Views are the plan's questions, answered.
	Views []View `json:"views"`
	// Claims are the predictions that this run bears on, each with its verdicts.
	Claims []Claim `json:"claims,omitempty"`
	// Answer is the run in a few lines, each a sentence made of facts.
	Answer []string `json:"answer,omitempty"`
}

// Run says what was run, where, and by what.
type Run struct {
	Plan    string `json:"plan"`
	Title   string `json:"title"`
	Level   string `json:"level"`
	Command string `json:"command"`
	Started string `json:"started"` // RFC 3339
	Seed    uint64 `json:"seed"`
	Blocks  int    `json:"blocks"`
	Trials  int    `json:"trials"` // recorded, void ones included
	// Voids are the trials that were taken out, with the reasons.
	Voids   []Void             `json:"voids,omitempty"`
	Skipped []Skip             `json:"skipped,omitempty"`
	Env     record.Environment `json:"environment"`
	// Checks counts, for each check, how many trials came to which state.
	Checks map[string]map[string]int `json:"checks,omitempty"`
	// Commit is the store's revision, short; Dirty says that the tree had changes.
	Commit string `json:"commit"`
	Dirty  bool   `json:"dirty,omitempty"`
	// Newer says that the records have fields that the reader did not know.
	Newer string `json:"newer,omitempty"`
}

// Void is a trial whose numbers are not used.
type Void struct {
	Cell   string `json:"cell"`
	Block  int    `json:"block"`
	Reason string `json:"reason"`
}

// Skip is a cell that could not run.
type Skip struct {
	Cell   string `json:"cell"`
	Reason string `json:"reason"`
}

// Metric describes a metric of the registry to a reader of the file.
type Metric struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Unit   string `json:"unit,omitempty"`
	Better string `json:"better"` // higher, lower, neither
	Steady bool   `json:"steady,omitempty"`
	Source string `json:"source"`
}

// Axis is a property in which cells differ: an option of the store, or one of the load.
type Axis struct {
	Name     string   `json:"name"`
	Values   []string `json:"values"`
	Baseline string   `json:"baseline,omitempty"` // the plan's
}

// Cell is one cell of the matrix, whether or not it was measured.
type Cell struct {
	ID         string `json:"id"`
	Group      string `json:"group"`
	Workload   string `json:"workload"`
	Target     string `json:"target"`
	Durability string `json:"durability,omitempty"`
	// Properties are the options and the load, by the names that axes and selectors
	// use; see Properties.
	Properties map[string]string `json:"properties"`
	Blocks     int               `json:"blocks"` // valid trials
	Void       int               `json:"void,omitempty"`
	Skip       string            `json:"skip,omitempty"`
	// Bound is the resource that bounds the cell, "" if none is known to.
	Bound string `json:"bound,omitempty"`
	// Levels are the ids of the cell's facts: "metric" or "metric op".
	Levels map[string]int `json:"levels,omitempty"`
	// Percentiles are the service times of each operation type: pairs of percentile and
	// milliseconds, of all blocks merged.
	Percentiles map[string][][2]Number `json:"percentiles,omitempty"`
	// Series is the throughput over the window, in operations per second at even
	// steps of SeriesStepMS: the mean over blocks.
	Series       []Number `json:"series,omitempty"`
	SeriesStepMS Number   `json:"series_step_ms,omitempty"`
	// Stages are the parts of a traced write in microseconds, in order.
	Stages   []Stage  `json:"stages,omitempty"`
	Trials   []Trial  `json:"trials,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	Command  string   `json:"command,omitempty"` // reproduces the cell
}

// Stage is a part of a write's service time.
type Stage struct {
	Name   string `json:"name"`
	MeanUS Number `json:"mean_us"`
}

// Trial is what one trial of a cell says of itself.
type Trial struct {
	Block int `json:"block"`
	Order int `json:"order"`
	// Values are the trial's own, by the keys of Cell.Levels.
	Values map[string]Number `json:"values,omitempty"`
	Void   string            `json:"void,omitempty"`
	// Checks are the states of its checks that are not ok, by name.
	Checks map[string]string `json:"checks,omitempty"`
}

// Kinds of facts.
const (
	Level = "level" // a metric in one cell
	Ratio = "ratio" // of a metric in two cells, paired by block
	Share = "share" // a part of a whole, in percent
	Count = "count"
	Model = "model" // a coefficient of a fitted model
)

// Fact is one number with all that is known of it.
type Fact struct {
	ID     int    `json:"id"`
	Kind   string `json:"kind"`
	Metric string `json:"metric,omitempty"`
	Op     string `json:"op,omitempty"`
	Unit   string `json:"unit,omitempty"`
	Value  Number `json:"value"`
	// Lo and Hi are the 95 % interval; both absent if there is none.
	Lo *Number `json:"lo,omitempty"`
	Hi *Number `json:"hi,omitempty"`
	// Min and Max are the least and greatest of the blocks.
	Min *Number `json:"min,omitempty"`
	Max *Number `json:"max,omitempty"`
	N   int     `json:"n"`
	// Word is different, equivalent or unresolved: of ratios alone. Better says, of a
	// different ratio, whether it is for the better: better, worse or neither.
	Word   string `json:"word,omitempty"`
	Better string `json:"better,omitempty"`
	// Found is the least ratio that this run would have told from 1 with a chance of
	// 80 %: of ratios with an interval.
	Found *Number `json:"found,omitempty"`
	// Family is the question that the ratio belongs to, with the number of its ratios.
	Family     string `json:"family,omitempty"`
	FamilySize int    `json:"family_size,omitempty"`
	// Cells are the places in Document.Cells of those that it was made of: of a ratio,
	// that above the line first. Blocks are those that all of them have, as ranges:
	// "0-4,6". A cell and a block name a trial's record.
	Cells  []int  `json:"cells,omitempty"`
	Blocks string `json:"blocks,omitempty"`
	// Text is how the number is written, with interval and mark.
	Text string `json:"text"`
}

// View is one question of the plan, answered.
type View struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"`
	Title string `json:"title"`
	// Doc says what the question is, in a sentence or two.
	Doc     string   `json:"doc,omitempty"`
	Tables  []Table  `json:"tables,omitempty"`
	Figures []Figure `json:"figures,omitempty"`
	// Notes are sentences under it: what is missing, and why.
	Notes []string `json:"notes,omitempty"`
}

// Table is rows of values. All of its ratios are one family, but for those that another
// question asked first.
type Table struct {
	ID      string   `json:"id"`
	Title   string   `json:"title,omitempty"`
	Caption string   `json:"caption,omitempty"`
	Columns []Column `json:"columns"`
	Rows    []Row    `json:"rows"`
	Notes   []string `json:"notes,omitempty"`
}

// Column is a heading.
type Column struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	// Text says that it holds words, which stand to the left.
	Text bool `json:"text,omitempty"`
}

// Row is a line of a table. Key is unique in its table.
type Row struct {
	Key   string  `json:"key"`
	Cells []Value `json:"cells"` // one for each column
}

// Value is the content of a table's cell: a word, or a fact by its id.
type Value struct {
	Text string `json:"text,omitempty"`
	Fact int    `json:"fact,omitempty"`
}

// Kinds of figures.
const (
	FigureBars      = "bars"      // values by category and series, with intervals
	FigureLines     = "lines"     // values against a number, with intervals
	FigureWaterfall = "waterfall" // a total divided among items; Order can be changed
	FigureHeat      = "heat"      // ratios by two categories
	FigureStack     = "stack"     // parts of a whole, by category
	FigureCurve     = "curve"     // percentiles on a percentile axis
)

// Figure is what a figure shows, as data: package plots draws it, and so does the page.
//
//   - Bars and stacks: X has the categories, Y the values; a series has a point for each
//     category that it was measured in.
//   - Lines: X is a number, or categories in an order that means something.
//   - Heat: X and Y have categories; a point's Y is the value, its Row the place on Y's.
//   - Waterfall: X's categories are the name of what it starts from, the items in order,
//     and the name of what all of them make. Each series divides the same: its first point
//     is the start, a level or 1, those of the items are their ratios, and the last is the
//     end, in the start's unit.
//   - Curve: X is a percentile, 0 to 100; Y a time.
type Figure struct {
	ID      string   `json:"id"` // unique in the document; the file's name
	Kind    string   `json:"kind"`
	Title   string   `json:"title"`
	Caption string   `json:"caption"`
	X       Scale    `json:"x"`
	Y       Scale    `json:"y"`
	Series  []Series `json:"series"`
	// Whiskers is what the points' intervals are, if not "95 % interval".
	Whiskers string `json:"whiskers,omitempty"`
	// Subsets are, of a waterfall, the logarithm of what each subset of the items makes
	// of the response, against none: index is the bit set of items, in the order of X's
	// categories without the first and the last. They let a reader see the credit in any order.
	Subsets []Number `json:"subsets,omitempty"`
}

// Scale is an axis of a figure.
type Scale struct {
	Label string `json:"label"` // with the unit
	Log   bool   `json:"log,omitempty"`
	// Categories are the names along an axis that is no number, in order.
	Categories []string `json:"categories,omitempty"`
	// One says that the line at 1, no change, is drawn.
	One bool `json:"one,omitempty"`
}

// Styles of series.
const (
	StyleMeasured = ""       // points, joined where the axis is a number
	StyleFit      = "fit"    // a model's curve, dashed
	StyleTarget   = "target" // what the plan wants
	StyleCeiling  = "ceiling"
	StyleLimit    = "limit"
)

// Series is a named set of points. A target, ceiling or limit of one point holds for all
// of the axis.
type Series struct {
	Name  string `json:"name"`
	Style string `json:"style,omitempty"`
	// Of is the name of the measured series that a fit, target, ceiling or limit belongs
	// to; "" if it is of all of them.
	Of     string  `json:"of,omitempty"`
	Points []Point `json:"points"`
}

// Point is a value in a figure. Of a heat map, Row is the place on Y's categories.
type Point struct {
	X    Number  `json:"x"` // or the index of the category
	Y    Number  `json:"y"`
	Lo   *Number `json:"lo,omitempty"`
	Hi   *Number `json:"hi,omitempty"`
	Row  int     `json:"row,omitempty"`
	Word string  `json:"word,omitempty"` // of a ratio; see Fact
	// Better is that of the fact: a change that is not resolved has no colour.
	Better string `json:"better,omitempty"`
	Fact   int    `json:"fact,omitempty"`
}

// Mixed is the verdict on a claim whose goals do not share one.
const Mixed = "mixed"

// Claim is a prediction with its verdicts.
type Claim struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Predicted string `json:"predicted"` // in the words of its source
	Source    string `json:"source,omitempty"`
	// Topic is the heading under which a ledger lists it.
	Topic string `json:"topic,omitempty"`
	// From are the plans whose runs a ledger of several runs takes it from, in order.
	From []string `json:"from,omitempty"`
	// Verdict is that of its goals, if they have the same: Mixed otherwise. Goals that
	// were not judged do not count, unless none was. Of a claim whose goals have to hold
	// together (Together), it is the one that they make.
	Verdict  string `json:"verdict"`
	Together bool   `json:"together,omitempty"`
	Goals    []Goal `json:"goals"`
}

// Goal is one thing that a claim predicts, e.g. of one phase.
type Goal struct {
	Name      string `json:"name,omitempty"`
	Predicted string `json:"predicted"` // the range, in numbers
	// Verdict is that of the headline, the first that was judged. Without any, Missing
	// says why.
	Verdict string     `json:"verdict"`
	Judged  []Judgment `json:"judged"` // by environment, the nearest to the claim's own first
	Missing string     `json:"missing,omitempty"`
}

// Judgment is a goal judged in one environment.
type Judgment struct {
	// Run is the run that it is from, where claims of several are put together.
	Run         string `json:"run,omitempty"`
	Environment string `json:"environment"`
	Quantity    string `json:"quantity"` // what was measured
	Fact        int    `json:"fact,omitempty"`
	Verdict     string `json:"verdict"`
	Why         string `json:"why"`
}

// Number is a number as results.json has it: six significant digits, which is more than
// any measurement here resolves. It is never infinite and never NaN.
type Number float64

// MarshalJSON writes the shortest text of six significant digits.
func (n Number) MarshalJSON() ([]byte, error) {
	v := float64(n)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, fmt.Errorf("facts: %v is no number that a fact may have", v)
	}
	return strconv.AppendFloat(nil, v, 'g', 6, 64), nil
}

// number is a pointer to v, nil for what is infinite or NaN.
func number(v float64) *Number {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	n := Number(v)
	return &n
}
