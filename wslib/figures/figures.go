// Package figures draws the charts of the notebooks, the README and the paper: samples of
// the data, Fisher information, contribution density, the page map, costs of overlapping,
// the course of an optimization, accuracy before and after, memory, and times.
//
// Each function takes the values that a stage returns and gives a [Figure]; the
// same values give the same bytes. A figure is a white card, also on a dark page, and fits
// a telephone's width. Colour-blind readers can tell its colours apart, and lines and
// marks differ in more than colour.
package figures

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"html"
	"image/color"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"

	"weightsep/datasets/files"
)

// Figure is a chart, its numbers, and the size that it is meant to be shown at.
type Figure struct {
	Title         string     // what it shows, in one sentence
	Shows         string     // how to read it: for those who hear it instead of seeing it, too
	Data          [][]string // the numbers that are drawn, below their names; nil: not said
	Width, Height vg.Length

	draw func(draw.Canvas)
}

// Formats are the endings of files that [Figure.Save] writes.
func Formats() []string { return []string{".svg", ".png", ".pdf", ".csv"} }

// SVG returns the figure as an svg element to put into a page as it is. Text is
// text, in a font that is there or one of the same metrics, and stretched to the
// width that the layout counts on where it is neither.
func (f *Figure) SVG() (string, error) {
	var c *svgCanvas
	err := f.render(func() vg.CanvasSizer {
		c = &svgCanvas{Canvas: vgsvg.NewWith(vgsvg.UseWH(f.Width, f.Height))}
		return c
	})
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", fmt.Errorf("figures: %w", err)
	}
	i := -1
	s := svgText.ReplaceAllStringFunc(b.String(), func(string) string {
		i++
		return fmt.Sprintf(`<text textLength="%.5g" lengthAdjust="spacingAndGlyphs" `, c.widths[i].Points())
	})
	s = svgFamily.ReplaceAllLiteralString(s, families)
	// Viewers of notebooks drop styles, and all would be black.
	s = svgStyle.ReplaceAllStringFunc(s, func(style string) string {
		return svgProperty.ReplaceAllString(style[len(`style="`):len(style)-1], `$1="$2" `)
	})
	s = svgStart.ReplaceAllLiteralString(s, fmt.Sprintf(
		`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"`+
			` width="%.0f" height="%.0f" viewBox="0 0 %.5g %.5g" style="max-width:100%%"`+
			` role="img"><title>%s</title><desc>%s</desc>`, f.Width.Points()*96/72, f.Height.Points()*96/72,
		f.Width.Points(), f.Height.Points(), html.EscapeString(f.Title), html.EscapeString(f.Shows)))
	return strings.NewReplacer("data:image/jpg;", "data:image/png;", // vgsvg encodes PNG
		"<image ", `<image preserveAspectRatio="none" style="image-rendering:pixelated" `).Replace(s), nil
}

// Save writes the figure to a file, whole or not at all: its SVG, PNG or PDF, or its numbers as CSV,
// by the end of the name. The same figure gives the same bytes.
func (f *Figure) Save(path string) error {
	b, err := f.encode(filepath.Ext(path))
	if err != nil {
		return err
	}
	return files.WritePath(path, b)
}

// SaveAll saves the figure in each of [Formats], which end the name.
func (f *Figure) SaveAll(name string) error {
	for _, format := range Formats() {
		if err := f.Save(name + format); err != nil {
			return err
		}
	}
	return nil
}

func (f *Figure) encode(format string) ([]byte, error) {
	switch format {
	case ".svg":
		s, err := f.SVG()
		return []byte(s), err
	case ".csv":
		if f.Data == nil {
			return nil, fmt.Errorf("figures: %q has no numbers to save", f.Title)
		}
		var b bytes.Buffer
		err := csv.NewWriter(&b).WriteAll(f.Data)
		return b.Bytes(), err
	case ".png":
		return f.png(192) // twice the size that SVGs are shown at
	case ".pdf":
		return f.drawn(func() vg.CanvasWriterTo { return pdfCanvas{vgpdf.New(f.Width, f.Height)} })
	}
	return nil, fmt.Errorf("figures: format %q: want one of %v", format, Formats())
}

// The bytes of a PDF must not depend on when it is made, nor on the order of a map.
func init() {
	made := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	fpdf.SetDefaultCreationDate(made)
	fpdf.SetDefaultModificationDate(made)
	fpdf.SetDefaultCatalogSort(true)
}

func (f *Figure) png(dpi int) ([]byte, error) {
	return f.drawn(func() vg.CanvasWriterTo {
		c := vgimg.NewWith(vgimg.UseWH(f.Width, f.Height), vgimg.UseDPI(dpi))
		return vgimg.PngCanvas{Canvas: c}
	})
}

// drawn draws the figure on a canvas and returns what that writes.
func (f *Figure) drawn(canvas func() vg.CanvasWriterTo) ([]byte, error) {
	var to vg.CanvasWriterTo
	var b bytes.Buffer
	err := f.render(func() vg.CanvasSizer {
		to = canvas()
		return to.(vg.CanvasSizer)
	})
	if err == nil {
		_, err = to.WriteTo(&b)
	}
	return b.Bytes(), err
}

// render draws the figure on white. It makes the canvas, because plotting code panics on
// what it cannot draw, from the size of the canvas on.
func (f *Figure) render(canvas func() vg.CanvasSizer) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("figures: drawing %q: %v", f.Title, r)
		}
	}()
	if f.draw == nil {
		return errors.New("figures: an empty figure")
	}
	c := draw.New(canvas())
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	f.draw(c)
	return nil
}

// svgCanvas is vgsvg's canvas, made to render alike everywhere: it remembers the
// width of each text, which the plain one leaves to the browser's font.
type svgCanvas struct {
	*vgsvg.Canvas
	widths []vg.Length
}

func (c *svgCanvas) FillString(f font.Face, pt vg.Point, text string) {
	c.widths = append(c.widths, f.Width(text))
	c.Canvas.FillString(f, pt, text)
}

// pdfCanvas is vgpdf's canvas, which can embed one font and takes text in code page 1252. What is bold
// is written twice, and what the code page does not have is a question mark.
type pdfCanvas struct{ *vgpdf.Canvas }

func (c pdfCanvas) FillString(f font.Face, pt vg.Point, text string) {
	var page []byte
	for _, r := range text {
		switch {
		case r == '…':
			page = append(page, 0x85)
		case r < 0x80 || r >= 0xA0 && r <= 0xFF:
			page = append(page, byte(r))
		default:
			page = append(page, '?')
		}
	}
	if f.Font.Weight != xfont.WeightNormal {
		f.Font.Weight = xfont.WeightNormal
		f = font.DefaultCache.Lookup(f.Font, f.Font.Size)
		c.Canvas.FillString(f, pt.Add(vg.Point{X: f.Font.Size / 25}), string(page))
	}
	c.Canvas.FillString(f, pt, string(page))
}

var (
	svgStart  = regexp.MustCompile(`(?s)^.*?<svg[^>]*>`)
	svgText   = regexp.MustCompile(`<text `)
	svgFamily = regexp.MustCompile(`font-family:[^;]*;font-variant:[^;]*;`)
	svgStyle  = regexp.MustCompile(`style="[^"]*"`)
	// a property of a style
	svgProperty = regexp.MustCompile(`([a-z-]+):([^;]*);?`)
)

// families are fonts with the metrics of Liberation Sans, and what is left.
const families = "font-family:Liberation Sans,Arimo,Helvetica,Arial,sans-serif;"
