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
	"image"
	"image/color"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
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

// PNG returns the figure as a picture of twice the resolution that it is shown at.
func (f *Figure) PNG() ([]byte, error) {
	return f.png(2 * 96)
}

func (f *Figure) png(dpi int) ([]byte, error) {
	var c *vgimg.Canvas
	err := f.render(func() vg.CanvasSizer {
		c = vgimg.NewWith(vgimg.UseWH(f.Width, f.Height), vgimg.UseDPI(dpi))
		return sharpCanvas{c}
	})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: c}).WriteTo(&b); err != nil {
		return nil, fmt.Errorf("figures: %w", err)
	}
	return b.Bytes(), nil
}

// Save writes the figure to a file, as SVG or PNG by the extension of its name.
// The file is written whole or not at all.
func (f *Figure) Save(path string) error {
	var data []byte
	var err error
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".svg":
		var s string
		s, err = f.SVG()
		data = []byte(s)
	case ".png":
		data, err = f.PNG()
	default:
		err = fmt.Errorf("figures: %s: extension %q: want .svg or .png", path, ext)
	}
	if err != nil {
		return err
	}
	return renameio.WriteFile(path, data, 0o644)
}

// render draws the figure on white, on a canvas made here because plotting code
// panics on what it cannot draw, from the size of the canvas on.
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

// sharpCanvas draws images with square pixels, where vgimg's canvas blurs them.
type sharpCanvas struct{ *vgimg.Canvas }

func (c sharpCanvas) DrawImage(rect vg.Rectangle, m image.Image) {
	b := m.Bounds()
	times := max(1, 240/max(1, b.Dx(), b.Dy()))
	large := image.NewNRGBA(image.Rect(0, 0, b.Dx()*times, b.Dy()*times))
	for y := range b.Dy() * times {
		for x := range b.Dx() * times {
			large.Set(x, y, m.At(b.Min.X+x/times, b.Min.Y+y/times))
		}
	}
	c.Canvas.DrawImage(rect, large)
}
