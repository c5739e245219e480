package plots

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"metastorebench/harness/facts"
	"metastorebench/harness/format"
)

// Shapes of marks.
const (
	box   = "box"   // between two corners
	line  = "line"  // through points
	span  = "span"  // an interval: a line between two points with a cap at each end
	glyph = "glyph" // at a point
	word  = "word"  // text at a point
)

// xy is a point in data space; along an axis of names, the i-th is at i.
type xy struct{ x, y float64 }

// mark is one thing that is drawn.
type mark struct {
	shape string
	at    []xy
	look
	text string
	// align says on which side of its point a text stands: XLeft is right of it.
	align draw.XAlignment
	// within is the room along x that a glyph needs in order to be drawn, in data space.
	within float64
	shift  vg.Length // to the right, in points
}

// entry explains a look in the legend.
type entry struct {
	text   string
	shapes []string // drawn over one another; none for a remark
	look
}

// drawing is a figure in data space: what is drawn where.
type drawing struct {
	title  string
	x, y   axis
	marks  []mark
	legend []entry
	// width and height are those of the data area, in points; the least ones.
	width, height vg.Length

	measured []facts.Series // those of StyleMeasured
	others   []facts.Series
	worded   bool   // points have words
	whiskers string // what intervals are
	lost     int    // values that a log axis has no place for
}

// newDrawing has a figure's series, with the points that the axes have a place for, by x.
func newDrawing(f facts.Figure) *drawing {
	d := &drawing{title: f.Title, whiskers: cmp.Or(f.Whiskers, "95 % interval")}
	for _, s := range f.Series {
		n := len(s.Points)
		s.Points = slices.DeleteFunc(slices.Clone(s.Points), func(p facts.Point) bool {
			return f.Y.Log && p.Y <= 0 || f.X.Log && p.X <= 0 && !everywhere(s)
		})
		d.lost += n - len(s.Points)
		if f.Kind == facts.FigureCurve { // the greatest of all is beyond every such axis
			s.Points = slices.DeleteFunc(s.Points, func(p facts.Point) bool { return p.X >= 100 })
		}
		slices.SortStableFunc(s.Points, func(a, b facts.Point) int { return cmp.Compare(a.X, b.X) })
		if s.Style != facts.StyleMeasured {
			d.others = append(d.others, s)
			continue
		}
		d.measured = append(d.measured, s)
		d.worded = d.worded || slices.ContainsFunc(s.Points, func(p facts.Point) bool { return p.Word != "" })
	}
	return d
}

// everywhere reports whether a series is one line that holds for all of the axis.
func everywhere(s facts.Series) bool { return s.Style != facts.StyleMeasured && len(s.Points) == 1 }

// extents are what axes of the points' places and values hold.
func (d *drawing) extents() (x, y extent) {
	x, y = nothing, nothing
	for _, s := range slices.Concat(d.measured, d.others) {
		for _, p := range s.Points {
			y.point(p)
			if !everywhere(s) {
				x.value(p.X)
			}
		}
	}
	return x, y
}

// style is the look of the i-th measured series.
func (d *drawing) style(i int) look { return seriesLook(i, len(d.measured), d.worded) }

func (d *drawing) add(m ...mark) { d.marks = append(d.marks, m...) }

// say adds a text right of a point.
func (d *drawing) say(at xy, text string, ink hue) {
	d.add(mark{shape: word, at: []xy{at}, text: text, align: draw.XLeft, shift: gap, look: look{ink: ink}})
}

// explain adds an entry to the legend, once.
func (d *drawing) explain(text string, l look, shapes ...string) {
	if !slices.ContainsFunc(d.legend, func(e entry) bool { return e.text == text }) {
		d.legend = append(d.legend, entry{text, shapes, l})
	}
}

// explainStyle adds a series that was not measured to the legend, and returns its look:
// that of the series that it belongs to.
func (d *drawing) explainStyle(s facts.Series) look {
	of := look{ink: black, width: 1.8}
	if i := slices.IndexFunc(d.measured, func(m facts.Series) bool { return m.Name == s.Of }); i >= 0 {
		of = d.style(i)
	}
	text := s.Name
	if !strings.Contains(strings.ToLower(text), s.Style) {
		text += " (" + s.Style + ")"
	}
	l := styleLook(s.Style, of)
	d.explain(text, l, line)
	return l
}

// finish adds to the legend what all kinds share: words as shape shows them, whiskers,
// the line at 1, and what is lost.
func (d *drawing) finish(shape string) *drawing {
	for i, w := range words {
		if slices.ContainsFunc(d.measured, func(s facts.Series) bool {
			return slices.ContainsFunc(s.Points, func(p facts.Point) bool { return wordOf(p) == i })
		}) {
			d.explain(w.text+w.mark, look{ink: grey, face: w.face, width: thin}, shape)
		}
	}
	if slices.ContainsFunc(d.marks, func(m mark) bool { return m.shape == span }) {
		d.explain(d.whiskers, look{ink: black, width: thin}, span)
	}
	if d.x.one || d.y.one {
		d.explain("no change", oneLook, line)
	}
	if d.lost > 0 {
		d.explain(fmt.Sprintf("not drawn: %d values of 0 or less", d.lost), look{})
	}
	return d
}

// valueText writes a point's value as a label: a ratio with an x and its word's mark.
func valueText(p facts.Point, ratio bool) string {
	text := format.Number(float64(p.Y))
	if ratio {
		text += "x"
	}
	if w := wordOf(p); w >= 0 {
		text += words[w].mark
	}
	return text
}
