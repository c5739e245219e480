package facts

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
)

// decade is the ratio of an axis' ends beyond which it is logarithmic.
const decade = 10

// drawing is a figure's specification with what it leaves open filled in.
type drawing struct {
	view        plan.View
	kind        string
	metric      metric.Metric
	ratio       bool
	x, y, lines []string // properties along the axes, and that tell series apart
	per         []string // properties of which each combination has its own figure
	log         bool
	dots        []dot
}

// drawn is a figure with the dots that each of its series was made of.
type drawn struct {
	Figure
	of    [][]dot
	place string // the values of Per
}

// figures are those that a view asks for, of its cells.
func (b *builder) figures(v plan.View, places []*place) ([]Figure, error) {
	var figs []Figure
	for _, spec := range v.Figures {
		made, err := b.draw(v, spec, places)
		if err != nil {
			return nil, err
		}
		for _, d := range made {
			figs = append(figs, d.Figure)
		}
	}
	return figs, nil
}

// draw makes the figures of one specification: one for each combination of Per. A
// figure in which nothing was measured is left out.
func (b *builder) draw(v plan.View, spec plan.FigureSpec, places []*place) ([]drawn, error) {
	d, err := b.drawing(v, spec, places)
	if err != nil {
		return nil, err
	}
	var all []drawn
	for _, dots := range grouped(d.dots, d.per) {
		one := *d
		one.dots = dots
		made, err := b.figure(&one)
		if err != nil {
			return nil, err
		}
		if len(made.Series) > 0 {
			made.ID = b.figureID(made.ID)
			all = append(all, made)
		}
	}
	return all, nil
}

// drawing fills in what a specification leaves open: what dots differ in beside the
// axes makes series or, in a heat map, figures.
func (b *builder) drawing(v plan.View, spec plan.FigureSpec, places []*place) (*drawing, error) {
	m, err := metric.ByName(spec.Metric)
	if err != nil {
		return nil, err
	}
	d := &drawing{view: v, kind: spec.Kind, metric: m, ratio: spec.Ratio, lines: spec.Lines, per: spec.Per, log: spec.Log, dots: dotsOf(places, v.Ops, m.PerOp)}
	if spec.X != "" {
		d.x = []string{spec.X}
	}
	if spec.Y != "" {
		d.y = []string{spec.Y}
	}
	if d.dots, err = b.numbered(d); err != nil {
		return nil, err
	}
	if named := slices.Concat(d.x, d.y, d.lines, d.per); !slices.Contains(named, propOperation) && !says(d.dots, nil, propOperation) {
		d.per = append(slices.Clone(d.per), propOperation)
	}
	b.open(d)
	return d, nil
}

// open finds the properties that the specification does not name.
func (b *builder) open(d *drawing) {
	switch {
	case len(d.dots) == 0:
	case d.kind == FigureHeat && len(d.y) == 0:
		d.y = b.apart(d.dots, slices.Concat(d.x, d.per)...)
	case d.kind == FigureHeat:
		d.per = b.distinct(d.dots, d.per, slices.Concat(d.x, d.y)...)
	case len(d.x) == 0:
		d.x = b.apart(d.dots, slices.Concat(d.lines, d.per)...)
	case len(d.lines) == 0:
		d.lines = b.apart(d.dots, slices.Concat(d.x, d.per)...)
	default:
		d.lines = b.distinct(d.dots, d.lines, slices.Concat(d.x, d.per)...)
	}
}

// figure draws one.
func (b *builder) figure(d *drawing) (drawn, error) {
	made := drawn{place: d.dots[0].name(d.per), Figure: Figure{
		ID: slug(strings.Join(slices.Concat([]string{d.view.ID, d.metric.Name}, ratioWord(d.ratio), d.perValues()), " ")), Kind: d.kind,
		Title: d.title() + d.placeText(), X: Scale{Label: labelOf(d.x)}, Y: Scale{Label: d.metric.Heading(), Log: d.log},
	}}
	if d.ratio {
		made.Y = Scale{Label: d.metric.Title + " ratio to " + selectorText(d.view.Against), Log: d.log, One: true}
	}
	if d.kind == FigureHeat {
		made.Y = Scale{Label: labelOf(d.y), Categories: categories(d.dots, d.y)}
	}
	xs, unit := d.numbers()
	if xs == nil {
		made.X.Categories = categories(d.dots, d.x)
	} else {
		made.X.Label += unit
	}
	n, beyond, err := b.series(d, xs, &made)
	if err != nil {
		return drawn{}, err
	}
	made.X.Log = xs != nil && spans(made.Series, func(p Point) Number { return p.X })
	made.Caption = d.estimator() + " " + n.text() + beyondText(beyond)
	return made, nil
}

