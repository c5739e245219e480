package plots

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"metastorebench/harness/facts"
)

// Formats are the formats that Render accepts, and the extensions of Save's files.
var Formats = []string{"svg", "png"}

// Errors.
var (
	// ErrNoData: the figure has no point that can be drawn.
	ErrNoData = errors.New("no data")
	// ErrFigure: the figure is none, e.g. of an unknown kind.
	ErrFigure = errors.New("bad figure")
	// ErrFormat: the format is not one of Formats.
	ErrFormat = errors.New("unknown format")
)

// kinds are what draws each kind of figure.
var kinds = map[string]func(facts.Figure) *drawing{
	facts.FigureBars:      bars,
	facts.FigureLines:     lines,
	facts.FigureWaterfall: waterfall,
	facts.FigureHeat:      heat,
	facts.FigureStack:     stack,
	facts.FigureCurve:     curve,
}

// Save writes a figure in all Formats into dir, which must exist, as ID.svg and ID.png.
func Save(dir string, f facts.Figure) error {
	d, err := compose(f)
	if err != nil {
		return err
	}
	for _, format := range Formats {
		b, err := d.render(format)
		if err != nil {
			return fmt.Errorf("figure %s: %w", f.ID, err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.ID+"."+format), b, 0o644); err != nil {
			return fmt.Errorf("figure %s: %w", f.ID, err)
		}
	}
	return nil
}

// Render returns a figure as a file of one of Formats: ErrNoData, ErrFigure or ErrFormat
// if it cannot.
func Render(f facts.Figure, format string) ([]byte, error) {
	d, err := compose(f)
	if err != nil {
		return nil, err
	}
	b, err := d.render(format)
	if err != nil {
		return nil, fmt.Errorf("figure %s: %w", f.ID, err)
	}
	return b, nil
}

// compose makes a figure into what is drawn.
func compose(f facts.Figure) (*drawing, error) {
	if err := check(f); err != nil {
		return nil, fmt.Errorf("figure %s: %w", f.ID, err)
	}
	if _, values := newDrawing(f).extents(); values == nothing { // a log axis would be empty
		f.X.Log, f.Y.Log = false, false
	}
	if _, values := newDrawing(f).extents(); values == nothing {
		return nil, fmt.Errorf("figure %s: %w", f.ID, ErrNoData)
	}
	return kinds[f.Kind](f), nil
}

// check finds what would make a figure fail to be drawn.
func check(f facts.Figure) error {
	if kinds[f.Kind] == nil {
		return fmt.Errorf("%w: kind %q, want one of %q", ErrFigure, f.Kind, slices.Sorted(maps.Keys(kinds)))
	}
	numbered := f.Kind == facts.FigureCurve || f.Kind == facts.FigureLines && len(f.X.Categories) == 0
	for _, s := range f.Series {
		for i, p := range s.Points {
			if n := len(f.X.Categories); !numbered && (p.X < 0 || int(p.X) >= n) {
				return fmt.Errorf("%w: series %q, point %d: category %g of %d", ErrFigure, s.Name, i, float64(p.X), n)
			}
			if n := len(f.Y.Categories); f.Kind == facts.FigureHeat && (p.Row < 0 || p.Row >= n) {
				return fmt.Errorf("%w: series %q, point %d: row %d of %d", ErrFigure, s.Name, i, p.Row, n)
			}
		}
	}
	if f.Kind == facts.FigureWaterfall {
		return checkWaterfall(f)
	}
	return nil
}

// checkWaterfall refuses series that are not a start, items and an end, all positive.
func checkWaterfall(f facts.Figure) error {
	for _, s := range f.Series {
		if s.Style != facts.StyleMeasured || len(s.Points) != len(f.X.Categories) || len(s.Points) < 2 {
			return fmt.Errorf("%w: series %q: %d points for %d categories of a waterfall, which is of measured series", ErrFigure, s.Name, len(s.Points), len(f.X.Categories))
		}
		for i, p := range s.Points {
			if p.Y <= 0 || int(p.X) != i {
				return fmt.Errorf("%w: series %q, point %d: %g at category %g, want a positive number at its own", ErrFigure, s.Name, i, float64(p.Y), float64(p.X))
			}
		}
	}
	return nil
}

// fallback lets a viewer without Liberation Sans take a font of the same widths.
var fallback = [2][]byte{[]byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")}

// render draws on a new canvas.
func (d *drawing) render(format string) ([]byte, error) {
	l := d.layout()
	var c vg.CanvasWriterTo
	switch format {
	case "svg":
		c = vgsvg.New(l.canvas.X, l.canvas.Y)
	case "png":
		c = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(l.canvas.X, l.canvas.Y), vgimg.UseDPI(pngDPI))}
	default:
		return nil, fmt.Errorf("%w: %q, want one of %q", ErrFormat, format, Formats)
	}
	l.paint(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, err
	}
	if format != "svg" {
		return b.Bytes(), nil
	}
	named := fmt.Sprintf(`<svg role="img" aria-label="%s" `, html.EscapeString(d.title))
	out := bytes.Replace(b.Bytes(), []byte("<svg "), []byte(named), 1)
	return bytes.ReplaceAll(out, fallback[0], fallback[1]), nil
}
