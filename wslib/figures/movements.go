package figures

import (
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/datasets"
)

// movementBand is a sensor's part of the panels of [Recordings], three traces.
type movementBand struct {
	label  string // sensor and unit
	lo, hi float64
}

// Heights of a band, its axis included, and of a panel with two.
const (
	bandHeight     = 78
	movementHeight = 13 + 2*bandHeight
)

// movementAxes are the traces of a band.
var movementAxes = []struct {
	label string
	clr   color.NRGBA
}{{"x", blue}, {"y", orange}, {"z", green}}

// movementBands are those of accelerometer and gyroscope, as high as all recordings need.
func movementBands(recordings []datasets.Recording) []movementBand {
	bands := make([]movementBand, 2)
	for i := range bands {
		b := &bands[i]
		first := recordings[0].Traces[3*i]
		sensor, _, _ := strings.Cut(first.Name, " ")
		b.label = sensor + " (" + first.Unit + ")"
		b.lo, b.hi = 0, 0 // resting is a level of its own
		for _, r := range recordings {
			for _, t := range r.Traces[3*i : 3*i+3] {
				for _, v := range t.Values {
					b.lo, b.hi = min(b.lo, v), max(b.hi, v)
				}
			}
		}
		if b.hi-b.lo < 0.1 { // noise of a sensor at rest
			b.lo, b.hi = b.lo-0.1, b.hi+0.1
		}
	}
	return bands
}

// drawMovement draws the six traces of a movement.
func drawMovement(c draw.Canvas, class string, traces []datasets.Trace, bands []movementBand, end float64, at []plot.Tick, lowest bool) {
	c.Min.X += 24 // the labels of the bands' axes
	panelName(c, class, c.Max.X-c.Min.X)
	c.Max.Y -= 13
	small := aligned(style(smallSize, darkGrey), text.XLeft, text.YTop)
	for i, b := range bands {
		c.FillText(small, vg.Point{X: c.Min.X, Y: c.Max.Y}, b.label)
		a := axes{c, 0, end, b.lo, b.hi}
		a.Max.Y -= 11
		a.Min.Y = c.Max.Y - bandHeight + 8
		a.lines(ticks(b.lo, b.hi, 5))
		for k, t := range traces[3*i : 3*i+3] {
			a.line(t, movementAxes[k].clr)
		}
		a.base(at, lowest && i == len(bands)-1)
		c.Max.Y -= bandHeight
	}
}

// movementLegend says what the colours are.
func movementLegend(c draw.Canvas) {
	sty := style(textSize, black)
	x, y := c.Min.X, c.Max.Y-4
	for _, e := range movementAxes {
		c.StrokeLine2(draw.LineStyle{Color: e.clr, Width: 2}, x, y, x+18, y)
		beside(c, sty, x+22, y, e.label)
		x += 46
	}
}
