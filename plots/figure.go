package plots

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Formats are the file name extensions that Render accepts.
var Formats = []string{"svg", "png"}

// The Okabe-Ito palette, as far as it is used.
var (
	blue       = color.RGBA{R: 0x00, G: 0x72, B: 0xB2, A: 0xFF}
	vermillion = color.RGBA{R: 0xD5, G: 0x5E, B: 0x00, A: 0xFF}
	green      = color.RGBA{R: 0x00, G: 0x9E, B: 0x73, A: 0xFF}
	orange     = color.RGBA{R: 0xE6, G: 0x9F, B: 0x00, A: 0xFF}
	purple     = color.RGBA{R: 0xCC, G: 0x79, B: 0xA7, A: 0xFF}
	skyBlue    = color.RGBA{R: 0x56, G: 0xB4, B: 0xE9, A: 0xFF}
	grey       = color.RGBA{R: 0x8C, G: 0x8C, B: 0x8C, A: 0xFF}
	gridGrey   = color.RGBA{R: 0xE2, G: 0xE2, B: 0xE2, A: 0xFF}
)

// sans is the variant of gonum/plot's built-in Liberation fonts in which all
// text is set.
const sans font.Variant = "Sans"

// pngDPI gives 7-inch figures about 1,000 pixels.
const pngDPI = 144

// Figure is one drawing. It is drawn by one goroutine at a time.
type Figure struct {
	// Name is the file name without extension, unique in a run.
	Name string
	// Caption says what is drawn and what to see, for a line under the figure.
	Caption string

	width, height vg.Length
	plot          *plot.Plot
	legend        []legendEntry
}

// legendEntry is one line or dot with its meaning.
type legendEntry struct {
	text  string
	thumb plot.Thumbnailer
}

// newFigure returns a figure with the house style and no data.
func newFigure(name, title, xLabel, yLabel string) *Figure {
	p := plot.New()
	p.Title.Text, p.Title.Padding = title, vg.Points(8)
	p.Title.TextStyle.Font.Size = 11.5
	p.X.Label.Text, p.Y.Label.Text = xLabel, yLabel
	p.Title.TextStyle.Font.Variant = sans
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font.Variant, a.Tick.Label.Font.Variant = sans, sans
		a.Label.TextStyle.Font.Size = 11
		a.Label.Padding = vg.Points(4)
		a.Tick.Label.Font.Size = 9.5
	}
	return &Figure{Name: name, width: 7 * vg.Inch, height: 4.4 * vg.Inch, plot: p}
}

// describe adds an entry to the legend.
func (f *Figure) describe(text string, thumb plot.Thumbnailer) {
	f.legend = append(f.legend, legendEntry{text, thumb})
}

// Render draws the figure in one of Formats and returns the file's content.
func (f *Figure) Render(format string) ([]byte, error) {
	var c vg.CanvasWriterTo
	switch format {
	case "svg":
		c = vgsvg.New(f.width, f.height)
	case "png":
		c = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(pngDPI))}
	default:
		return nil, fmt.Errorf("figure %s: format %q, want one of %q", f.Name, format, Formats)
	}
	f.draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("figure %s: %w", f.Name, err)
	}
	return b.Bytes(), nil
}

// Save writes the figure in all Formats into dir, which must exist.
func (f *Figure) Save(dir string) error {
	for _, format := range Formats {
		b, err := f.Render(format)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name+"."+format), b, 0o644); err != nil {
			return fmt.Errorf("figure %s: %w", f.Name, err)
		}
	}
	return nil
}

// Layout of a figure:
//
//	+--------------------------------+
//	|             title              |
//	|  y |  data                     |
//	|    +-------------------------  |
//	|             x label            |
//	|  -- entry   o entry            |  legend strip, a line or more
//	+--------------------------------+
const (
	margin      = vg.Length(10)
	stripHeight = vg.Length(20)
	thumbWidth  = vg.Length(22)
	thumbHeight = vg.Length(9)
	entryGap    = vg.Length(18)
)

// draw lays out title, axes and legend on c.
func (f *Figure) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	inner := draw.Crop(c, margin, -margin-6, margin, -margin)
	style := text.Style{Font: font.Font{Typeface: plot.DefaultFont.Typeface, Variant: sans, Size: 10}, Handler: plot.DefaultTextHandler, Color: color.Black, YAlign: draw.YCenter}
	lines := f.legendLines(style, inner.Max.X-inner.Min.X)
	f.plot.Draw(draw.Crop(inner, 0, 0, stripHeight*vg.Length(max(1, len(lines))), 0))
	for i, line := range lines {
		y := inner.Min.Y + stripHeight/3 + stripHeight*vg.Length(len(lines)-1-i)
		f.drawLegend(c, style, line, (inner.Min.X+inner.Max.X)/2, y)
	}
}

// entryWidth is what an entry takes, the gap to the next included.
func entryWidth(style text.Style, e legendEntry) vg.Length {
	return thumbWidth + 5 + style.Width(e.text) + entryGap
}

// legendLines breaks the legend into as many lines as the width demands, of
// about the same number of entries.
func (f *Figure) legendLines(style text.Style, width vg.Length) [][]legendEntry {
	all := vg.Length(-entryGap)
	for _, e := range f.legend {
		all += entryWidth(style, e)
	}
	if len(f.legend) == 0 {
		return nil
	}
	lines := int(all/width) + 1
	return slices.Collect(slices.Chunk(f.legend, (len(f.legend)+lines-1)/lines))
}

// drawLegend draws one line of the legend around the middle x.
func (f *Figure) drawLegend(c draw.Canvas, style text.Style, line []legendEntry, middle, y vg.Length) {
	x := middle + entryGap/2
	for _, e := range line {
		x -= entryWidth(style, e) / 2
	}
	for _, e := range line {
		icon := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: x, Y: y - thumbHeight/2},
			Max: vg.Point{X: x + thumbWidth, Y: y + thumbHeight/2},
		}}
		e.thumb.Thumbnail(&icon)
		x += thumbWidth + 5
		c.FillText(style, vg.Point{X: x, Y: y}, e.text)
		x += style.Width(e.text) + entryGap
	}
}
