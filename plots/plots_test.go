package plots

import (
	"bytes"
	"flag"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"

	"metastorebench/harness/facts"
)

var (
	keep   = flag.String("keep", "", "write the sample figures into this directory")
	update = flag.Bool("update", false, "rewrite the golden files")
)

// TestDrawings: what is drawn where, of each kind.
func TestDrawings(t *testing.T) {
	for _, f := range goldens() {
		t.Run(f.ID, func(t *testing.T) {
			d, err := compose(f)
			require.NoError(t, err)
			path, got := filepath.Join("testdata", f.ID+".txt"), describe(d)
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

// describe lists what is drawn: axes, marks in their order, the legend.
func describe(d *drawing) string {
	var b strings.Builder
	for _, a := range []axis{d.x, d.y} {
		fmt.Fprintf(&b, "axis  %s: %s %.4g to %.4g %q, line at 1: %t\n", a.label, a.scale, a.lo, a.hi, a.names, a.one)
	}
	for _, m := range d.marks {
		fmt.Fprintf(&b, "%-5s", m.shape)
		for _, p := range m.at {
			fmt.Fprintf(&b, " %.4g,%.4g", p.x, p.y)
		}
		if m.text != "" {
			fmt.Fprintf(&b, " %q", m.text)
		}
		fmt.Fprintf(&b, " %s\n", m.look.describe())
	}
	for _, e := range d.legend {
		fmt.Fprintf(&b, "means %s: %s %s\n", e.text, strings.Join(e.shapes, "+"), e.look.describe())
	}
	return b.String()
}

func (l look) describe() string {
	s := string(l.ink)
	if l.face != none {
		s += fmt.Sprintf(" on %s (tint %.2g)", l.face, l.tint)
	}
	if l.dash > 0 || l.glyph > 0 {
		s += fmt.Sprintf(" dash %d, glyph %d", l.dash, l.glyph)
	}
	return s
}

// TestNothingIsCutOff: in each sample, all texts are inside of the canvas, and none is on
// top of another.
func TestNothingIsCutOff(t *testing.T) {
	for _, f := range samples() {
		d, err := compose(f)
		require.NoError(t, err, f.ID)
		l := d.layout()
		texts := textsOf(l)
		require.NotEmpty(t, texts, f.ID)
		for i, a := range texts {
			require.True(t, a.lo.X >= 0 && a.lo.Y >= 0 && a.hi.X <= l.canvas.X && a.hi.Y <= l.canvas.Y, "%s: %q is at %v to %v of %v", f.ID, a.text, a.lo, a.hi, l.canvas)
			for _, b := range texts[:i] {
				require.False(t, a.lo.X < b.hi.X && b.lo.X < a.hi.X && a.lo.Y < b.hi.Y && b.lo.Y < a.hi.Y, "%s: %q is over %q", f.ID, a.text, b.text)
			}
		}
	}
}

// drawnText is a text with the corners of what it covers.
type drawnText struct {
	text   string
	lo, hi vg.Point
}

// textsOf are those that a layout draws. Descenders are left out.
func textsOf(l *layout) (texts []drawnText) {
	var c recorder.Canvas
	l.paint(draw.NewCanvas(&c, l.canvas.X, l.canvas.Y))
	for _, a := range c.Actions {
		if s, ok := a.(*recorder.FillString); ok {
			face := titleText.Handler.Cache().Lookup(s.Font, s.Size)
			texts = append(texts, drawnText{s.String, s.Point, s.Point.Add(vg.Point{X: face.Width(s.String), Y: s.Size * 0.72})})
		}
	}
	return texts
}

func TestSave(t *testing.T) {
	dir := *keep
	if dir == "" {
		dir = t.TempDir()
	}
	for _, f := range samples() {
		require.NoError(t, Save(dir, f), f.ID)
		b, err := os.ReadFile(filepath.Join(dir, f.ID+".png"))
		require.NoError(t, err)
		img, err := png.Decode(bytes.NewReader(b))
		require.NoError(t, err)
		require.GreaterOrEqual(t, img.Bounds().Dx(), 2*int(canvasWidth))
		svg, err := os.ReadFile(filepath.Join(dir, f.ID+".svg"))
		require.NoError(t, err)
		require.Contains(t, string(svg), "sans-serif")
		require.NotRegexp(t, "NaN|Inf", string(svg))
		again, err := Render(f, "svg")
		require.NoError(t, err)
		require.Equal(t, svg, again, "the same figure gives the same bytes")
	}
}

func TestRefused(t *testing.T) {
	bars := facts.Figure{ID: "f", Kind: facts.FigureBars, X: facts.Scale{Categories: []string{"a"}}}
	_, err := Render(bars, "svg")
	require.ErrorIs(t, err, ErrNoData)

	bars.Series = []facts.Series{{Name: "s", Points: []facts.Point{{X: 0, Y: 1}}}}
	_, err = Render(bars, "gif")
	require.ErrorIs(t, err, ErrFormat)
	require.EqualError(t, err, `figure f: unknown format: "gif", want one of ["svg" "png"]`)

	bars.Series[0].Points[0].X = 1
	_, err = Render(bars, "svg")
	require.EqualError(t, err, `figure f: bad figure: series "s", point 0: category 1 of 1`)

	pie := bars
	pie.Kind = "pie"
	require.ErrorContains(t, Save(t.TempDir(), pie), `kind "pie", want one of ["bars" "curve" "heat" "lines" "stack" "waterfall"]`)

	fall := bars
	fall.Kind = facts.FigureWaterfall
	_, err = Render(fall, "svg")
	require.ErrorIs(t, err, ErrFigure)
}

// TestLostValuesAreSaid: a log axis has no place for 0, and the legend counts it.
func TestLostValuesAreSaid(t *testing.T) {
	f := facts.Figure{Kind: facts.FigureLines, Y: facts.Scale{Log: true}, Series: []facts.Series{{Name: "s", Points: []facts.Point{{X: 1}, {X: 2, Y: 1}}}}}
	d, err := compose(f)
	require.NoError(t, err)
	require.Equal(t, "not drawn: 1 values of 0 or less", d.legend[len(d.legend)-1].text)

	below := facts.Number(-1)
	f.Series[0].Points[1].Lo, f.Series[0].Points[1].Hi = &below, &f.Series[0].Points[1].Y
	svg, err := Render(f, "svg")
	require.NoError(t, err)
	require.NotContains(t, string(svg), "NaN", "an interval that begins below 0 ends at the axis")

	f.Series[0].Points = f.Series[0].Points[:1]
	d, err = compose(f)
	require.NoError(t, err)
	require.Equal(t, linear, d.y.scale, "nothing but zeros: drawn all the same")
}

func TestWhiskersAreNamed(t *testing.T) {
	f := goldens()[0]
	f.Whiskers = "bounds of the verdict"
	d, err := compose(f)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(d.legend, func(e entry) bool { return e.text == f.Whiskers }))
}

func TestTicks(t *testing.T) {
	labels := func(a axis, length vg.Length) (out []string) {
		for _, tick := range a.ticks(length, func(s string) vg.Length { return 6 * vg.Length(len(s)) }) {
			if tick.label != "" {
				out = append(out, tick.label)
			}
		}
		return out
	}
	require.Equal(t, []string{"1", "2", "5", "10", "20", "50", "100", "200", "500", "1,000"}, labels(axis{scale: logScale, lo: 1, hi: 1000}, 400))
	require.Equal(t, []string{"1", "10", "100", "1,000"}, labels(axis{scale: logScale, lo: 1, hi: 1000}, 150))
	require.Equal(t, []string{"0.01", "1", "100", "10,000"}, labels(axis{scale: logScale, lo: 0.001, hi: 1e5}, 150), "every second power of ten")
	require.Equal(t, []string{"0.9", "1", "1.1", "1.2"}, labels(axis{scale: logScale, lo: 0.86, hi: 1.25}, 150), "less than a decade")
	require.Equal(t, []string{"50", "100", "200", "300"}, labels(axis{scale: logScale, lo: 48, hi: 420}, 250))
	require.Equal(t, []string{"0", "50", "100"}, labels(axis{scale: linear, hi: 100}, 60))
	require.Equal(t, []string{"0", "50", "75", "90", "95", "99", "99.9"}, labels(percentileAxis("", 99.8), 300))
}

// TestSharesEndAt100: intervals do not widen an axis of shares.
func TestSharesEndAt100(t *testing.T) {
	e := nothing
	e.point(band(0, 98, 0.2))
	require.InDelta(t, 100, numberAxis(facts.Scale{Label: "share, %"}, e).hi, 0)
	e.point(band(0, 180, 0.2))
	require.Greater(t, numberAxis(facts.Scale{Label: "CPU, % of one core"}, e).hi, 180.0)
}

func TestWrap(t *testing.T) {
	require.Equal(t, []string{"one two", "three"}, wrap("one two three", tickText, 40, 3))
	require.Equal(t, []string{"wal=perready,", "sync=group"}, wrap("wal=perready,sync=group", tickText, 60, 3))
	lines := wrap("one two three four five six", tickText, 40, 2)
	require.Equal(t, "one two", lines[0])
	require.True(t, strings.HasSuffix(lines[1], "…"))
	require.LessOrEqual(t, widthOf(tickText, lines), vg.Length(40))
}
