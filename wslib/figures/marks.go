package figures

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// shapes are outlines of marks of about the same area, in radii around the middle. There
// are nine, so that with seven hues the first 63 series are all different.
var shapes = [...][]vg.Point{
	regular(24, 0, 1),            // circle
	regular(4, math.Pi/4, 1.2),   // square
	regular(3, math.Pi/2, 1.35),  // triangle
	regular(4, 0, 1.25),          // diamond
	regular(3, -math.Pi/2, 1.35), // triangle on its tip
	cross(0, 1.3, 0.42),          // plus
	cross(math.Pi/4, 1.3, 0.42),  // x
	regular(3, math.Pi, 1.35),    // triangle to the left
	alternating(5, 1.55, 0.62),   // star
}

// referenceShape is of the point that is not ours.
var referenceShape = alternating(8, 1.6, 0.75)

// regular is a polygon with a corner at an angle.
func regular(n int, angle, radius float64) []vg.Point {
	var p []vg.Point
	for i := range n {
		p = append(p, polar(angle+2*math.Pi*float64(i)/float64(n), radius))
	}
	return p
}

// alternating is a star with a tip at the top.
func alternating(tips int, outer, inner float64) []vg.Point {
	var p []vg.Point
	for i := range 2 * tips {
		r := outer
		if i%2 == 1 {
			r = inner
		}
		p = append(p, polar(math.Pi/2+math.Pi*float64(i)/float64(tips), r))
	}
	return p
}

// cross is four arms of half a width, the first at an angle.
func cross(angle, length, half float64) []vg.Point {
	var p []vg.Point
	for i := range 4 {
		a := angle + math.Pi/2*float64(i)
		out, side := polar(a, 1), polar(a+math.Pi/2, 1)
		for _, at := range [][2]float64{{length, -half}, {length, half}, {half, half}} {
			p = append(p, vg.Point{
				X: out.X*vg.Length(at[0]) + side.X*vg.Length(at[1]),
				Y: out.Y*vg.Length(at[0]) + side.Y*vg.Length(at[1]),
			})
		}
	}
	return p
}

func polar(angle, radius float64) vg.Point {
	return vg.Point{X: vg.Length(radius * math.Cos(angle)), Y: vg.Length(radius * math.Sin(angle))}
}

// shape is that of the i-th series.
func shape(i int) []vg.Point { return shapes[i%len(shapes)] }

// mark draws a shape of a radius: filled for real data, open for stand-in data.
func mark(c draw.Canvas, outline []vg.Point, clr color.Color, at vg.Point, radius vg.Length, open bool) {
	p := make([]vg.Point, len(outline), len(outline)+1)
	for i, o := range outline {
		p[i] = at.Add(o.Scale(radius))
	}
	edge := draw.LineStyle{Color: white, Width: 0.6} // keeps marks on one another apart
	fill := clr
	if open {
		edge = draw.LineStyle{Color: clr, Width: 1.3}
		fill = white
	}
	c.FillPolygon(fill, p)
	c.StrokeLines(edge, append(p, p[0]))
}

// legendEntry is a swatch and what it means.
type legendEntry struct {
	label  string
	swatch func(c draw.Canvas, at vg.Point) // about the middle of 22 points
}

const (
	legendSwatch = 22
	legendRow    = 15
)

// legendRows puts entries into as few rows of a width as their order lets.
func legendRows(entries []legendEntry, width vg.Length) [][]legendEntry {
	sty := style(textSize, black)
	var rows [][]legendEntry
	x := width
	for _, e := range entries {
		e.label = shorten(e.label, sty, width/3)
		w := legendSwatch + sty.Width(e.label) + 14
		if x += w; x-14 > width || rows == nil {
			rows = append(rows, nil)
			x = w
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
	}
	return rows
}

// drawLegend draws rows from the top.
func drawLegend(c draw.Canvas, rows [][]legendEntry) {
	sty := style(textSize, black)
	y := c.Max.Y - legendRow/2
	for _, row := range rows {
		x := c.Min.X
		for _, e := range row {
			e.swatch(c, vg.Point{X: x + 9, Y: y})
			beside(c, sty, x+legendSwatch, y, e.label)
			x += legendSwatch + sty.Width(e.label) + 14
		}
		y -= legendRow
	}
}