// series adds a figure's series. It counts the points' blocks, and those that lie beyond
// what a histogram holds, which are left out.
func (b *builder) series(d *drawing, xs map[string]float64, made *drawn) (n counts, beyond int, err error) {
	for _, dots := range grouped(d.dots, d.lines) {
		s := Series{Name: dots[0].name(d.lines)}
		var of []dot
		for _, at := range dots {
			id, err := b.number(d, at)
			if err != nil {
				return n, 0, err
			}
			switch f := b.fact(id); {
			case !d.ratio && d.metric.Summary == metric.Merged && float64(f.Value) >= record.Infinite/1e6:
				beyond++
			default:
				n.add(f.N)
				s.Points, of = append(s.Points, d.point(at, id, xs, &made.Figure)), append(of, at)
			}
		}
		if len(s.Points) > 0 {
			slices.SortStableFunc(s.Points, func(a, b Point) int { return cmp.Compare(a.X, b.X) })
			made.Series, made.of = append(made.Series, s), append(made.of, of)
		}
	}
	return n, beyond, nil
}

// counts is the range of several n.
type counts struct{ least, most int }

func (c *counts) add(n int) { c.least, c.most = min(cmp.Or(c.least, n), n), max(c.most, n) }

// text writes "n=6 blocks." or "n=5 to 6 blocks.".
func (c counts) text() string {
	if c.least == c.most {
		return fmt.Sprintf("n=%d blocks.", c.least)
	}
	return fmt.Sprintf("n=%d to %d blocks.", c.least, c.most)
}

func beyondText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" Not drawn, because it is longer than a histogram holds: %d.", n)
}

// numbered are the dots that have a number: of ratios, not those that others are compared
// with.
func (b *builder) numbered(d *drawing) ([]dot, error) {
	var dots []dot
	for _, at := range d.dots {
		id, err := b.number(d, at)
		if err != nil {
			return nil, err
		}
		if id != 0 {
			dots = append(dots, at)
		}
	}
	return dots, nil
}

// number is the fact that a dot shows; 0 if there is none.
func (b *builder) number(d *drawing, at dot) (int, error) {
	if !d.ratio {
		return b.level(at.place, d.metric, at.op)
	}
	ref, err := b.reference(at.place, d.view.Against, d.view.Same)
	if err != nil {
		return 0, err
	}
	return b.ratio(at.place, ref, d.metric, at.op, d.view.ID)
}

// point is a dot's place in a figure; fill gives it the fact's numbers.
func (d *drawing) point(at dot, id int, xs map[string]float64, fig *Figure) Point {
	p := Point{Fact: id}
	if xs != nil {
		p.X = Number(xs[at.value(d.x[0])])
	} else {
		p.X = Number(slices.Index(fig.X.Categories, at.category(d.x)))
	}
	if d.kind == FigureHeat {
		p.Row = slices.Index(fig.Y.Categories, at.category(d.y))
	}
	return p
}

// numbers are the values along the X of a line figure as numbers, with a unit where
// they have one; nil if they are categories.
func (d *drawing) numbers() (xs map[string]float64, unit string) {
	if d.kind != FigureLines || len(d.x) != 1 {
		return nil, ""
	}
	xs = map[string]float64{}
	for _, at := range d.dots {
		text := at.value(d.x[0])
		if xs[text] = numberOf(text); math.IsNaN(xs[text]) {
			return nil, ""
		}
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			unit = ", ms"
		}
	}
	return xs, unit
}

// numberOf is a property's value as a number, a duration's in milliseconds; NaN if it is
// neither.
func numberOf(text string) float64 {
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		return v
	}
	if v, err := time.ParseDuration(text); err == nil {
		return v.Seconds() * 1e3
	}
	return math.NaN()
}

// categories are the names along an axis that is no number.
func categories(dots []dot, names []string) []string {
	var texts []string
	if len(names) == 1 && names[0] != propOperation {
		for _, v := range valuesOf(placesIn(dots), names[0]) {
			texts = append(texts, categoryText(names[0], v))
		}
		return texts
	}
	for _, group := range grouped(dots, names) {
		texts = append(texts, group[0].category(names))
	}
	return texts
}

