// Package figures draws the charts of the notebooks and of the README: samples of
// the data, contribution density, occupancy, the course of an optimization,
// accuracy before and after, memory, and times.
//
// Each function takes the values that a stage returns and gives a [Figure]; the
// same values give the same bytes. Colours are those of Okabe and Ito, which
// colour-blind readers can tell apart.
package figures

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"image/color"
	"regexp"
	"strings"
	"weightsep/datasets/files"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Figure is a chart and the size that it is meant to be shown at.
type Figure struct {
	Title         string // what it shows, in one sentence
	Width, Height vg.Length

	draw func(draw.Canvas)
}

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
	s := svgStart.ReplaceAllLiteralString(b.String(), fmt.Sprintf(
		`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"`+
			` width="%.0f" height="%.0f" viewBox="0 0 %.5g %.5g" style="max-width:100%%"`+
			` role="img"><title>%s</title>`, f.Width.Points()*96/72, f.Height.Points()*96/72,
		f.Width.Points(), f.Height.Points(), html.EscapeString(f.Title)))
	i := -1
	s = svgText.ReplaceAllStringFunc(s, func(string) string {
		i++
		return fmt.Sprintf(`<text textLength="%.5g" lengthAdjust="spacingAndGlyphs" `, c.widths[i].Points())
	})
	s = svgFamily.ReplaceAllLiteralString(s, families)
	return strings.NewReplacer("data:image/jpg;", "data:image/png;", // vgsvg encodes PNG
		"<image ", `<image preserveAspectRatio="none" style="image-rendering:pixelated" `).Replace(s), nil
}

// Save writes the figure to an SVG file, whole or not at all.
func (f *Figure) Save(path string) error {
	s, err := f.SVG()
	if err != nil {
		return err
	}
	return files.WritePath(path, []byte(s))
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

var (
	svgStart  = regexp.MustCompile(`(?s)^.*?<svg[^>]*>`)
	svgText   = regexp.MustCompile(`<text `)
	svgFamily = regexp.MustCompile(`font-family:[^;]*;font-variant:[^;]*;`)
)

// families are fonts with the metrics of Liberation Sans, and what is left.
const families = "font-family:Liberation Sans,Arimo,Helvetica,Arial,sans-serif;"
