package plots

import (
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"metastorebench/harness/facts"
)

// hue is a colour of the palette.
type hue string

const (
	none       hue = ""
	blue       hue = "blue"
	vermillion hue = "vermillion"
	green      hue = "green"
	orange     hue = "orange"
	purple     hue = "purple"
	sky        hue = "sky"
	yellow     hue = "yellow"
	black      hue = "black"
	grey       hue = "grey"
	pale       hue = "pale"
	white      hue = "white"
)

// palette is Okabe and Ito's, with greys.
var palette = map[hue]color.RGBA{
	blue:       {0x00, 0x72, 0xB2, 0xFF},
	vermillion: {0xD5, 0x5E, 0x00, 0xFF},
	green:      {0x00, 0x9E, 0x73, 0xFF},
	orange:     {0xE6, 0x9F, 0x00, 0xFF},
	purple:     {0xCC, 0x79, 0xA7, 0xFF},
	sky:        {0x56, 0xB4, 0xE9, 0xFF},
	yellow:     {0xF0, 0xE4, 0x42, 0xFF},
	black:      {0x00, 0x00, 0x00, 0xFF},
	grey:       {0x80, 0x80, 0x80, 0xFF},
	pale:       {0xDD, 0xDD, 0xDD, 0xFF},
	white:      {0xFF, 0xFF, 0xFF, 0xFF},
}

// Series take hues in this order; where words are shown, those that words do not have.
var (
	seriesHues = []hue{blue, vermillion, green, orange, purple, sky, black, yellow}
	wordedHues = []hue{black, orange, green, purple, sky, yellow}
)

// dashes are lengths of lines and gaps in points, by place; the first is solid.
var dashes = [][]vg.Length{nil, {6, 2.5}, {1.5, 2}, {8, 2, 1.5, 2}, {3, 3}, {12, 3}, {8, 2, 1.5, 2, 1.5, 2}, {12, 2, 4, 2}}

// Places in dashes, and a glyph, of what is no series.
const (
	dotted    = 2
	shortDash = 4
	longDash  = 5
	diamond   = 3
)

// Lengths in points. A figure is canvasWidth wide, or more if its columns need it; bars
// and rows make it high.
const (
	canvasWidth = vg.Length(560)
	linesHeight = vg.Length(250)
	barHeight   = vg.Length(12)
	rowGap      = vg.Length(9)
	cellHeight  = vg.Length(30)
	narrow      = vg.Length(64) // the least and greatest widths of a column
	wide        = vg.Length(96)
	nameWidth   = vg.Length(170) // of a row's name before it is wrapped
	margin      = vg.Length(12)
	gap         = vg.Length(5)
	radius      = vg.Length(3.4) // of glyphs
	thin        = vg.Length(0.8)
	thumbWidth  = vg.Length(24)
	capLength   = vg.Length(2.5)
	tickLength  = vg.Length(4)
	pngDPI      = 144
)

// The most lines of a text before it is shortened.
const (
	titleLines = 3
	labelLines = 2
	nameLines  = 4
)

// Texts.
var (
	titleText = bold(lettering(12))
	labelText = lettering(10)
	tickText  = lettering(9)
	markText  = lettering(8)
)

// lettering is a text style in the sans serif that gonum/plot brings along.
func lettering(size vg.Length) text.Style {
	return text.Style{Font: font.Font{Typeface: plot.DefaultFont.Typeface, Variant: "Sans", Size: size}, Handler: plot.DefaultTextHandler}
}

func bold(s text.Style) text.Style {
	s.Font.Weight = 3 // its name is in a module that nothing else here needs
	return s
}

// look is how a mark is drawn. The zero value of a part says that it has none.
type look struct {
	ink   hue       // of lines and outlines
	face  hue       // inside of bars and glyphs
	tint  float64   // how far the face is faded to white, 0 to 1
	width vg.Length // of lines
	dash  int       // place in dashes
	glyph int       // number of the glyph, see outline
}

// The looks of the axes' parts.
var (
	gridLook = look{ink: pale, width: 0.5}
	edgeLook = look{ink: grey, width: thin}
	oneLook  = look{ink: grey, width: 1.2}
)

// seriesLook is that of the i-th of n series. Those with the same hue differ in the rest.
func seriesLook(i, n int, worded bool) look {
	hues := seriesHues
	if worded {
		hues = wordedHues
	}
	h, other := hues[i%len(hues)], i+i/len(dashes)
	return look{ink: h, face: h, width: 1.4 + vg.Length(n-1-i)/vg.Length(n), dash: other % len(dashes), glyph: other % len(dashes)}
}

// styleLook is that of a series that was not measured; of is the look of the series that
// it belongs to. A fit has that one's dash, unless it is solid.
func styleLook(style string, of look) look {
	switch style {
	case facts.StyleFit:
		l := look{ink: of.ink, width: of.width * 0.75, dash: of.dash}
		if l.dash == 0 {
			l.dash = shortDash
		}
		return l
	case facts.StyleTarget:
		return look{ink: of.ink, width: 1.8, dash: dotted}
	case facts.StyleLimit:
		return look{ink: of.ink, width: 1.4, dash: longDash}
	}
	return look{ink: of.ink, width: 2.2} // a ceiling
}

