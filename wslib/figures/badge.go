package figures

import (
	"fmt"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/datasets"
)

// checkKind refuses what is neither real nor stand-in data.
func checkKind(kind string) error {
	if kind != datasets.Real && kind != datasets.StandIn {
		return fmt.Errorf("%q data: want %s or %s", kind, datasets.Real, datasets.StandIn)
	}
	return nil
}

// kindBadge says in the corner, in a colour of its own, what kind of data it is.
func kindBadge(c draw.Canvas, kind string) {
	badge(c, kind, c.Max.X-margin, c.Max.Y-margin+3, titleSize)
}

// badge writes a kind of data on its colour, left of x and below y, and returns where
// it begins.
func badge(c draw.Canvas, kind string, x, y, size vg.Length) vg.Length {
	clr := blue
	if kind == datasets.StandIn {
		clr = vermillion
	}
	sty := aligned(bold(style(size, white)), text.XCenter, text.YCenter)
	left := x - sty.Width(kind) - size*4/3
	fillRect(c, clr, left, y-size*3/2, x, y)
	c.FillText(sty, vg.Point{X: (left + x) / 2, Y: y - size*3/4}, kind)
	return left
}
