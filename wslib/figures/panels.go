package figures

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// panels lays out n small multiples of a size, row by row from the top.
type panels struct {
	n, cols int
	w, h    vg.Length
}

// height is that of all rows.
func (p panels) height() vg.Length { return vg.Length((p.n+p.cols-1)/p.cols) * p.h }

// panel is the i-th part of a canvas.
func (p panels) panel(c draw.Canvas, i int) draw.Canvas {
	x, y := c.Min.X+vg.Length(i%p.cols)*p.w, c.Max.Y-vg.Length(i/p.cols)*p.h
	return draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
		Min: vg.Point{X: x, Y: y - p.h}, Max: vg.Point{X: x + p.w, Y: y}}}
}

// lowest tells whether the i-th panel is the last of its column.
func (p panels) lowest(i int) bool { return i+p.cols >= p.n }

// nameBelow writes what the lower axes of all panels are.
func nameBelow(c draw.Canvas, name string) {
	sty := aligned(style(textSize, black), text.XCenter, text.YBottom)
	c.FillText(sty, vg.Point{X: (c.Min.X + c.Max.X) / 2, Y: c.Min.Y}, name)
}

// nameLeft writes, upright, what the left axes of all panels are.
func nameLeft(c draw.Canvas, name string) {
	sty := aligned(style(textSize, black), text.XCenter, text.YTop)
	sty.Rotation = math.Pi / 2
	c.FillText(sty, vg.Point{X: c.Min.X, Y: (c.Min.Y + c.Max.Y) / 2}, name)
}

// axes are the scales of a panel. Labels are outside of its canvas, so that panels
// below one another are aligned however long their labels are.
type axes struct {
	draw.Canvas
	xmin, xmax, ymin, ymax float64
}

func (a axes) x(v float64) vg.Length {
	return a.Min.X + vg.Length((v-a.xmin)/(a.xmax-a.xmin))*(a.Max.X-a.Min.X)
}

func (a axes) y(v float64) vg.Length {
	return a.Min.Y + vg.Length((v-a.ymin)/(a.ymax-a.ymin))*(a.Max.Y-a.Min.Y)
}

// lines draws a horizontal line at each tick, and its label at the left.
func (a axes) lines(at []plot.Tick) {
	sty := aligned(style(smallSize, black), text.XRight, text.YCenter)
	for _, t := range at {
		y := a.y(t.Value)
		a.StrokeLine2(draw.LineStyle{Color: lightGrey, Width: 0.5}, a.Min.X, y, a.Max.X, y)
		beside(a.Canvas, sty, a.Min.X-3, y, t.Label)
	}
}

// base draws the axis below, with ticks, and their labels if wanted.
func (a axes) base(at []plot.Tick, labels bool) {
	line := draw.LineStyle{Color: grey, Width: 0.5}
	a.StrokeLine2(line, a.Min.X, a.Min.Y, a.Max.X, a.Min.Y)
	sty := aligned(style(smallSize, black), text.XCenter, text.YTop)
	for _, t := range at {
		x := a.x(t.Value)
		a.StrokeLine2(line, x, a.Min.Y, x, a.Min.Y-2)
		if labels {
			a.FillText(sty, vg.Point{X: x, Y: a.Min.Y - 3}, t.Label)
		}
	}
}