// category is a dot's place along an axis whose label names its property.
func (d dot) category(names []string) string {
	if len(names) == 1 {
		return categoryText(names[0], d.value(names[0]))
	}
	return d.name(names)
}

func categoryText(name, value string) string {
	if name == propItems || value == "" {
		return valueText(name, value)
	}
	return value
}

// title says what is drawn against what: "Throughput of put, ops/s, by clients".
func (d *drawing) title() string {
	what := d.metric.Title
	if d.metric.PerOp && says(d.dots, nil, propOperation) {
		what += " of " + d.dots[0].op
	}
	switch {
	case d.ratio:
		what += ", ratio to " + selectorText(d.view.Against)
	case d.metric.Unit != "":
		what += ", " + d.metric.Unit
	}
	return capital(what) + ", by " + labelOf(slices.Concat(d.x, d.y))
}

// placeText says of which cells: the values of Per, and what the view selects by one
// value.
func (d *drawing) placeText() string {
	var parts []string
	for _, name := range d.view.Where.Names() {
		if values := d.view.Where[name]; len(values) == 1 && !strings.HasPrefix(values[0], "!") && !slices.Contains(d.per, name) {
			parts = append(parts, valueText(name, values[0]))
		}
	}
	for _, name := range d.per {
		if name != propOperation {
			parts = append(parts, valueText(name, d.dots[0].value(name)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

func (d *drawing) perValues() []string {
	values := make([]string, len(d.per))
	for i, name := range d.per {
		values[i] = d.dots[0].value(name)
	}
	return values
}

// estimator says what the points are.
func (d *drawing) estimator() string {
	switch {
	case d.ratio:
		return fmt.Sprintf("Geometric mean of the blocks' ratios to %s, all else equal, with its interval, corrected for the family %s; a ratio without colour is not resolved, or equivalent.", selectorText(d.view.Against), d.view.ID)
	case d.metric.Summary == metric.Merged:
		return "Percentile of the blocks' merged histograms, with the interval of the blocks' own."
	case d.metric.Summary == metric.Counted:
		return "Of all trials together, void ones included, with its 95 % interval."
	case d.metric.Summary == metric.Sums:
		return "Mean of the blocks with its 95 % interval."
	}
	return fmt.Sprintf("Geometric mean of the blocks with its %.0f %% interval.", 100*infer.Confidence)
}

// fill puts the numbers of judged facts into the points that show them, so that a figure
// and a table never differ, and makes axes logarithmic that span more than a decade.
func (b *builder) fill() {
	for _, v := range b.doc.Views {
		for i := range v.Figures {
			fig := &v.Figures[i]
			if !slices.Contains([]string{FigureBars, FigureLines, FigureHeat, FigureStack}, fig.Kind) {
				continue
			}
			for _, s := range fig.Series {
				for k := range s.Points {
					if f := b.fact(s.Points[k].Fact); f != nil {
						s.Points[k].show(f)
					}
				}
			}
			fig.Y.Log = fig.Y.Log || (fig.Kind == FigureLines || fig.Y.One) && spans(fig.Series, func(p Point) Number { return p.Y })
		}
	}
}

func (p *Point) show(f *Fact) {
	p.Y, p.Lo, p.Hi, p.Word, p.Better = f.Value, f.Lo, f.Hi, f.Word, f.Better
}

// spans reports whether values are all positive and lie more than a decade apart.
func spans(series []Series, of func(Point) Number) bool {
	least, most := math.Inf(1), math.Inf(-1)
	for _, s := range series {
		for _, p := range s.Points {
			v := float64(of(p))
			least, most = min(least, v), max(most, v)
		}
	}
	return least > 0 && most > decade*least
}

// figureID makes an id unique in the document.
func (b *builder) figureID(id string) string {
	unique := id
	for n := 2; b.figureIDs[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", id, n)
	}
	b.figureIDs[unique] = true
	return unique
}

func ratioWord(ratio bool) []string {
	if !ratio {
		return nil
	}
	return []string{"ratio"}
}

// labelOf writes properties as an axis' label.
func labelOf(names []string) string {
	titles := make([]string, len(names))
	for i, name := range names {
		titles[i] = titleOf(name)
	}
	return strings.Join(titles, ", ")
}

// capital begins a title; p99 stays as it is.
func capital(text string) string {
	if len(text) > 1 && text[1] >= '0' && text[1] <= '9' {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