// marked is the look of a glyph on a bar: of its own face with a dark edge.
func (l look) marked() look { return look{ink: black, face: l.face, width: thin, glyph: l.glyph} }

// Words that points can have, in the legend's order, with their faces and marks.
var words = []struct {
	text, mark string
	face       hue
}{
	{text: "better", face: blue},
	{text: "worse", face: vermillion},
	{text: "different", face: purple}, // neither for the better nor for the worse
	{text: "equivalent", mark: " =", face: pale},
	{text: "not resolved", mark: " ?", face: white},
}

// wordOf is the place in words of a point's word; -1 if it has none. What is not known
// to be different or equivalent is not resolved.
func wordOf(p facts.Point) int {
	switch {
	case p.Word == "":
		return -1
	case p.Word == "equivalent":
		return 3
	case p.Word != "different":
		return 4
	case p.Better == "better":
		return 0
	case p.Better == "worse":
		return 1
	}
	return 2
}

// worded is a look with the face of a point's word, if it has one.
func (l look) worded(p facts.Point) look {
	if w := wordOf(p); w >= 0 {
		l.face = words[w].face
		if w > 2 {
			l.tint = 0
		}
	}
	return l
}

// fill is the colour of the face.
func (l look) fill() color.Color {
	c := palette[l.face]
	fade := func(v uint8) uint8 { return v + uint8(math.Round(float64(0xFF-v)*l.tint)) }
	return color.RGBA{fade(c.R), fade(c.G), fade(c.B), 0xFF}
}

// outline is a glyph's around at: circle, square, triangle, diamond, triangle on its
// point, star, cross, plus.
func outline(glyph int, at vg.Point) (pts []vg.Point) {
	type star struct {
		points int
		inner  float64 // radius of the inner corners; 0 for none
		turn   float64 // of the first corner, in degrees
		size   float64
	}
	s := []star{{24, 0, 0, 1}, {4, 0, 45, 1.2}, {3, 0, 90, 1.3}, {4, 0, 0, 1.25}, {3, 0, 270, 1.3},
		{5, 0.45, 90, 1.45}, {4, 0.4, 45, 1.5}, {4, 0.4, 0, 1.5}}[glyph]
	corner := func(degrees, out float64) {
		sin, cos := math.Sincos(degrees * math.Pi / 180)
		pts = append(pts, vg.Point{X: at.X + radius*vg.Length(cos*out), Y: at.Y + radius*vg.Length(sin*out)})
	}
	for i := range s.points {
		step := 360 / float64(s.points)
		corner(s.turn+float64(i)*step, s.size)
		if s.inner > 0 {
			corner(s.turn+(float64(i)+0.5)*step, s.size*s.inner)
		}
	}
	return pts
}

// lineHeight is the distance of two lines of a text, heightOf the height of some, and
// widthOf the width of the widest.
func lineHeight(s text.Style) vg.Length               { return s.Font.Size * 1.25 }
func heightOf(s text.Style, lines []string) vg.Length { return lineHeight(s) * vg.Length(len(lines)) }

func widthOf(s text.Style, lines []string) (w vg.Length) {
	for _, line := range lines {
		w = max(w, s.Width(line))
	}
	return w
}

// columnsWidth is what categories need along the x axis.
func columnsWidth(names []string) vg.Length {
	column := min(max(widthOf(tickText, names)/(nameLines-1), narrow), wide)
	return column * vg.Length(len(names))
}

// wrap breaks s into at most some lines: at spaces, or after punctuation, or anywhere.
// What is left over is an ellipsis.
func wrap(s string, style text.Style, width vg.Length, most int) (lines []string) {
	rest := []rune(strings.TrimSpace(s))
	for len(rest) > 0 {
		n := fitting(rest, style, width)
		if n < len(rest) && len(lines) == most-1 {
			for n = len(rest); n > 0 && style.Width(string(rest[:n])+"…") > width; {
				n--
			}
			return append(lines, strings.TrimSpace(string(rest[:n]))+"…")
		}
		lines = append(lines, strings.TrimSpace(string(rest[:n])))
		rest = []rune(strings.TrimSpace(string(rest[n:])))
	}
	return lines
}

// fitting is how many runes of s a line of width takes, at least one.
func fitting(s []rune, style text.Style, width vg.Length) int {
	n := len(s)
	for n > 1 && style.Width(string(s[:n])) > width {
		n--
	}
	for _, breaks := range []string{" ", "-,;/=+_:"} {
		for i := n; n < len(s) && i > n/3; i-- {
			if strings.ContainsRune(breaks, s[i-1]) || breaks == " " && s[i] == ' ' {
				return i
			}
		}
	}
	return n
}
