// Package figures draws the charts of the notebooks and of the README: samples of
// the data, contribution density, occupancy, the course of an optimization,
// accuracy before and after, memory, and times.
//
// Each function takes the values that a stage returns and gives a [Figure]; the
// same values give the same bytes. Colours are those of Okabe and Ito, which
// colour-blind readers can tell apart.
package figures

import (
	"errors"
	"fmt"
	"image/color"

	"github.com/google/renameio/v2"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
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
		c = newSVGCanvas(f.Width, f.Height)
		return c
	})
	if err != nil {
		return "", err
	}
	return c.element(f.Title)
}

// Save writes the figure to an SVG file, whole or not at all.
func (f *Figure) Save(path string) error {
	s, err := f.SVG()
	if err != nil {
		return err
	}
	return renameio.WriteFile(path, []byte(s), 0o644)
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
